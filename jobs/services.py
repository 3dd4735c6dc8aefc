"""What customers and staff do with jobs. Each function leaves everything done, or nothing."""

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePath
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import ledger, prices
from billing.queries import plan_of
from billing.standing import require_good_standing
from dubber.errors import Conflict, PermissionRefused
from jobs import bonuses, events, outcomes, wiring
from jobs.models import DubbingJob, JobEvent, LanguageTask, Step, Upload, new_public_id
from jobs.outcomes import charge_reference
from jobs.pipeline.dub import Engines
from jobs.pipeline.languages import find
from jobs.pipeline.probe import plain
from jobs.queries import cancels_are_limited, usual_cast
from jobs.quotes import check_order, premium_of, refuse_too_many, targets_of
from jobs.refusals import refuse_expired
from jobs.states import (
    ENDED,
    JOB_KINDS,
    LANGUAGE_KINDS,
    SPOKEN,
    JobStatus,
    Stage,
    StepKind,
    StepStatus,
)
from jobs.uploads import refuse_changed

audit = logging.getLogger("audit")


def create_job(
    user: User,
    *,
    voice: Upload,
    background: Upload | None,
    languages: Collection[str],
    source_language: str = "",
    title: str = "",
    options: Mapping[str, Any] | None = None,
    public_id: str = "",
    request_hash: str = "",
    engines: Callable[[], Engines] = wiring.engines,
) -> DubbingJob:
    """Look at the files, name the price, and order a dub into every language, all paid for.

    `languages` may be variants (es-MX). Raises UserError: a code of DESIGN's media codes,
    insufficient_credits, plan_limit, plan_required, conflict; nothing is written then.
    """
    order = check_order(
        user,
        voice=voice,
        background=background,
        languages=languages,
        source_language=source_language,
        options=options or {},
        engines=engines,
    )
    job = DubbingJob(
        public_id=public_id or new_public_id(),
        request_hash=request_hash,
        user=user,
        title=plain(title) or PurePath(voice.name).stem,
        voice=order.voice,
        background=order.background,
        source_language=find(source_language).code if source_language else "",
        duration_ms=order.duration_ms,
        options=order.options,
        kept_for=plan_of(user).limits.kept,
    )
    _write(job, order.variants, order.quote)
    return job


def cancel_job(job: DubbingJob, *, by: User) -> DubbingJob:
    """Stop what is not finished, and give its credits back. A second time changes nothing.

    Who cancelled too often in the middle of speech gets back only what isn't spoken yet; staff
    always return everything. Raises Conflict when the job ended otherwise.
    """
    with transaction.atomic():
        job = outcomes.lock_job(job.pk)
        if job.status == JobStatus.CANCELLED:
            return job
        if job.status not in {JobStatus.PENDING, JobStatus.PROCESSING}:
            raise Conflict(_("This job has ended, so there is nothing to cancel."))
        strict = not by.is_staff and cancels_are_limited(job.user)
        for task in job.tasks.exclude(stage__in=ENDED).order_by("pk"):
            if task.render_price:
                outcomes.give_up_rendering(job, task)
                continue
            _cancel_language(job, task, by=by, strict=strict)
        outcomes.cancel_steps(job)
        outcomes.make_ready(job)
        outcomes.settle(job)
        return job


def stop_job(job: DubbingJob, *, by: User) -> None:
    """Cancel a job, unless it has ended: that is just as well for who wants nothing to run."""
    with transaction.atomic():
        if outcomes.lock_job(job.pk).status in {JobStatus.PENDING, JobStatus.PROCESSING}:
            cancel_job(job, by=by)


def refund_language(job: DubbingJob, *, language: str, reason: str, by: User) -> int:
    """Let staff give back what a delivered language cost; its share of the bonus goes with it.

    Returns the credits that came back: none the second time. Raises Conflict before it ended.
    """
    if not by.is_staff:
        raise PermissionRefused
    with transaction.atomic():
        job = outcomes.lock_job(job.pk)
        task = job.tasks.filter(language=find(language).code, stage__in=ENDED).first()
        if task is None:
            raise Conflict(_("Only a language that has ended can be refunded."))
        credits = outcomes.refund(job, task, reason=reason, by=by)
        if credits:
            if job.finished_at is not None:
                bonuses.settle(job)
            audit.info("refund: %s credits of %s %s by %s", credits, job, task.language, by.pk)
        return credits


def retry_language(job: DubbingJob, *, language: str, by: User, free: bool = False) -> LanguageTask:
    """Make a failed language again, for its price; staff may do it as a present.

    Raises Conflict when it hasn't failed, UserError files_expired, insufficient_credits.
    """
    if free and not by.is_staff:
        raise PermissionRefused
    with transaction.atomic():
        job = outcomes.lock_job(job.pk)
        refuse_expired(job)
        task = job.tasks.filter(language=find(language).code, stage=Stage.FAILED).first()
        if task is None:
            raise Conflict(_("Only a language that failed can be tried again."))
        if free:
            _begin_again(task)  # nothing is booked, so nothing comes back should it fail again
        else:
            _charge_again(job, task)
        reopen(job)
        reset_steps(job, task)
        events.record(
            JobEvent.Kind.LANGUAGE_RETRIED,
            job=job,
            task=task,
            by=str(by.pk),
            free=free,
            run=task.runs,
        )
        outcomes.make_ready(job)
        return task


def retry_job(job: DubbingJob, *, by: User) -> list[LanguageTask]:
    """Make every failed language again, all of them paid for anew, or none.

    Raises what `retry_language` raises, and Conflict when none has failed.
    """
    with transaction.atomic():
        job = outcomes.lock_job(job.pk)
        refuse_expired(job)
        failed = list(job.tasks.filter(stage=Stage.FAILED).order_by("pk"))
        if not failed:
            raise Conflict(_("Only a language that failed can be tried again."))
        ledger.require(job.user, credits=sum(task.price for task in failed))
        return [retry_language(job, language=task.language, by=by) for task in failed]


def start_job(job: DubbingJob) -> DubbingJob:
    """Let a job go on whose transcript was reviewed. A second time changes nothing.

    Raises Conflict when there is nothing to review, or not yet.
    """
    with transaction.atomic():
        job = outcomes.lock_job(job.pk)
        if job.options.get("review") and job.reviewed_at is not None:
            return job
        waits = job.steps.filter(kind=StepKind.TRANSCRIBE, status=StepStatus.DONE).exists()
        if not (job.awaits_review and waits and job.status == JobStatus.PROCESSING):
            raise Conflict(_("This job does not wait for a review."))
        job.reviewed_at = timezone.now()
        job.save(update_fields=["reviewed_at", "updated_at"])
        outcomes.make_ready(job)
        return job


def add_languages(
    job: DubbingJob,
    *,
    languages: Collection[str],
    engines: Callable[[], Engines] = wiring.engines,
) -> list[LanguageTask]:
    """Make more languages from the same recording, for their price; nothing is heard again.

    Raises UserError as `create_job` does, and files_expired.
    """
    plan = plan_of(job.user)
    source = job.heard_language or job.source_language
    variants = targets_of(languages, source, plan)
    premium = premium_of(variants, source, {}, plan, engines)
    quote = prices.quote(job.duration_ms, list(variants), premium=premium)
    with transaction.atomic():
        job = outcomes.lock_job(job.pk)
        refuse_expired(job)
        require_good_standing(job.user)
        there = set(job.tasks.values_list("language", flat=True))
        if there & set(variants):
            raise Conflict(_("The job has one of these languages already."))
        refuse_too_many(len(there) + len(variants), plan)
        ledger.require(job.user, credits=quote.credits)
        tasks = _add_tasks(job, variants, quote)
        reopen(job)
        for task in tasks:
            reset_steps(job, task)
        outcomes.make_ready(job)
        return tasks


def reopen(job: DubbingJob, *, tell: bool = True) -> None:
    """Let a job run again that has ended, in the caller's transaction.

    `tell` lets its owner be told by e-mail how it ends this time too.
    """
    if job.status not in {JobStatus.PENDING, JobStatus.PROCESSING}:
        told_at = None if tell else job.told_at
        job.move_to(
            JobStatus.PROCESSING,
            finished_at=None,
            kept_until=None,
            told_at=told_at,
            telling_until=None,
        )


@transaction.atomic
def _write(job: DubbingJob, variants: Mapping[str, str], quote: prices.Quote) -> None:
    """Write the job with everything it needs, and take its price: one charge for each language."""
    require_good_standing(job.user)
    refuse_changed([job.voice, job.background])
    ledger.require(job.user, credits=quote.credits)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:  # the file was put into another job in this very moment
        raise Conflict(_("This file belongs to another job. Upload it again.")) from error
    events.record(JobEvent.Kind.JOB_CREATED, job=job, credits=quote.credits)
    Step.objects.bulk_create(Step(job=job, kind=kind) for kind in JOB_KINDS)
    _add_tasks(job, variants, quote)
    outcomes.make_ready(job)


def _add_tasks(
    job: DubbingJob, variants: Mapping[str, str], quote: prices.Quote
) -> list[LanguageTask]:
    """Write languages with their steps, each with its charge."""
    tasks = []
    for price in quote.prices:
        task = LanguageTask.objects.create(
            job=job,
            language=price.language,
            variant=variants[price.language],
            price=price.credits,
            credits=price.credits,
            cast=usual_cast(job.user, price.language, variants[price.language]),
        )
        _charge(job, task)
        Step.objects.bulk_create(Step(job=job, task=task, kind=kind) for kind in LANGUAGE_KINDS)
        tasks.append(task)
    return tasks


def _cancel_language(job: DubbingJob, task: LanguageTask, *, by: User, strict: bool) -> None:
    spoken = task.stage in SPOKEN
    task.move_to(Stage.CANCELLED, finished_at=Now())
    credits = 0 if strict and spoken else outcomes.refund(job, task)
    events.record(
        JobEvent.Kind.LANGUAGE_CANCELLED,
        job=job,
        task=task,
        refunded=credits,
        spoken=spoken,
        by=str(by.pk),
    )


def _charge(job: DubbingJob, task: LanguageTask) -> None:
    ledger.charge(
        job.user,
        credits=task.price,
        reference=charge_reference(job, task),
        description=_("Dub: %(language)s") % {"language": task.language_name},
    )


def _charge_again(job: DubbingJob, task: LanguageTask) -> None:
    """Begin another making of a language, for its price."""
    require_good_standing(job.user)
    _begin_again(task, credits=task.credits + task.price)
    _charge(job, task)


def _begin_again(task: LanguageTask, **columns: Any) -> None:
    task.move_to(
        Stage.QUEUED,
        runs=task.runs + 1,
        error_code="",
        error="",
        finished_at=None,
        **columns,
    )


def reset_steps(job: DubbingJob, task: LanguageTask) -> None:
    """Let the steps wait again that this language still needs; what is done stays done.

    Unless lines were corrected since: then none of the language's own steps is done any more.
    """
    corrected = task.lines.filter(stale=True).exists()
    for step in job.steps.select_for_update(of=("self",), no_key=True).order_by("pk"):
        own = step.task_id == task.pk
        in_vain = step.status in {StepStatus.FAILED, StepStatus.CANCELLED}
        outdated = corrected and step.kind in LANGUAGE_KINDS and step.status == StepStatus.DONE
        if (in_vain and (own or step.task_id is None)) or (outdated and own):
            step.start_over()
