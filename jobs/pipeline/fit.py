"""Decides when every line is spoken and how fast: arithmetic on measured speech, nothing else.

The ladder, for each line: it fits; it borrows the pause after it; it is sped up to 1.15; (a shorter
wording, which `speak` asks for); it is sped up to 1.25; it starts up to 200 ms early; it makes the
next lines late, by up to 2 s, which they win back in the next pauses; it is cut. Two lines never
overlap by more than their speakers did. All times are seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from jobs.pipeline.segment import GAP, Slot, overlap
from jobs.pipeline.timeline import SAMPLE_RATE

SLOWEST = 0.90
NATURAL = 1.15  # up to here nobody notices
FASTEST = 1.25
UNNOTICED = 0.03  # no stretch smaller than this is worth its artefacts
STEP = 0.10  # largest difference between the speeds of neighbours
EARLIEST = 0.2
EARLY_FROM = 0.02  # an earlier start than this is called early
LATEST = 2.0
LATE_FROM = 0.125  # what comes later than this is called late
PAUSE = 0.5  # a silence of the source in which lateness can be won back
BACK_WITHIN = 10.0  # seconds after such a pause by which a late run must be on time again
HOLLOW = 1.0  # seconds of silence in a line's own time that are worth a fuller wording
EASE = 0.25  # seconds of lateness given up per second of source, on the way back


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one line stands. seconds is its length there, at `speed`.

    cut means that it is longer than that, and has to lose its end.
    """

    start: float
    seconds: float
    speed: float
    early: float
    late: float
    cut: bool

    @property
    def end(self) -> float:
        """When the line falls silent."""
        return self.start + self.seconds


def needed_speed(natural: float, slot: Slot) -> float:
    """The speed at which `natural` seconds of speech fit into the slot and its following pause."""
    return natural / slot.room if slot.room > 0 else math.inf


def wants_shorter_wording(natural: float, slot: Slot) -> bool:
    """Say whether a line is too long to fit without being noticeably fast."""
    return natural > 0 and needed_speed(natural, slot) > NATURAL


def wants_fuller_wording(natural: float, slot: Slot) -> bool:
    """Say whether a line, spoken as slowly as it may be, leaves much of its own time silent."""
    return natural > 0 and slot.end - slot.start - natural / SLOWEST >= HOLLOW


def fits_better(seconds: float, before: float, slot: Slot) -> bool:
    """Say whether another wording of so many seconds fits better than the one before."""
    if wants_fuller_wording(before, slot):
        return before < seconds <= slot.room
    return seconds < before


def place(slots: Sequence[Slot], naturals: Sequence[float], duration: float) -> tuple[Placed, ...]:
    """Place every line, given its length at natural speed, in a medium of `duration` seconds."""
    alone = _Walk(slots, naturals, duration, [SLOWEST] * len(slots)).run()
    floors = smooth([placed.speed for placed in alone])
    return tuple(_Walk(slots, naturals, duration, floors).run())


def settle(slots: Sequence[Slot], lengths: Sequence[float], duration: float) -> tuple[Placed, ...]:
    """Place lines that already have their final lengths; nothing is stretched any more."""
    return tuple(_Walk(slots, lengths, duration, [1.0] * len(slots), fastest=1.0).run())


def smooth(speeds: Sequence[float]) -> list[float]:
    """The same speeds, raised where a neighbour is faster by more than a step.

    Only ever raised: what fits still fits, and nothing goes beyond 1.15 for its neighbour's sake.
    """
    raised = list(speeds)
    for one, two in pairwise(range(len(raised))):
        raised[two] = _noticeable(max(raised[two], raised[one] - STEP))
    for two, one in pairwise(reversed(range(len(raised)))):
        raised[one] = _noticeable(max(raised[one], raised[two] - STEP))
    return raised


def _noticeable(speed: float) -> float:
    """The nearest speed, not lower, that is either natural or worth a stretch."""
    if 1.0 - UNNOTICED < speed <= 1.0:
        return 1.0
    return max(speed, 1.0 + UNNOTICED) if speed > 1.0 else speed


def _on_sample(seconds: float) -> float:
    """The first sample not before `seconds`, so that no rounding later makes lines overlap."""
    return math.ceil(seconds * SAMPLE_RATE - 1e-4) / SAMPLE_RATE


def _gap(one: Slot, two: Slot) -> float:
    """The breath to keep between two lines: ours, or the source's where that was shorter."""
    return min(GAP, max(0.0, two.start - one.end))


def _back_by(slots: Sequence[Slot]) -> list[float]:
    """For a run of late lines that starts at each line: when it must be on time again."""
    said = [0.0]
    for slot in slots:
        said.append(max(said[-1], slot.end))
    deadline, deadlines = math.inf, [math.inf] * len(slots)
    for at in range(len(slots) - 2, -1, -1):
        if slots[at + 1].start - said[at + 1] >= PAUSE:
            deadline = said[at + 1] + BACK_WITHIN
        deadlines[at] = max(deadline, slots[at].start + BACK_WITHIN)
    return deadlines


@dataclass(slots=True)
class _Walk:
    """One pass over all lines in start order. floors are the lowest speeds allowed."""

    slots: Sequence[Slot]
    naturals: Sequence[float]
    duration: float
    floors: Sequence[float]
    fastest: float = FASTEST
    back_by: list[float] = field(init=False)
    run_ends: float | None = None  # when the present run of late lines must be over
    near: list[int] = field(default_factory=list)  # lines that may still matter to the next one
    placed: list[Placed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.back_by = _back_by(self.slots)

    def run(self) -> list[Placed]:
        for at in range(len(self.slots)):
            placed = self._place(at)
            self.placed.append(placed)
            self.near.append(at)
            self._count_lateness(at, placed)
        return self.placed

    def _place(self, at: int) -> Placed:
        slot, natural = self.slots[at], self.naturals[at]
        lower, longest = self._bounds(at)
        start = _on_sample(max(slot.start, lower))
        if natural <= 0:
            return self._result(at, start, 0.0, 1.0, cut=False)
        speed = max(self.floors[at], _speed(natural, start, slot, longest))
        if speed > self.fastest:
            room = slot.until - natural / self.fastest
            earlier = _on_sample(max(lower, slot.start - EARLIEST, 0.0, room))
            start = min(start, earlier)
            speed = max(self.floors[at], _speed(natural, start, slot, longest))
        speed = min(speed, self.fastest)
        seconds = natural / speed
        most = max(0.0, min(self._limit(at) - start, longest))
        cut = seconds > most + 1 / SAMPLE_RATE
        return self._result(at, start, most if cut else seconds, speed, cut=cut)

    def _result(self, at: int, start: float, seconds: float, speed: float, *, cut: bool) -> Placed:
        moved = start - self.slots[at].start
        moved = 0.0 if abs(moved) <= 1 / SAMPLE_RATE else moved
        return Placed(start, seconds, speed, max(0.0, -moved), max(0.0, moved), cut)

    def _bounds(self, at: int) -> tuple[float, float]:
        """The earliest start that the lines before allow, and the longest length if they limit it.

        A line said into the middle of another may stand there whole as long as it is no longer than
        the overlap was; else it waits for the other one to come to its end.
        """
        slot = self.slots[at]
        self.near = [i for i in self.near if self.placed[i].end + GAP > slot.start - EARLIEST]
        lower, waits = self.placed[at - 1].start if at else 0.0, []
        for i in self.near:
            both = overlap(self.slots[i], slot)
            if both > 0:
                waits.append((self.placed[i].end - both, both))
            else:
                lower = max(lower, self.placed[i].end + _gap(self.slots[i], slot))
        longest = math.inf
        for wait, both in sorted(waits):
            in_time = wait <= max(lower, slot.start)
            fits = self.naturals[at] / self.fastest <= both
            if in_time or (not fits and wait <= slot.start + self._leeway(at)):
                lower = max(lower, wait)
            else:
                longest = min(longest, both)
        return lower, longest

    def _limit(self, at: int) -> float:
        """The latest end that leaves every later line a permitted start."""
        slot, limit = self.slots[at], self.duration
        for later in range(at + 1, len(self.slots)):
            other = self.slots[later]
            both = overlap(slot, other)
            if both > 0 and other.end < slot.end:
                continue
            start = other.start + self._leeway(later)
            if both <= 0:
                return min(limit, start - _gap(slot, other))
            limit = min(limit, start + both)
        return limit

    def _leeway(self, at: int) -> float:
        """How late a line may start: less and less towards the end of a run and of the medium."""
        start = self.slots[at].start
        ends = self.back_by[at] if self.run_ends is None else self.run_ends
        on_the_way_back = max(LATE_FROM, (ends - start) * EASE)
        return max(0.0, min(LATEST, on_the_way_back, (self.duration - start) * EASE))

    def _count_lateness(self, at: int, placed: Placed) -> None:
        if placed.late <= LATE_FROM:
            self.run_ends = None
        elif self.run_ends is None or placed.late > self._leeway(at) + 1e-3:
            self.run_ends = self.back_by[at]


def _speed(natural: float, start: float, slot: Slot, longest: float) -> float:
    """The speed that a line wants which starts at `start`, however high."""
    until = min(slot.until, start + longest)
    own, room = min(slot.end, until) - start, until - start
    if natural <= own:
        return _noticeable(max(SLOWEST, natural / own))
    if natural <= room:
        return 1.0
    return _noticeable(natural / room) if room > 0 else math.inf
