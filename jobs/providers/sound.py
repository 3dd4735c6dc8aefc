"""Reads the speech that vendors send, and doubts it.

A file that is empty, of another kind, cut off, or far longer than its text can take isn't speech
of that text, whatever the status of the answer was.
"""

import struct
import time
from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.pipeline.ports import Speech
from jobs.pipeline.translate import SPOKEN

PCM = 1
EXTENSIBLE = 0xFFFE
ENDLESS = 0x7FFF0000  # a streamed WAV is given 0 beforehand, or as much as fits in there, or half
LEAST_SECONDS = 0.02
SLACK = 3.0  # seconds that speech may take beyond what its text explains
TIMES_AS_LONG = 5.0  # as usual; the slowest voices take 1.5 times as long
SCANT = 0.3  # seconds that speech may miss beyond what its text explains
TIMES_AS_FAST = 3.0  # as usual; the fastest voices are 1.2 times as fast
DIGIT = 7.0  # letters that a figure, read aloud, takes about
MOST_BYTES_PER_SECOND = 2 * 48_000
HEADER = 64 * 1024


class Unusable(Exception):
    """What came back isn't the speech that was asked for; says how, in a few words."""


def collected(
    chunks: Iterable[bytes], *, seconds: float, most: int, faults: tuple[type[Exception], ...]
) -> bytes:
    """All chunks of an answer, unless they take more than `seconds` or are more than `most` bytes.

    Raises Unusable, also in place of `faults`: who began to answer wants to be paid for it.
    """
    until = time.monotonic() + seconds
    whole = bytearray()
    try:
        for chunk in chunks:
            whole += chunk
            if len(whole) > most:
                raise Unusable("far longer than its text")
            if time.monotonic() > until:
                raise Unusable("the answer took too long")
    except faults as error:
        raise Unusable(f"broken off, {type(error).__name__}") from error
    return bytes(whole)


def longest(text: str, language: str, rate: float) -> float:
    """More seconds than anybody takes to say `text`."""
    letters = sum(DIGIT if letter.isdigit() else 1.0 for letter in text)
    return SLACK + TIMES_AS_LONG * letters / SPOKEN[language.partition("-")[0]] / rate


def shortest(text: str, language: str, rate: float) -> float:
    """Fewer seconds than anybody needs to say `text`."""
    letters = sum(letter.isalnum() for letter in text)
    usual = letters / SPOKEN[language.partition("-")[0]] / rate
    return max(LEAST_SECONDS, usual / TIMES_AS_FAST - SCANT)


def most_bytes(seconds: float) -> int:
    """Bytes that no answer of that many seconds has: 16 bits at 48 kHz."""
    return HEADER + int(seconds * MOST_BYTES_PER_SECOND)


def from_wav(content: bytes, *, least: float, most: float) -> Speech:
    """The speech in a 16-bit mono WAV file of `least` to `most` seconds. Raises Unusable."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise Unusable("not a WAV file" if content else "empty")
    rate, samples = 0, b""
    for name, chunk in _chunks(content):
        if name == b"fmt ":
            rate = _sample_rate(chunk)
        elif name == b"data":
            samples = chunk
            break
    if not rate:
        raise Unusable("a WAV file without its format")
    whole = np.frombuffer(samples[: len(samples) // 2 * 2], np.dtype("<i2"))
    return _believed(whole.astype(np.float32) / np.float32(32768), rate, least, most)


def from_ogg(content: bytes, *, least: float, most: float) -> Speech:
    """The speech in a mono Ogg Vorbis file of `least` to `most` seconds. Raises Unusable."""
    if content[:4] != b"OggS":
        raise Unusable("not an Ogg file" if content else "empty")
    try:
        with soundfile.SoundFile(BytesIO(content)) as file:
            if file.frames > most * file.samplerate:
                raise Unusable("far longer than its text")
            samples = file.read(dtype="float32", always_2d=True)[:, 0]
            return _believed(np.ascontiguousarray(samples), file.samplerate, least, most)
    except soundfile.SoundFileError as error:
        raise Unusable("a damaged Ogg file") from error


def joined(parts: list[Speech], *, pause: float = 0.15) -> Speech:
    """Several pieces of one text, with a short pause between them."""
    if len(parts) == 1:
        return parts[0]
    rate = parts[0].sample_rate
    silence = np.zeros(round(pause * rate), np.float32)
    pieces = [piece for part in parts for piece in (silence, part.samples)]
    return Speech(np.concatenate(pieces[1:]), rate)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of every chunk; a streamed file's `data` reaches to the end of the file."""
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"data" and (size == 0 or size >= ENDLESS):
            size = len(content) - at - 8
        if at + 8 + size > len(content):
            raise Unusable("cut off")
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _sample_rate(chunk: bytes) -> int:
    if len(chunk) < 16:
        raise Unusable("a WAV file without its format")
    form, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if form not in {PCM, EXTENSIBLE} or channels != 1 or bits != 16:
        raise Unusable("a WAV file in another format")
    return int(rate)


def _believed(samples: NDArray[np.float32], rate: int, least: float, most: float) -> Speech:
    if samples.size < LEAST_SECONDS * rate:
        raise Unusable("empty")
    if samples.size < least * rate:
        raise Unusable("far shorter than its text")
    if samples.size > most * rate:
        raise Unusable("far longer than its text")
    return Speech(samples, rate)
