"""Captions that a customer brings for a language that is there: what they say becomes its lines."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from jobs import editing, rows, wiring
from jobs.models import DubbingJob, LanguageTask, Line
from jobs.options import check_captions
from jobs.pipeline import subtitles
from jobs.pipeline.dub import Engines
from jobs.pipeline.timeline import Utterance


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of captions: how many lines they changed, and the cues that changed none.

    left are cues at whose time nothing is said; too_long the lines that had no room for theirs.
    """

    task: LanguageTask
    changed: int
    left: tuple[Utterance, ...]
    too_long: tuple[int, ...]


@transaction.atomic
def bring_captions(
    job: DubbingJob,
    *,
    language: str,
    captions: str,
    engines: Callable[[], Engines] = wiring.engines,
) -> Brought:
    """Let SRT or VTT captions say what is said in one language; what changes becomes stale.

    They are matched to the lines by time: where each is spoken now, or where it was in the
    recording. Raises UserError validation_error for captions that can't be read, and what
    `editing.edit_lines` raises.
    """
    check_captions("captions", captions)
    job = editing.to_edit(job)
    task = editing.find_task(job, language)
    lines = {line.segment.index: line for line in task.lines.select_related("segment")}
    spans = {index: rows.span_of(line) for index, line in lines.items()}
    fitted = subtitles.onto(subtitles.read(captions), spans, language=task.variant)
    rooms = editing.rooms_of(job)
    wanted = {
        index: text for index, text in fitted.texts.items() if text not in _said_now(lines[index])
    }
    fits = {i: text for i, text in wanted.items() if len(text) <= editing.most_chars(rooms[i])}
    changes = [
        editing.Change(id=lines[i].pk, revision=lines[i].revision, text=text)
        for i, text in fits.items()
    ]
    editing.edit_lines(job, language=language, changes=changes, engines=engines)
    too_long = tuple(lines[index].pk for index in wanted if index not in fits)
    return Brought(task, len(changes), fitted.left, too_long)


def _said_now(line: Line) -> set[str]:
    """The words of a line as they stand, and as they were spoken if nothing changed since."""
    return {line.text} if line.stale else {line.text, line.spoken}
