"""A shorter wording for a line that doesn't fit, proposed by the translator of its language.

A worker asks for it, in a step of its own, as the fitting loop does: with the seconds that the line
takes and those that it has. Nothing is changed: somebody uses the proposal, or doesn't.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from billing.standing import require_good_standing
from dubber.errors import Conflict, NotFound, UserError
from jobs import editor, extras, outcomes, rows, wiring
from jobs.editing import find_task, rooms_of, route_of, to_edit
from jobs.models import DubbingJob, LanguageTask, Line, Shortening, Step
from jobs.pipeline.dub import Engines
from jobs.previews import words_of
from jobs.refusals import not_ready, refuse_expired
from jobs.states import (
    MOST_SHORTENINGS_OF_JOB,
    MOST_SHORTENINGS_OF_LINE,
    Stage,
    StepKind,
    StepStatus,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was asked for, and what the translator answered once that is `ready`.

    text is "" where it knows no shorter wording than `instead`.
    """

    id: int
    ready: bool
    text: str
    instead: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be said in fewer words: how long it takes, and the key of that question."""

    key: str
    text: str
    spoken_ms: int


def shorten_line(
    job: DubbingJob,
    *,
    language: str,
    line_id: int,
    engines: Callable[[], Engines] = wiring.engines,
) -> Proposal:
    """Have a worker ask for a shorter wording of a line as it is now.

    To ask again changes nothing. Raises NotFound, also while the language isn't complete, Conflict
    (line_fits; cannot_reword: the translator can't; shortening_limit: too often),
    PermissionRefused, UserError files_expired, or the code of what makes it impossible.
    """
    with transaction.atomic():
        job = to_edit(job)
        task = find_task(job, language)
        if task.stage != Stage.COMPLETE:
            raise not_ready()
        line = task.lines.select_related("segment").filter(pk=line_id).first()
        if line is None:
            raise NotFound("line")
        _require_rewording(task, engines)
        wanted = _wanted(task, line)
        asked = Shortening.objects.filter(line=line, key=wanted.key).select_related("step").first()
        if asked is None or asked.step.status != StepStatus.DONE:
            require_good_standing(job.user)
            asked = _ask(job, task, line, wanted, asked)
        return _proposal(asked)


def find_proposal(task: LanguageTask, *, line_id: int, asked_id: int) -> Proposal:
    """What became of a question, whatever the line says meanwhile.

    Raises NotFound, UserError files_expired, and Conflict where nothing will come of it.
    """
    refuse_expired(task.job)
    asked = (
        Shortening.objects.filter(pk=asked_id, line=line_id, line__task=task)
        .select_related("step")
        .first()
    )
    if asked is None:
        raise NotFound("line")
    if asked.step.status in {StepStatus.FAILED, StepStatus.CANCELLED}:
        raise Conflict(_("No shorter wording could be made of this line. Shorten it yourself."))
    return _proposal(asked)


def can_reword(task: LanguageTask, *, engines: Callable[[], Engines] = wiring.engines) -> bool:
    """Say whether whoever translates a language can give shorter wordings."""
    try:
        return route_of(task, engines).translator.rewords
    except UserError:
        return False


def _proposal(asked: Shortening) -> Proposal:
    ready = asked.step.status == StepStatus.DONE
    return Proposal(asked.pk, ready=ready, text=asked.proposal, instead=asked.text)


def _require_rewording(task: LanguageTask, engines: Callable[[], Engines]) -> None:
    if not route_of(task, engines).translator.rewords:
        raise Conflict(
            _("The translator of this language can't word a line anew. Shorten it yourself."),
            code="cannot_reword",
        )


def _wanted(task: LanguageTask, line: Line) -> _Wanted:
    """The wording as it is now, and how long it takes: measured, or by the pace of its voice."""
    text = words_of(line)
    room_ms = rows.to_ms(rooms_of(task.job)[line.segment.index])
    paces = editor.paces_of(task)
    pace = paces.get(line.chosen_voice or line.voice, paces[""])
    spoken_ms = max(rows.to_ms(len(text) / pace), _measured_ms(line))
    if spoken_ms <= max(room_ms, 0) * editor.FITS:
        raise Conflict(_("This line fits its time already."), code="line_fits")
    shaped_by = json.dumps([line.segment.text, text, room_ms], ensure_ascii=False)
    return _Wanted(hashlib.sha256(shaped_by.encode()).hexdigest(), text, spoken_ms)


def _measured_ms(line: Line) -> int:
    """How long the line takes at its voice's natural rate, 0 where nobody has spoken it so yet."""
    if line.stale or line.start_ms is None or line.end_ms is None:
        return 0
    return (line.end_ms - line.start_ms) * (line.speed_permille or 0) // 1000


def _ask(
    job: DubbingJob, task: LanguageTask, line: Line, wanted: _Wanted, asked: Shortening | None
) -> Shortening:
    """Have it asked for, unless it is about to be, in the caller's transaction."""
    if asked is None:
        _count(job, line)
        step = Step.objects.create(job=job, task=task, kind=StepKind.SHORTEN)
        asked = Shortening.objects.create(
            line=line, step=step, key=wanted.key, text=wanted.text, spoken_ms=wanted.spoken_ms
        )
    else:
        extras.refuse_hopeless(
            asked.step,
            _("No shorter wording could be made of this line. Shorten it yourself."),
        )
        extras.ask_again(asked.step)
    outcomes.make_ready(job)
    return asked


def _count(job: DubbingJob, line: Line) -> None:
    """Count one more. Raises Conflict shortening_limit."""
    extras.count_one(
        line,
        "shortenings",
        MOST_SHORTENINGS_OF_LINE,
        sentence=_(
            "You have asked for %(most)d shorter wordings of this line. Shorten it yourself."
        ),
        code="shortening_limit",
    )
    extras.count_one(
        job,
        "shortenings",
        MOST_SHORTENINGS_OF_JOB,
        sentence=_(
            "The %(most)d shorter wordings of this dub are used up. Shorten the line yourself."
        ),
        code="shortening_limit",
    )
