"""Tells by its bytes which container a file is, whether its end is missing, and if it is locked.

A name proves nothing, and ffmpeg would ask it. Only a few headers are read, so this works on a
sparse copy as well. Sources: ISO/IEC 14496-12 (boxes), RFC 8794 (EBML), RFC 9559 (Matroska),
Microsoft's RIFF, ISO/IEC 11172-3 and 13818-7 (frames).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

DEMUXER = {
    "mp4": "mov",
    "mov": "mov",
    "m4a": "mov",
    "mkv": "matroska",
    "webm": "matroska",
    "ogg": "ogg",
    "opus": "ogg",
    "wav": "wav",
    "flac": "flac",
    "mp3": "mp3",
    "aac": "aac",
}
HEAD = 65536  # bytes that may stand before the first frame of an mp3 or aac
BOXES = frozenset(
    b"ftyp moov mdat moof free skip wide mfra sidx styp pdin meta uuid ssix udta emsg prft".split()
)
LOCKED = frozenset((b"enca", b"encv", b"encm", b"encs", b"drms", b"drmi"))
MOST_BOXES = 10_000  # of one level that are looked at
MOST_TRACKS = 64
EBML, SEGMENT, DOC_TYPE = 0x1A45DFA3, 0x18538067, 0x4282
UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # of a WAV whose writer couldn't go back


@dataclass(frozen=True, slots=True)
class Container:
    """One of the eleven that we accept. cut: its end is missing; locked: it is encrypted."""

    name: str
    cut: bool = False
    locked: bool = False


def look(path: Path) -> Container | None:
    """The container of a file, None for one that we don't accept. Raises OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = _after_id3(file)
        file.seek(start)
        head = file.read(HEAD)
        if head[4:8] in BOXES:
            return _iso(file, size, head)
        if head[:4] == b"\x1aE\xdf\xa3":
            return _matroska(head, size)
        if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
            return Container("wav", cut=_wav_is_cut(file, size))
        if head[:4] == b"OggS":
            return Container("opus" if b"OpusHead" in head[:4096] else "ogg")
        if head[:4] == b"fLaC":
            return Container("flac")
        return _frames(head)


def _after_id3(file: BinaryIO) -> int:
    """Where the file's own bytes begin: after any ID3v2 tags, whose size is 4 x 7 bits."""
    start = 0
    for _ in range(8):
        file.seek(start)
        tag = file.read(10)
        if len(tag) < 10 or tag[:3] != b"ID3":
            break
        a, b, c, d = (byte & 0x7F for byte in tag[6:])
        start += 10 + (a << 21 | b << 14 | c << 7 | d)
    return start


def _frames(head: bytes) -> Container | None:
    """An mp3 or aac: two frame headers, one where the other one says."""
    sound = head.lstrip(b"\0")
    for name, length in (("aac", _adts_length), ("mp3", _mp3_length)):
        first = length(sound)
        if first and (length(sound[first:]) or len(sound) < first + 4):
            return Container(name)
    return None


def _adts_length(frame: bytes) -> int:
    """Bytes of an ADTS frame (ISO/IEC 13818-7), 0 if it isn't one."""
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
        return 0
    length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    return length if length > 7 else 0


KBITS_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
KBITS_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _mp3_length(frame: bytes) -> int:
    """Bytes of a Layer III frame (ISO/IEC 11172-3), 0 if it isn't one."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:
        return 0
    version, rate_index = frame[1] >> 3 & 3, frame[2] >> 2 & 3
    if version == 1 or rate_index == 3:
        return 0
    kbits = (KBITS_MPEG1 if version == 3 else KBITS_MPEG2)[frame[2] >> 4]
    samples = 144_000 if version == 3 else 72_000
    return kbits * samples // MP3_RATES[version][rate_index] + (frame[2] >> 1 & 1) if kbits else 0


def _iso(file: BinaryIO, size: int, head: bytes) -> Container:
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    name = {b"qt  ": "mov", b"M4A ": "m4a", b"M4B ": "m4a"}.get(brand, "mp4")
    boxes = list(_boxes(file, 0, size))
    kinds = {kind for kind, _, _ in boxes}
    cut = b"moov" not in kinds or any(kind in BOXES and end > size for kind, _, end in boxes)
    locked = any(
        LOCKED & set(_sample_entries(file, start, min(end, size)))
        for kind, start, end in boxes
        if kind == b"moov"
    )
    return Container(name, cut=cut, locked=locked)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte inside and end of each box up to `end`; the last one may end beyond."""
    for _ in range(MOST_BOXES):
        file.seek(start)
        header = file.read(16)
        if start + 8 > end or len(header) < 8:
            return
        length, kind, inside = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:
            length, inside = int.from_bytes(header[8:16], "big"), 16
        elif length == 0:
            length = end - start
        if length < inside:
            return
        yield kind, start + inside, start + length
        start += length


def _sample_entries(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """The codec words of all tracks of a moov box, as they stand in the sample descriptions."""
    tracks = (box for box in _boxes(file, start, end) if box[0] == b"trak")
    for _, first, last in islice(list(tracks), MOST_TRACKS):
        here: tuple[bytes, int, int] | None = (b"trak", first, min(last, end))
        for inner in (b"mdia", b"minf", b"stbl", b"stsd"):
            boxes = _boxes(file, here[1], here[2]) if here else iter(())
            here = next((box for box in boxes if box[0] == inner), None)
        if here:
            yield from (kind for kind, _, _ in _boxes(file, here[1] + 8, min(here[2], end)))


def _matroska(head: bytes, size: int) -> Container | None:
    """The document type, and whether the one Segment ends where the file does."""
    at, name = 0, ""
    while at < len(head):
        element, at = _vint(head, at, marker=True)
        length, at = _vint(head, at)
        if element == EBML:
            continue  # look inside
        if element == SEGMENT:
            return Container(name, cut=at + length > size) if name else None
        if element == DOC_TYPE:
            name = {b"matroska": "mkv", b"webm": "webm"}.get(
                head[at : at + length].rstrip(b"\0"), ""
            )
        at += max(0, length)
    return None


def _vint(head: bytes, at: int, *, marker: bool = False) -> tuple[int, int]:
    """A variable-length number and where it ends; -1 for "unknown"."""
    first = head[at] if at < len(head) else 0
    width = 9 - first.bit_length()
    number = int.from_bytes(head[at : at + width], "big")
    if not marker:
        number &= (1 << 7 * width) - 1
        number = -1 if number == (1 << 7 * width) - 1 else number
    return number, at + width


def _wav_is_cut(file: BinaryIO, size: int) -> bool:
    """True if the sound is said to go on beyond the file's end."""
    start = 12
    for _ in range(MOST_BOXES):
        file.seek(start)
        header = file.read(8)
        if len(header) < 8:
            return True  # no sound at all
        length = int.from_bytes(header[4:], "little")
        if header[:4] == b"data":
            return length not in UNKNOWN_SIZES and start + 8 + length > size + 1
        start += 8 + length + length % 2
    return True
