"""One line, spoken before it is paid for: what is heard is the take that a rendering will use.

A worker speaks it, in a step of its own. What a job has already, spoken in the same voice, is never
bought again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from billing.standing import require_good_standing
from dubber.errors import Conflict, NotFound, UserError
from jobs import desk, extras, links, outcomes, rows, wiring
from jobs.editing import find_task, route_of, to_edit
from jobs.models import DubbingJob, LanguageTask, Line, Preview, Step, Take
from jobs.pipeline import dub as recipe
from jobs.pipeline.dub import Engines
from jobs.refusals import not_ready, refuse_expired
from jobs.states import (
    MOST_PREVIEWS_OF_JOB,
    MOST_PREVIEWS_OF_LINE,
    Stage,
    StepKind,
)

LINK_SECONDS = 3600
"""How long the address of a take can be used."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A take as a file to play."""

    object_key: str
    sha256: str
    bytes: int
    name: str = "line.wav"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be heard: key is that of its take."""

    key: str
    text: str
    voice: str


def preview_line(
    job: DubbingJob,
    *,
    language: str,
    line_id: int,
    engines: Callable[[], Engines] = wiring.engines,
) -> Take | None:
    """Have a worker speak a line as it is now; its take, None until that is there.

    To ask again changes nothing. Raises NotFound, also while the language isn't complete, Conflict
    (preview_limit: too often), PermissionRefused, UserError files_expired, or the code of what
    makes it impossible to say.
    """
    with transaction.atomic():
        job = to_edit(job)
        task = find_task(job, language)
        if task.stage != Stage.COMPLETE:
            raise not_ready()
        line = task.lines.select_related("segment").filter(pk=line_id).first()
        if line is None:
            raise NotFound("line")
        wanted = _wanted(task, line, engines)
        take = Take.objects.filter(job=job, key=wanted.key).first()
        if take is None:
            require_good_standing(job.user)
            _ask(job, task, line, wanted)
        return take


def words_of(line: Line) -> str:
    """What a line says now. Raises Conflict where that isn't spoken, or will be translated anew."""
    if line.mute or line.keep_original:
        raise Conflict(_("Nothing is spoken here: the line is muted, or stays as it was."))
    if line.outdated:
        raise Conflict(
            _("The original was corrected: rendering translates this line anew. Or write it here.")
        )
    return line.spoken if line.spoken and not line.stale else line.text


def find_sound(take_id: int, *, until: int, signature: str) -> Sound:
    """The take that an address stands for. Raises UserError not_found, link_expired."""
    if not links.is_take_signature(take_id, until, signature):
        raise NotFound(_("address"))
    if until < time.time():
        raise UserError("link_expired", _("This link has expired. Ask for it again."), status=410)
    take = Take.objects.filter(pk=take_id).select_related("job").first()
    if take is None:
        raise NotFound(_("file"))
    refuse_expired(take.job)
    return Sound(take.object_key, take.sha256, take.bytes)


def _wanted(task: LanguageTask, line: Line, engines: Callable[[], Engines]) -> _Wanted:
    """What a rendering would begin this line with."""
    text = words_of(line)
    job = task.job
    transcript = rows.transcript_of(job)
    route = route_of(task, engines)
    voice = recipe.line_voice(
        rows.segment_of(line.segment), transcript, route=route, options=rows.options_of(task)
    )
    name = recipe.preview_key(text, route=route, target=task.variant, voice=voice)
    return _Wanted(desk.take_name(name), text, voice)


def _ask(job: DubbingJob, task: LanguageTask, line: Line, wanted: _Wanted) -> None:
    """Have it spoken, unless it is about to be, in the caller's transaction."""
    known = Preview.objects.filter(line__task=task, key=wanted.key).select_related("step").first()
    if known is None:
        _count(job, line)
        step = Step.objects.create(job=job, task=task, kind=StepKind.PREVIEW)
        Preview.objects.create(
            line=line, step=step, key=wanted.key, text=wanted.text, voice=wanted.voice
        )
    else:
        extras.refuse_hopeless(
            known.step,
            _("This line can't be spoken as it is. Change its words or its voice."),
        )
        extras.ask_again(known.step)
    outcomes.make_ready(job)


def _count(job: DubbingJob, line: Line) -> None:
    """Count one more. Raises Conflict preview_limit."""
    extras.count_one(
        line,
        "previews",
        MOST_PREVIEWS_OF_LINE,
        sentence=_("You have heard %(most)d wordings of this line. Render it to hear more."),
        code="preview_limit",
    )
    extras.count_one(
        job,
        "previews",
        MOST_PREVIEWS_OF_JOB,
        sentence=_(
            "The %(most)d previews of this dub are used up. Render your changes to hear them."
        ),
        code="preview_limit",
    )
