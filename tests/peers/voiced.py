"""Speech that nobody said: voiced syllables as long as a text takes, in files as vendors send them.

It has what our own work measures: a beginning and an end, a pitch, syllables, and silence around.
"""

import hashlib
import struct
from functools import cache
from io import BytesIO

import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]

LETTERS_PER_SECOND = 15.0
LETTERS_PER_WIDE = 2.5  # a Chinese character, a kana or a Korean syllable takes as long as that
SYLLABLES_PER_SECOND = 5.0
BABBLE = 10.0  # seconds after which a voice begins anew
BREATH = 0.1  # noise in it, as in any voice; bare tones take encoders three times as long
EDGE = 0.01  # seconds in which it swells and fades
SILENCE = 0.12  # seconds before and after
ENDLESS = 0xFFFFFFFF  # the length that a streamed WAV file claims
BLOCK = 4096


def seconds_of(text: str, rate: float = 1.0) -> float:
    """How long the voices of the peer speak a text, without the silence around it."""
    letters = sum(LETTERS_PER_WIDE if letter > "\u2e80" else 1.0 for letter in text)
    return max(0.2, letters / LETTERS_PER_SECOND / rate)


def spoken(
    text: str, *, voice: str, sample_rate: int, rate: float = 1.0, times: float = 1.0
) -> Sound:
    """The text as syllables, each voice at its own pitch; `times` as long as it should be."""
    return lasting(seconds_of(text, rate) * times, voice=voice, sample_rate=sample_rate)


def lasting(seconds: float, *, voice: str, sample_rate: int) -> Sound:
    """So many seconds of syllables, and the silence around them."""
    samples = round(seconds * sample_rate)
    body = np.resize(_babble(voice, sample_rate), samples)
    edge = np.linspace(0.0, 1.0, min(samples, round(EDGE * sample_rate)), dtype=np.float32)
    body[: edge.size] *= edge
    body[samples - edge.size :] *= edge[::-1]
    silence = np.zeros(round(SILENCE * sample_rate), np.float32)
    return np.concatenate([silence, body, silence])


@cache
def _babble(voice: str, sample_rate: int) -> Sound:
    """Seconds of a voice, made once: what measures our speed must not be busy with its own."""
    time = np.arange(round(BABBLE * sample_rate)) / sample_rate
    seed = int.from_bytes(hashlib.sha256(voice.encode()).digest()[:2])
    pitch = 95.0 + seed % 130 - 12.0 * time / BABBLE  # Hz, falling
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    tone = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
    loud = 0.12 + np.sin(np.pi * SYLLABLES_PER_SECOND * time) ** 2
    breath = BREATH * np.random.default_rng(seed).standard_normal(time.size)
    sound: Sound = (0.16 * (tone + breath) * loud).astype(np.float32)
    return sound


def wav(sound: Sound, sample_rate: int, *, streamed: bool = False) -> bytes:
    """A 16-bit WAV file; a streamed one doesn't know its own length."""
    pcm = (np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    size, whole = (ENDLESS, ENDLESS) if streamed else (len(pcm), len(pcm) + 36)
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)
    start = b"".join((b"RIFF", struct.pack("<I", whole), b"WAVEfmt ", struct.pack("<I", 16), form))
    return b"".join((start, b"data", struct.pack("<I", size), pcm))


def mp3(sound: Sound, sample_rate: int) -> bytes:
    """An MP3 file."""
    file = BytesIO()
    soundfile.write(file, sound, sample_rate, format="MP3")
    return file.getvalue()


def ogg(sound: Sound, sample_rate: int) -> bytes:
    """An Ogg Vorbis file."""
    file = BytesIO()
    with soundfile.SoundFile(
        file, "w", sample_rate, channels=1, format="OGG", subtype="VORBIS"
    ) as writer:
        for first in range(0, sound.size, BLOCK):  # libsndfile fails on one large block
            writer.write(sound[first : first + BLOCK])
    return file.getvalue()
