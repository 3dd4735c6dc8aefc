"""Ducking: how far the background goes down while someone speaks.

We know where every line stands, so nothing has to be detected: the gain follows from the spans
alone, is the same on every run, and is computed block by block. It reaches its full depth exactly
where speech starts, because the fall begins before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.pipeline.timeline import SAMPLE_RATE

ATTACK = 0.020  # seconds from untouched to full depth, before speech
RELEASE = 0.250  # seconds back to untouched, after speech
HOLD = 0.5  # a pause shorter than this stays ducked, or the background would pump
DEPTH = 10.0  # dB under speech
MUTED = 96.0  # dB: below the last bit of 16-bit sound

Span = tuple[float, float]


def joined(spans: Iterable[Span], *, hold: float = HOLD) -> tuple[Span, ...]:
    """The spans in order, those that overlap or stand less than `hold` seconds apart made one."""
    whole: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if whole and start - whole[-1][1] < hold:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return tuple(whole)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A gain over time: straight lines in dB between `levels` at `times` (samples, rising)."""

    times: NDArray[np.float64]
    levels: NDArray[np.float64]

    def gain(self, first: int, count: int) -> NDArray[np.float32]:
        """The factors for `count` samples from sample `first`; just one where all are the same."""
        low = int(np.searchsorted(self.times, first, side="right"))
        high = int(np.searchsorted(self.times, first + count - 1, side="left"))
        ends = np.interp([first, first + count - 1], self.times, self.levels)
        if low == high and ends[0] == ends[1]:
            return _factor(ends[:1])
        return _factor(np.interp(np.arange(first, first + count), self.times, self.levels))


def envelope(
    spans: Sequence[Span],
    *,
    depth: float = DEPTH,
    attack: float = ATTACK,
    release: float = RELEASE,
    hold: float = HOLD,
) -> Envelope:
    """A gain that goes down by `depth` dB in the spans (seconds) and leaves the rest untouched."""
    times: list[float] = [-attack - 1.0]
    levels: list[float] = [0.0]
    for start, end in joined(spans, hold=max(hold, attack + release)):
        times += [start - attack, start, end, end + release]
        levels += [0.0, -depth, -depth, 0.0]
    if len(times) > 1 and times[1] <= times[0]:
        times[0] = times[1] - 1.0
    return Envelope(np.array(times) * SAMPLE_RATE, np.array(levels))


def without(spans: Iterable[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """The spans less the holes, where nothing goes down; with room to come up before each."""
    left = list(joined(spans, hold=0.0))
    for hole_start, hole_end in joined(holes, hold=0.0):
        until, since = hole_start - RELEASE, hole_end + ATTACK
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, until)), (max(start, since), end))
            if piece[0] < piece[1]
        ]
    return tuple(sorted(set(left)))


def opening(spans: Sequence[Span], *, until: float) -> Envelope:
    """A gain that is silent up to `until` but for the spans, where it is untouched."""
    quiet = [(-1.0, until + 1.0)]
    return envelope(without(quiet, spans), depth=MUTED, hold=0.0)


def _factor(decibels: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.power(10.0, decibels / 20.0).astype(np.float32)
