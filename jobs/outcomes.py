"""What becomes of a step, its language and its job: each turn in one transaction.

Every function locks the job first and its steps after it, so that no two can wait for each other.
Nothing here computes or talks to anyone: what a step made is already in storage.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from math import isfinite

from django.core.mail import mail_admins
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import ledger
from jobs import bonuses, claims, events, queue, rows, storage
from jobs.claims import Claim
from jobs.models import DubbingJob, JobEvent, LanguageTask, Step
from jobs.pipeline.calls import NoPlace
from jobs.pipeline.errors import PipelineError
from jobs.refusals import final_sentence
from jobs.states import (
    BEFORE,
    ENDED,
    LANGUAGE_KINDS,
    ON_DEMAND,
    OPEN,
    STAGE_OF,
    JobStatus,
    Stage,
    StepKind,
    StepStatus,
)
from jobs.storage import Kept

log = logging.getLogger(__name__)

MOST_ERRORS = 5
"""How many attempts may end with an error worth trying again."""

FIRST_DELAY, LONGEST_DELAY = 15.0, 900.0
LONGEST_ASKED = 3600.0
ACCOUNT = "VENDOR_ACCOUNT"
ACCOUNT_DELAY = 600.0
PATIENCE = timedelta(hours=24)
"""How long a step waits for what is no error of its own: a vendor's account, a place at it."""
TELL_AGAIN = timedelta(hours=1)
"""How long staff hear nothing more of one vendor's account, however many steps wait for it."""


def lock_job(job_id: int) -> DubbingJob:
    """The job, locked for the rest of the transaction."""
    # NO KEY UPDATE: a take that is being written refers to the job, and must not wait for us.
    jobs = DubbingJob.objects.select_for_update(of=("self",), no_key=True)
    return jobs.select_related("user").get(pk=job_id)


@transaction.atomic
def begin(claim: Claim) -> Step:
    """Show that a claimed step runs. Raises Stopped when the claim is lost."""
    job = lock_job(claim.job_id)
    step = claims.fence(claim)
    if job.status == JobStatus.PENDING:
        job.move_to(JobStatus.PROCESSING, started_at=Now())
    for task in _concerned(job, claim):
        stage = STAGE_OF[claim.kind]
        if task.stage != stage:
            task.move_to(stage)
    events.record(
        JobEvent.Kind.STEP_BEGUN, job=job, task=step.task, step=step, attempt=claim.attempt
    )
    return step


@transaction.atomic
def finish(claim: Claim, *, kept: list[Kept], write: Callable[[], None], **details: object) -> None:
    """Mark a step done, with the rows of what it made, and ring for what is ready now.

    `write` writes what goes into other rows than the files; details go into the record. Raises
    Stopped when the claim is lost: then nothing was written.
    """
    job = lock_job(claim.job_id)
    step = claims.fence(claim)
    storage.enter(kept, job=job, task=step.task)
    write()
    step.move_to(StepStatus.DONE, finished_at=Now(), reason_since=None)
    events.record(JobEvent.Kind.STEP_DONE, job=job, task=step.task, step=step, **details)
    if claim.kind == StepKind.EXPORT:
        for task in _concerned(job, claim):
            task.move_to(Stage.COMPLETE, render_price=0, finished_at=Now())
            events.record(JobEvent.Kind.LANGUAGE_COMPLETE, job=job, task=task)
            storage.outdate_extras(task, but={one.kind for one in kept})
    make_ready(job)
    settle(job)


def after_error(claim: Claim, error: PipelineError) -> None:
    """Put the step off when trying again can help, else fail it. Raises Stopped like `finish`."""
    step = claim.mine().first()
    if step is not None and error.again and not _enough(step, error):
        put_off(claim, error)
    else:
        fail(claim, error)


@transaction.atomic
def put_off(claim: Claim, error: PipelineError) -> None:
    """Let the step wait before it is tried again.

    A vendor's account is not the step's error, nor is that others have all places at a vendor.
    """
    job = lock_job(claim.job_id)
    step = claims.fence(claim)
    account = error.code == ACCOUNT
    delay = ACCOUNT_DELAY if account else _delay(step.errors, error)
    # Whatever else fails meanwhile, the time that is left for an account runs on.
    code = ACCOUNT if _awaits_account(step) else error.code
    same = step.reason_since is not None and step.error_code == code
    tell = account and not same and not _told_lately(error)
    step.move_to(
        StepStatus.READY,
        not_before=Now() + timedelta(seconds=delay),
        reason=error.code.lower(),
        reason_since=step.reason_since if same else Now(),
        error_code=code,
        errors=step.errors + (0 if account or isinstance(error, NoPlace) else 1),
    )
    events.record(
        JobEvent.Kind.STEP_PUT_OFF,
        job=job,
        task=step.task,
        step=step,
        code=error.code,
        seconds=round(delay),
        **({"told": str(error)} if tell else {}),
    )
    if tell:
        transaction.on_commit(lambda: _tell_staff(step, error))
    level = logging.ERROR if account else logging.WARNING
    log.log(level, "%s of %s put off: %s %s", step.kind, job, error.code, error.detail)


@transaction.atomic
def fail(claim: Claim, error: PipelineError) -> None:
    """Fail the step and with it its language, or all of them: refunded in the same transaction."""
    job = lock_job(claim.job_id)
    step = claims.fence(claim)
    step.move_to(StepStatus.FAILED, error_code=error.code, reason="", finished_at=Now())
    events.record(JobEvent.Kind.STEP_FAILED, job=job, task=step.task, step=step, code=error.code)
    log.error("%s of %s failed: %s %s", step.kind, job, error.code, error.detail)
    if error.code == "STEP_DIED":
        transaction.on_commit(lambda: _tell_of_deaths(step))
    for task in _concerned(job, claim):
        fail_language(job, task, error)
    cancel_steps(job)
    make_ready(job)  # what was asked for of a language whose rendering was given up just now
    settle(job)


def fail_language(job: DubbingJob, task: LanguageTask, error: PipelineError) -> None:
    """Mark one language failed and give its credits back, in the caller's transaction.

    Where only changed lines were made anew, it stays as it was before.
    """
    code, sentence = error.code, final_sentence(error)
    if task.render_price:
        credits = give_up_rendering(job, task)
        events.record(
            JobEvent.Kind.RENDERING_FAILED, job=job, task=task, code=code, refunded=credits
        )
        return
    task.move_to(Stage.FAILED, error_code=code, error=sentence, finished_at=Now())
    credits = refund(job, task)
    events.record(JobEvent.Kind.LANGUAGE_FAILED, job=job, task=task, code=code, refunded=credits)


def refund(job: DubbingJob, task: LanguageTask, *, reason: str = "", by: User | None = None) -> int:
    """Give back what a language cost and was not given back yet; how many credits that is.

    `by` is the member of staff who gives back what was delivered.
    """
    credits = task.credits - task.refunded
    if credits:
        ledger.refund(
            job.user,
            credits=credits,
            reference=charge_reference(job, task),
            description=_("Refund: %(language)s") % {"language": task.language_name},
            reason=reason,
            by=by,
        )
        LanguageTask.objects.filter(pk=task.pk).update(refunded=task.credits)
        task.refunded = task.credits
    return credits


def give_up_rendering(job: DubbingJob, task: LanguageTask) -> int:
    """Leave a language as it was before its changed lines were to be made anew, refunded."""
    credits = task.render_price
    ledger.refund(
        job.user,
        credits=credits,
        reference=charge_reference(job, task),
        description=_("Refund: %(language)s") % {"language": task.language_name},
    )
    storage.step_back(task)
    dub = task.artifacts.filter(kind="dub", current=True).first()
    if dub is not None and "lines" in dub.details:
        rows.put_back(task, dub.details["lines"])
    task.move_to(
        Stage.COMPLETE,
        runs=task.runs + 1,  # what staff give back later needs a reference of its own
        refunded=task.refunded + credits,
        render_price=0,
        finished_at=Now(),
    )
    return credits


def charge_reference(job: DubbingJob, task: LanguageTask) -> str:
    """What the ledger knows this making of a language by: its charge, and its refund."""
    return f"{job.public_id}:{task.language}:{task.runs}"


def charge_references(job: DubbingJob, task: LanguageTask) -> list[str]:
    """What the ledger knows every making of a language by, the first first."""
    return [f"{job.public_id}:{task.language}:{run}" for run in range(1, task.runs + 1)]


def cancel_steps(job: DubbingJob) -> None:
    """Cancel the steps that nobody needs any more: those of ended languages only."""
    tasks = list(job.tasks.all())
    gone = {task.pk for task in tasks if task.stage in ENDED}
    for step in (
        job.steps.select_for_update(of=("self",), no_key=True)
        .filter(status__in=OPEN)
        .exclude(kind__in=ON_DEMAND)
        .order_by("pk")
    ):
        if step.task_id in gone or len(gone) == len(tasks):
            step.move_to(StepStatus.CANCELLED, finished_at=Now())


def cancel_extras(job: DubbingJob) -> None:
    """Cancel what is being made on demand, in the caller's transaction."""
    open_steps = job.steps.select_for_update(of=("self",), no_key=True).filter(
        status__in=OPEN, kind__in=ON_DEMAND
    )
    for step in open_steps.order_by("pk"):
        step.move_to(StepStatus.CANCELLED, finished_at=Now())


def make_ready(job: DubbingJob) -> None:
    """Make those waiting steps ready that wait for nothing any more, and ring for each."""
    steps = list(job.steps.select_for_update(of=("self",), no_key=True).order_by("pk"))
    done = {(step.kind, step.task_id) for step in steps if step.status == StepStatus.DONE}
    complete = set(job.tasks.filter(stage=Stage.COMPLETE).values_list("pk", flat=True))
    for step in steps:
        if step.status == StepStatus.WAITING and _may_begin(job, step, done, complete):
            step.move_to(StepStatus.READY, not_before=Now())
            queue.ring(step.pk)


def _may_begin(
    job: DubbingJob,
    step: Step,
    done: Collection[tuple[str, int | None]],
    complete: Collection[int | None],
) -> bool:
    """Say whether what a step needs is there: `done` steps, or a language that is `complete`."""
    if step.kind in ON_DEMAND:
        return step.task_id in complete
    if step.kind == StepKind.TRANSLATE and job.awaits_review:
        return False
    before = BEFORE[StepKind(step.kind)]
    shared = before not in LANGUAGE_KINDS
    return before is None or (before, None if shared else step.task_id) in done


def settle(job: DubbingJob) -> None:
    """End the job when all of its languages have ended, in the caller's transaction."""
    stages = set(job.tasks.values_list("stage", flat=True))
    if not stages <= ENDED or job.status not in {JobStatus.PENDING, JobStatus.PROCESSING}:
        return
    status = _status(stages)
    job.move_to(status, finished_at=Now(), kept_until=timezone.now() + job.kept_for)
    events.record(JobEvent.Kind.JOB_ENDED, job=job, status=status.value)
    bonuses.settle(job)


def _status(stages: Iterable[str]) -> JobStatus:
    if Stage.COMPLETE in stages:
        return JobStatus.COMPLETE
    return JobStatus.CANCELLED if Stage.CANCELLED in stages else JobStatus.ERROR


def _tell_staff(step: Step, error: PipelineError) -> None:
    """Mail our staff that a vendor's account waits for them."""
    mail_admins(
        _("A vendor's account needs attention"),
        _(
            "%(sentence)s\n\nThe step %(kind)s of %(job)s waits for it, up to 24 hours; then its "
            "languages are refunded. What the vendor said: %(detail)s"
        )
        % {"sentence": error, "kind": step.kind, "job": step.job, "detail": error.detail},
        fail_silently=True,  # the same is in the log, the admin, and what doctor says
    )


def _tell_of_deaths(step: Step) -> None:
    """Mail our staff that a step ended its workers again and again: the customer is told so."""
    mail_admins(
        _("A step died three times"),
        _(
            "The step %(kind)s of %(job)s ended three workers without an error and was given up. "
            "The worker's log and the machine's say more, such as that memory ran out."
        )
        % {"kind": step.kind, "job": step.job},
        fail_silently=True,  # the same is in the log and the admin
    )


def _told_lately(error: PipelineError) -> bool:
    """Whether staff were told of this vendor within the hour, for a step that still waits."""
    return JobEvent.objects.filter(
        step__status__in=(StepStatus.READY, StepStatus.RUNNING),
        step__error_code=ACCOUNT,
        kind=JobEvent.Kind.STEP_PUT_OFF,
        details__told=str(error),
        at__gt=Now() - TELL_AGAIN,
    ).exists()


def _concerned(job: DubbingJob, claim: Claim) -> list[LanguageTask]:
    """The languages that a step works for and that have not ended: its own, or all."""
    tasks = (
        job.tasks.select_for_update(of=("self",), no_key=True)
        .exclude(stage__in=ENDED)
        .order_by("pk")
    )
    return list(tasks if claim.task_id is None else tasks.filter(pk=claim.task_id))


def _awaits_account(step: Step) -> bool:
    """Whether the step was put off because of a vendor's account and didn't get on since."""
    return step.reason_since is not None and step.error_code == ACCOUNT


def _enough(step: Step, error: PipelineError) -> bool:
    """Whether this was tried often or long enough."""
    if error.code != ACCOUNT and not isinstance(error, NoPlace):
        return step.errors + 1 >= MOST_ERRORS
    # Who waited for an account and now waits for a place has waited all that time.
    since = step.reason_since if step.error_code in {error.code, ACCOUNT} else None
    return since is not None and timezone.now() - since >= PATIENCE


def _delay(errors: int, error: PipelineError) -> float:
    """Seconds to wait after `errors` earlier ones: ever longer, and what was asked for at least.

    What the other side asks for is its own idea, and may be any number: an hour at most.
    """
    patience: float = min(FIRST_DELAY * 4**errors, LONGEST_DELAY)
    asked = error.after if error.after is not None and isfinite(error.after) else 0.0
    return max(patience, min(asked, LONGEST_ASKED))
