"""Correcting what was heard and what is said, and making anew only what changed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import ledger, prices
from billing.queries import plan_of
from billing.standing import require_good_standing
from dubber.errors import Conflict, NotFound, PermissionRefused, UserError
from jobs import events, outcomes, rows, wiring
from jobs.models import DubbingJob, JobEvent, LanguageTask, Line, Segment
from jobs.options import UNSTORABLE
from jobs.outcomes import charge_reference
from jobs.pipeline.dub import Engines, Route, voices_of
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find
from jobs.pipeline.segment import slots
from jobs.pipeline.timeline import Transcript
from jobs.refusals import refusal, refuse_expired
from jobs.services import reopen
from jobs.states import LANGUAGE_KINDS, OF_ONE_LINE, OPEN, JobStatus, Stage, StepKind, StepStatus

CHARS_PER_SECOND, CHARS_MORE = 30, 40
"""How long a line may be: so many characters for each second of its slot, and some more."""

WISHES = ("chosen_voice", "keep_original", "mute")


@dataclass(frozen=True, slots=True)
class Change:
    """What a customer wants of one line, and which revision of it they saw. None: as it is."""

    id: int
    revision: int
    text: str | None = None
    speaker: int | None = None
    chosen_voice: str | None = None
    keep_original: bool | None = None
    mute: bool | None = None


def transcript_lines(job: DubbingJob) -> list[dict[str, Any]]:
    """What was heard, line by line, as the API shows it. Raises UserError files_expired."""
    refuse_expired(job)
    rooms = rooms_of(job)
    return [
        _shown(segment, segment, rooms, flags=[]) | {"text": segment.text}
        for segment in job.segments.order_by("index")
    ]


def translated_lines(task: LanguageTask) -> list[dict[str, Any]]:
    """What is said in one language, line by line. Raises UserError files_expired."""
    refuse_expired(task.job)
    rooms = rooms_of(task.job)
    return [
        _shown(line, line.segment, rooms, flags=line.flags)
        | {
            "source": line.segment.text,
            "text": line.text,
            "spoken": line.spoken or None,
            "voice": line.chosen_voice or line.voice or None,
            "keep_original": line.keep_original,
            "mute": line.mute,
            "stale": line.stale,
        }
        for line in task.lines.select_related("segment").order_by("segment__index")
    ]


@transaction.atomic
def edit_transcript(job: DubbingJob, *, changes: Sequence[Change]) -> None:
    """Correct what was heard, and who said it.

    Translations of other words become stale, and lines that get another voice. Raises UserError
    stale_revision, validation_error, files_expired, and Conflict while a language is made.
    """
    job = to_edit(job)
    rooms = rooms_of(job)
    segments = {segment.pk: segment for segment in job.segments.all()}
    for change in changes:
        segment = _found(segments, change)
        columns: dict[str, Any] = {}
        text = _checked_text(change, rooms[segment.index])
        if text is not None and text != segment.text:
            columns["text"] = text
        if change.speaker is not None and change.speaker != segment.speaker:
            columns["speaker"] = _checked_speaker(change, segments.values())
        if columns:
            _write(Segment, change, **columns)
        if "text" in columns:
            Line.objects.filter(segment=segment).update(stale=True, outdated=True)
        if "speaker" in columns:
            segment.speaker = columns["speaker"]
            _outdate_voices(job, segment)
    touch(job)


@transaction.atomic
def edit_lines(
    job: DubbingJob,
    *,
    language: str,
    changes: Sequence[Change],
    engines: Callable[[], Engines] = wiring.engines,
) -> LanguageTask:
    """Change what is said in one language, or by whom, or whether; what changed becomes stale.

    Back at what the dub says, it is stale no more. Raises UserError as `edit_transcript` does, and
    plan_required.
    """
    job = to_edit(job)
    task = find_task(job, language)
    rooms = rooms_of(job)
    lines = {line.pk: line for line in task.lines.select_related("segment")}
    _check_voices(task, {change.chosen_voice for change in changes}, engines)
    for change in changes:
        line = _found(lines, change)
        columns = {
            name: wish
            for name in WISHES
            if (wish := getattr(change, name)) is not None and wish != getattr(line, name)
        }
        text = _checked_text(change, rooms[line.segment.index])
        if text is not None and text != line.text:
            columns |= {"text": text, "outdated": False, "flags": []}
        if columns:
            _write(Line, change, stale=True, **columns)
    rows.mark_unchanged(job, task, {change.id for change in changes})
    touch(job)
    return task


def render(
    job: DubbingJob, *, by: User, engines: Callable[[], Engines] = wiring.engines
) -> list[LanguageTask]:
    """Make the changed lines of all languages anew, for the price of their added-up slots.

    Raises Conflict when nothing is stale or a language is being made, UserError files_expired,
    insufficient_credits, PermissionRefused to who is in no good standing.
    """
    with transaction.atomic():
        job = to_edit(job)
        _end_single_lines(job)
        costs = render_prices(job, engines=engines)
        if not costs:
            raise Conflict(_("Nothing has changed, so there is nothing to update."))
        require_good_standing(job.user)
        ledger.require(job.user, credits=sum(costs.values()))
        reopen(job, tell=False)  # whoever edits is there
        for task, credits in costs.items():
            _begin(job, task, credits, by=by)
        outcomes.make_ready(job)
        return list(costs)


def render_prices(
    job: DubbingJob, *, engines: Callable[[], Engines] = wiring.engines
) -> dict[LanguageTask, int]:
    """The languages that have changed lines, and what making those anew costs now."""
    complete = job.tasks.filter(stage=Stage.COMPLETE, lines__stale=True)
    tasks = list(complete.distinct().select_related("job__user").order_by("pk"))
    if not tasks:
        return {}
    transcript, rooms = rows.transcript_of(job), rooms_of(job)
    return {task: _price(task, transcript, rooms, engines) for task in tasks}


@transaction.atomic
def cast_speaker(
    job: DubbingJob,
    *,
    language: str,
    speaker: int,
    voice: str,
    engines: Callable[[], Engines] = wiring.engines,
) -> None:
    """Give a speaker another voice in one language; their lines without one of their own go stale.

    Raises UserError as `edit_lines` does, and NotFound where nobody has that number.
    """
    job = to_edit(job)
    task = find_task(job, language)
    lines = task.lines.filter(segment__speaker=speaker)
    if not lines.exists():
        raise NotFound("speaker")
    _check_voices(task, {voice}, engines)
    chosen = job.options.get("voices", {})
    cast = {**chosen.get(task.language, {}), str(speaker): voice}
    job.options = {**job.options, "voices": {**chosen, task.language: cast}}
    job.save(update_fields=["options"])
    lines.filter(chosen_voice="").exclude(voice=voice).update(stale=True)
    rows.mark_unchanged(job, task, lines.values_list("pk", flat=True))
    touch(job)


def find_task(job: DubbingJob, language: str) -> LanguageTask:
    """One language of a job. Raises NotFound."""
    try:
        code = find(language).code
    except PipelineError as error:
        raise NotFound("language") from error
    task = job.tasks.filter(language=code).select_related("job").first()
    if task is None:
        raise NotFound("language")
    return task


def _shown(
    row: Segment | Line, segment: Segment, rooms: Mapping[int, float], *, flags: list[str]
) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "start": segment.start_ms / 1000,
        "end": segment.end_ms / 1000,
        "speaker": segment.speaker,
        "max_chars": most_chars(rooms[segment.index]),
        "flags": flags,
        "revision": row.revision,
    }


def rooms_of(job: DubbingJob) -> dict[int, float]:
    """The seconds of every line's slot, by its segment's index."""
    duration = job.duration_ms / 1000
    return {slot.index: slot.room for slot in slots(rows.transcript_of(job).segments, duration)}


def most_chars(room: float) -> int:
    """How long a line in so many seconds of room may be."""
    return int(CHARS_PER_SECOND * max(room, 0.0)) + CHARS_MORE


def to_edit(job: DubbingJob) -> DubbingJob:
    """The job, locked, if nothing is being made that a change would be lost on.

    Raises Conflict, UserError files_expired.
    """
    job = outcomes.lock_job(job.pk)
    refuse_expired(job)
    running = job.status in {JobStatus.PENDING, JobStatus.PROCESSING}
    heard = job.steps.filter(kind=StepKind.TRANSCRIBE, status=StepStatus.DONE).exists()
    reviewed = job.awaits_review and heard
    if running and not reviewed:
        raise Conflict(_("This is being made. Wait until it has ended."))
    making = job.steps.filter(status__in=OPEN).exclude(kind__in=OF_ONE_LINE)
    if making.exists() and not reviewed:
        raise Conflict(_("Files of this job are being made. Wait until they are there."))
    return job


def _end_single_lines(job: DubbingJob) -> None:
    """Give up what was asked for single lines and nobody has begun with. Raises Conflict."""
    steps = job.steps.select_for_update(of=("self",), no_key=True).filter(
        kind__in=OF_ONE_LINE, status__in=OPEN
    )
    for step in steps.order_by("pk"):
        if step.status == StepStatus.RUNNING:  # the same line would be bought twice
            raise Conflict(
                _("A line is being spoken or worded anew. Try again in a moment."), retry_after=5
            )
        step.move_to(StepStatus.CANCELLED, finished_at=Now())


def _found(there: Mapping[int, Any], change: Change) -> Any:
    row = there.get(change.id)
    if row is None:
        raise NotFound("line")
    if row.revision != change.revision:
        raise Conflict(
            _("Somebody changed this line in the meantime. Reload and try again."),
            code="stale_revision",
            id=str(row.pk),
            revision=row.revision,
        )
    return row


def _checked_text(change: Change, room: float) -> str | None:
    if change.text is None:
        return None
    text = " ".join(change.text.split())
    if UNSTORABLE.search(text):
        raise UserError(
            "validation_error", _("Null characters are not allowed."), id=str(change.id)
        )
    most = most_chars(room)
    if not text or len(text) > most:
        raise UserError(
            "validation_error",
            _("Write between 1 and %(most)d characters here.") % {"most": most},
            id=str(change.id),
            max_chars=most,
        )
    return text


def _checked_speaker(change: Change, segments: Collection[Segment]) -> int:
    """Somebody who speaks already, or one more. Raises UserError validation_error."""
    most = max(segment.speaker for segment in segments) + 1
    if change.speaker is None or not 0 <= change.speaker <= most:
        raise UserError(
            "validation_error",
            _("Choose one of the speakers, or the next number for a new one."),
            id=str(change.id),
            most=most,
        )
    return change.speaker


def _outdate_voices(job: DubbingJob, segment: Segment) -> None:
    """Mark the lines of a segment stale that its speaker says in another voice than they have."""
    for task in job.tasks.all():
        voice = rows.cast_of(job, task).get(segment.speaker)
        lines = task.lines.filter(segment=segment, chosen_voice="")
        (lines.exclude(voice=voice) if voice else lines).update(stale=True)
        rows.mark_unchanged(job, task, lines.values_list("pk", flat=True))


def _write(model: type[Segment] | type[Line], change: Change, **columns: Any) -> None:
    """Write a row in the revision that was seen. Raises Conflict stale_revision."""
    seen = model._default_manager.filter(pk=change.id, revision=change.revision)
    if not seen.update(revision=F("revision") + 1, **columns):
        raise Conflict(
            _("Somebody changed this line in the meantime. Reload and try again."),
            code="stale_revision",
            id=str(change.id),
        )


def touch(job: DubbingJob) -> None:
    """Files are kept from a job's last change on."""
    if job.kept_until is not None:
        job.kept_until = timezone.now() + job.kept_for
    job.save(update_fields=["kept_until", "updated_at"])


def _check_voices(
    task: LanguageTask, asked: Collection[str | None], engines: Callable[[], Engines]
) -> None:
    wanted = {voice for voice in asked if voice}
    if not wanted:
        return
    voices = {voice.id: voice.premium for voice in route_of(task, engines).voices}
    if wanted - set(voices):
        raise UserError("validation_error", _("There is no such voice."), field="voice")
    premium = any(voices[name] for name in wanted)
    if premium and not plan_of(task.job.user).limits.premium_voices:
        raise PermissionRefused(_("Your plan has no premium voices."), code="plan_required")
    if premium and task.stage == Stage.FAILED and not _is_paid_as_premium(task):
        raise Conflict(
            _(
                "This language is tried again at its old price, which is for ordinary voices. "
                "Choose a premium voice once it is there."
            )
        )


def _is_paid_as_premium(task: LanguageTask) -> bool:
    full = prices.language_credits(task.job.duration_ms, task.language, premium=True)
    return task.price >= full


def route_of(task: LanguageTask, engines: Callable[[], Engines]) -> Route:
    """The engines of a language. Raises UserError where it can't be made here any more."""
    try:
        return rows.route_of(task, engines())
    except PipelineError as error:
        raise refusal(error) from error


def _price(
    task: LanguageTask,
    transcript: Transcript,
    rooms: Mapping[int, float],
    engines: Callable[[], Engines],
) -> int:
    """What the stale lines of a language cost: at least one credit."""
    route = route_of(task, engines)
    voices = {voice.id: voice.premium for voice in route.voices}
    cast = voices_of(transcript, route=route, options=rows.options_of(task))
    milliseconds = dict.fromkeys((False, True), 0)
    for line in task.lines.filter(stale=True).select_related("segment"):
        own = line.chosen_voice in voices  # else its speaker's voice says it
        voice = line.chosen_voice if own else cast[line.segment.speaker]
        milliseconds[voices[voice]] += rows.to_ms(max(rooms[line.segment.index], 0.0))
    return max(1, prices.lines_credits(milliseconds[False], milliseconds[True], task.language))


def _begin(job: DubbingJob, task: LanguageTask, credits: int, *, by: User) -> None:
    task.move_to(
        Stage.QUEUED,
        runs=task.runs + 1,
        credits=task.credits + credits,
        render_price=credits,
        finished_at=None,
    )
    ledger.charge(
        job.user,
        credits=credits,
        reference=charge_reference(job, task),
        description=_("Changed lines: %(language)s") % {"language": task.language_name},
    )
    task.lines.filter(stale=True).update(previews=0, shortenings=0)
    for step in job.steps.filter(task=task, kind__in=LANGUAGE_KINDS).order_by("pk"):
        step.start_over()
    events.record(JobEvent.Kind.RENDERING_ASKED, job=job, task=task, by=str(by.pk), credits=credits)
