"""Puts spoken clips on an empty track.

The track is made block by block from its start to its end, so that three hours need no more memory
than three minutes.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.pipeline.timeline import SAMPLE_RATE

BLOCK = SAMPLE_RATE  # samples made at a time

Clip = tuple[int, NDArray[np.int16]]  # the sample at which it starts, and its samples


def assemble(placed: Sequence[tuple[float, Path]], samples: int, out: Path) -> None:
    """Write a 48 kHz 16-bit mono FLAC of exactly `samples` samples with every clip at its start.

    placed holds start seconds (rounded to the nearest sample) and 48 kHz mono WAVs. Clips that
    overlap are summed and limited to what 16 bits hold; what would stand outside the track is left
    out.
    """
    with soundfile.SoundFile(
        out, "w", SAMPLE_RATE, channels=1, subtype="PCM_16", format="FLAC"
    ) as track:
        for block in _blocks(placed, samples):
            track.write(block)


def _blocks(placed: Sequence[tuple[float, Path]], samples: int) -> Iterator[NDArray[np.int16]]:
    waiting = deque(sorted((round(start * SAMPLE_RATE), clip) for start, clip in placed))
    sounding: list[Clip] = []
    for first in range(0, samples, BLOCK):
        count = min(BLOCK, samples - first)
        while waiting and waiting[0][0] < first + count:
            start, clip = waiting.popleft()
            sounding.append((start, _read(clip)))
        yield _sum(sounding, first, count)
        sounding = [
            (start, sound) for start, sound in sounding if start + len(sound) > first + count
        ]


def _sum(sounding: Sequence[Clip], first: int, count: int) -> NDArray[np.int16]:
    total = np.zeros(count, np.int32)
    for start, sound in sounding:
        here = sound[max(0, first - start) : max(0, first + count - start)]
        at = max(0, start - first)
        total[at : at + len(here)] += here
    return np.clip(total, -32768, 32767).astype(np.int16)


def _read(clip: Path) -> NDArray[np.int16]:
    sound, rate = soundfile.read(clip, dtype="int16", always_2d=True)
    if rate != SAMPLE_RATE or sound.shape[1] != 1:
        raise ValueError(f"a clip has {rate} Hz and {sound.shape[1]} channels, not 48000 and 1")
    return np.ascontiguousarray(sound[:, 0])
