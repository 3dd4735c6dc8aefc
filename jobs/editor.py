"""Lines as the editor shows them: a page of them at a time, with what helps to write them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Length
from django.utils.translation import gettext as _

from dubber.errors import UserError
from jobs import editing, wiring
from jobs.models import DubbingJob, LanguageTask, Line, Segment
from jobs.pipeline.dub import Engines
from jobs.pipeline.ports import VoiceInfo
from jobs.receipts import line_sentences
from jobs.refusals import refuse_expired
from jobs.states import Stage

AT_ONCE = 50
"""How many lines are sent at a time."""

FITS = 1.03
"""Up to this speed a line is said as its voice speaks by itself."""

USUAL_PACE = 15.0
"""Characters that a voice says in a second, where none was measured yet."""


@dataclass(frozen=True, slots=True)
class EditorLine:
    """One line to edit. room is the seconds that it has, pace what its voice says in each.

    source is empty where the line is itself what was heard. reasons say why to look at it.
    """

    id: int
    revision: int
    index: int
    start_ms: int
    speaker: int
    room: float
    most_chars: int
    text: str
    source: str = ""
    voice: str = ""
    chosen_voice: str = ""
    pace: float = USUAL_PACE
    keep_original: bool = False
    mute: bool = False
    stale: bool = False
    outdated: bool = False
    reasons: Sequence[str] = ()

    @property
    def page_start(self) -> int:
        """Where the page of lines that shows it begins."""
        return self.index - self.index % AT_ONCE

    @property
    def number(self) -> int:
        """Its place, counted as people count."""
        return self.index + 1

    @property
    def is_tight(self) -> bool:
        """Say whether it would have to be said faster than its voice speaks."""
        silent = self.mute or self.keep_original
        return not silent and len(self.text) / self.pace > max(self.room, 0.1) * FITS


@dataclass(frozen=True, slots=True)
class EditorPage:
    """Some lines in their order, how many there are in all, and where the next page begins."""

    lines: Sequence[EditorLine]
    count: int
    next: int | None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who speaks in the recording, counted from 0, and their voice in one language."""

    number: int
    voice: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What making the changed lines anew would take; reason says why it can't be done here.

    where says how many of the lines each language has, and is "" where there is only one.
    """

    lines: int
    credits: int
    where: str = ""
    reason: str = ""


def transcript_page(job: DubbingJob, *, start: int = 0) -> EditorPage:
    """What was heard, from line `start` on. Raises UserError files_expired."""
    rooms = _rooms(job)
    segments = job.segments.order_by("index")[start : start + AT_ONCE]
    return _page([_heard(segment, rooms) for segment in segments], start, len(rooms))


def lines_page(task: LanguageTask, *, start: int = 0) -> EditorPage:
    """What is said in one language, from line `start` on. Raises UserError files_expired."""
    rooms = _rooms(task.job)
    paces = paces_of(task)
    lines = task.lines.select_related("segment").order_by("segment__index")
    found = [_said(line, rooms, paces) for line in lines[start : start + AT_ONCE]]
    return _page(found, start, len(rooms))


def heard_line(job: DubbingJob, line_id: int) -> EditorLine | None:
    """One line of what was heard, as it is now."""
    segment = job.segments.filter(pk=line_id).first()
    return _heard(segment, _rooms(job)) if segment else None


def said_line(task: LanguageTask, line_id: int) -> EditorLine | None:
    """One line of what is said, as it is now."""
    line = task.lines.select_related("segment").filter(pk=line_id).first()
    return _said(line, _rooms(task.job), paces_of(task)) if line else None


def paces_of(task: LanguageTask) -> Mapping[str, float]:
    """Characters a second of every voice at its natural rate, as measured on the spoken lines.

    "" is the mean of all of them.
    """
    spoken = task.lines.filter(start_ms__isnull=False).exclude(spoken="")
    natural = (F("end_ms") - F("start_ms")) * F("speed_permille")
    rows = spoken.values_list("voice").annotate(chars=Sum(Length("spoken")), time=Sum(natural))
    found = {voice: (chars, time / 1_000_000) for voice, chars, time in rows if time}
    every = [sum(column) for column in zip(*found.values(), strict=True)] or [USUAL_PACE, 1.0]
    return {"": every[0] / every[1]} | {
        voice: chars / seconds for voice, (chars, seconds) in found.items()
    }


def voices_of(
    task: LanguageTask, *, engines: Callable[[], Engines] = wiring.engines
) -> Sequence[VoiceInfo]:
    """The voices that can speak a language; none where it can't be made here any more."""
    try:
        return editing.route_of(task, engines).voices
    except UserError:
        return ()


def names_of(voices: Sequence[VoiceInfo]) -> Mapping[str, str]:
    """What voices are called where one is chosen: whose they sound like, and which are premium."""
    return {voice.id: _name_of(voice) for voice in voices}


def _name_of(voice: VoiceInfo) -> str:
    kind = [voice.gender] if voice.gender else []
    kind += [_("premium")] if voice.premium else []
    return f"{voice.name} ({', '.join(kind)})" if kind else voice.name


def speakers_of(task: LanguageTask) -> Sequence[Speaker]:
    """Who speaks, with the voice that each has."""
    chosen = task.job.options.get("voices", {}).get(task.language, {})
    voices = {**task.cast, **chosen}
    numbers = numbers_of(task.job)[:-1]
    return [Speaker(number, voices.get(str(number), "")) for number in numbers]


def numbers_of(job: DubbingJob) -> Sequence[int]:
    """The numbers of those who speak, and last the one that somebody new would have."""
    there = sorted(set(job.segments.order_by().values_list("speaker", flat=True).distinct()))
    return [*there, there[-1] + 1 if there else 0]


def costs_of(job: DubbingJob, *, engines: Callable[[], Engines] = wiring.engines) -> Costs:
    """What making the changed lines of all languages anew would take now."""
    stale = Count("lines", filter=Q(lines__stale=True))
    tasks = job.tasks.filter(stage=Stage.COMPLETE).annotate(changed=stale).order_by("pk")
    changed = [(task.language_name, task.changed) for task in tasks]
    lines = sum(count for _name, count in changed)
    if not lines:
        return Costs(lines=0, credits=0)
    parts = [f"{name} {count}" for name, count in changed if count]
    where = ", ".join(parts) if len(changed) > 1 else ""
    try:
        prices = editing.render_prices(job, engines=engines)
    except UserError as error:
        return Costs(lines=lines, credits=0, where=where, reason=error.message)
    return Costs(lines=lines, credits=sum(prices.values()), where=where)


def _rooms(job: DubbingJob) -> Mapping[int, float]:
    refuse_expired(job)
    return editing.rooms_of(job)


def _page(lines: Sequence[EditorLine], start: int, count: int) -> EditorPage:
    end = start + len(lines)
    return EditorPage(lines, count, end if lines and end < count else None)


def _heard(segment: Segment, rooms: Mapping[int, float]) -> EditorLine:
    room = max(rooms[segment.index], 0.0)
    return EditorLine(
        id=segment.pk,
        revision=segment.revision,
        index=segment.index,
        start_ms=segment.start_ms,
        speaker=segment.speaker,
        room=room,
        most_chars=editing.most_chars(room),
        text=segment.text,
    )


def _said(line: Line, rooms: Mapping[int, float], paces: Mapping[str, float]) -> EditorLine:
    room = max(rooms[line.segment.index], 0.0)
    voice = line.chosen_voice or line.voice
    return EditorLine(
        id=line.pk,
        revision=line.revision,
        index=line.segment.index,
        start_ms=line.segment.start_ms,
        speaker=line.segment.speaker,
        room=room,
        most_chars=editing.most_chars(room),
        text=line.text if line.stale else line.spoken or line.text,
        source=line.segment.text,
        voice=line.voice,
        chosen_voice=line.chosen_voice,
        pace=paces.get(voice, paces[""]),
        keep_original=line.keep_original,
        mute=line.mute,
        stale=line.stale,
        outdated=line.outdated,
        reasons=[] if line.stale else line_sentences(line),
    )
