"""The timeline: what was said and what is said now, over one time axis, as pages draw it.

Three files draw it, by the same rules: this one measures, templates/_timeline.html draws where
there is no script, static/timeline.js draws again what changes. Places are percent of the axis's
length, so that the drawing grows with its window while text and heights stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.models import Line, Segment

QUICK, FAST = 1.03, 1.15
"""Applied speeds above which a line counts as quicker than natural, and as fast."""

PX_A_SECOND = 18
"""How long a second is drawn at least; what is wider than its window scrolls."""

TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)
TICK_PX = 72
"""Seconds between two ticks: the first that leaves them so far apart."""


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line on both lanes; times are seconds from the start of the recording.

    start, end and said are the original, now_start, now_end and now the dub, None and "" until it
    is spoken. speed is against the voice's natural rate; borrowed are the seconds of the following
    pause that the dub takes, the last ones of now_start to now_end. flags are names of what is to
    be looked at.
    """

    id: str
    start: float
    end: float
    said: str = ""
    now_start: float | None = None
    now_end: float | None = None
    now: str = ""
    speed: float | None = None
    borrowed: float = 0.0
    flags: tuple[str, ...] = ()

    @property
    def spoken(self) -> bool:
        """Say whether the dub of this line is there."""
        return self.now_start is not None and self.now_end is not None

    @property
    def tint(self) -> str:
        """The class of its block: waiting, natural, quick or fast."""
        if not self.spoken:
            return "waiting"
        speed = self.speed or 1.0
        return "fast" if speed > FAST else "quick" if speed > QUICK else "natural"


@dataclass(frozen=True, slots=True)
class Block:
    """A line with its places along the axis, as percent: "12.500%". borrowed_* may be empty."""

    line: TimelineLine
    said_x: str
    said_width: str
    now_x: str
    now_width: str
    borrowed_x: str = ""
    borrowed_width: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A time written under the axis. anchor is which part of it stands at x, so that it is seen."""

    x: str
    seconds: int
    anchor: str  # "start", "middle" or "end"


def timeline_of(segments: Iterable[Segment], lines: Iterable[Line] = ()) -> list[TimelineLine]:
    """The rows of a job and of one of its languages as a timeline; ids are those of the lines.

    A segment without a line, or whose line isn't spoken, waits; without a line its id is "s" and
    its index. Asks nothing of the database.
    """
    spoken = {line.segment_id: line for line in lines}
    return [_of(segment, spoken.get(segment.pk)) for segment in segments]


def from_manifest(manifest: Mapping[str, Any]) -> tuple[tuple[TimelineLine, ...], float]:
    """The timeline in a manifest (docs/manifest.md), and its seconds. Raises KeyError."""
    lines = tuple(
        TimelineLine(
            id=str(line["index"] + 1),
            start=line["slot"]["start"],
            end=line["slot"]["end"],
            said=line["source"],
            now_start=line["start"],
            now_end=line["end"],
            now=line["text"],
            speed=line["speed"],
            borrowed=line["borrowed"],
            flags=tuple(line["flags"]),
        )
        for line in manifest["lines"]
    )
    return lines, float(manifest["source"]["duration"])


def blocks(lines: Sequence[TimelineLine], *, seconds: float) -> list[Block]:
    """Measure every line on an axis of so many seconds."""
    return [_block(line, seconds) for line in lines]


def ticks(seconds: float) -> list[Tick]:
    """The times that are written under an axis of so many seconds."""
    step = next((step for step in TICKS if step * PX_A_SECOND >= TICK_PX), TICKS[-1])
    return [
        Tick(place(at, seconds), at, _anchor(at, seconds))
        for at in range(0, int(seconds) + 1, step)
    ]


def width(seconds: float) -> int:
    """Pixels that an axis of so many seconds takes at least."""
    return round(seconds * PX_A_SECOND)


def place(at: float, seconds: float) -> str:
    """A time as percent of the axis; always with a point, whatever the language."""
    return f"{100 * at / seconds if seconds else 0:.3f}%"


def as_json(lines: Sequence[TimelineLine]) -> list[dict[str, object]]:
    """What the script gets: every column of each line, its tint beside."""
    return [{**asdict(line), "tint": line.tint} for line in lines]


def told(lines: Sequence[TimelineLine]) -> str:
    """The drawing in one sentence, for who doesn't see it."""
    waiting = sum(not line.spoken for line in lines)
    faster = sum(line.tint in {"quick", "fast"} for line in lines)
    flagged = sum(bool(line.flags) for line in lines)
    parts = [ngettext("%(n)d line", "%(n)d lines", len(lines)) % {"n": len(lines)}]
    if waiting:
        parts.append(_("%(n)d not spoken yet") % {"n": waiting})
    if faster:
        parts.append(_("%(n)d faster than natural") % {"n": faster})
    if flagged:
        parts.append(_("%(n)d to look at") % {"n": flagged})
    return ", ".join(parts) + "."


def _anchor(at: int, seconds: float) -> str:
    if at == 0:
        return "start"
    return "end" if (seconds - at) * PX_A_SECOND < TICK_PX / 4 else "middle"


def _of(segment: Segment, line: Line | None) -> TimelineLine:
    start, end = segment.start_ms / 1000, segment.end_ms / 1000
    if line is None:
        return TimelineLine(f"s{segment.index}", start, end, segment.text)
    if line.start_ms is None or line.end_ms is None:
        return TimelineLine(str(line.pk), start, end, segment.text, now=line.text)
    return TimelineLine(
        id=str(line.pk),
        start=start,
        end=end,
        said=segment.text,
        now_start=line.start_ms / 1000,
        now_end=line.end_ms / 1000,
        now=line.spoken or line.text,
        speed=None if line.speed_permille is None else line.speed_permille / 1000,
        borrowed=line.borrowed_ms / 1000,
        flags=tuple(line.flags),
    )


def _block(line: TimelineLine, seconds: float) -> Block:
    begin = line.start if line.now_start is None else line.now_start
    end = line.end if line.now_end is None else line.now_end
    said = place(line.start, seconds), place(line.end - line.start, seconds)
    now = place(begin, seconds), place(end - begin, seconds)
    if not line.spoken or not line.borrowed:
        return Block(line, *said, *now)
    borrowed = min(line.borrowed, end - begin)
    return Block(line, *said, *now, place(end - borrowed, seconds), place(borrowed, seconds))
