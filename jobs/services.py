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
from billing.plans import Plan
from billing.queries import plan_of
from billing.standing import require_good_standing
from dubber.errors import Conflict, PermissionRefused, UserError
from jobs import bonuses, events, outcomes, wiring
from jobs import options as job_options
from jobs.models import DubbingJob, JobEvent, LanguageTask, Step, Upload, new_public_id
from jobs.outcomes import charge_reference
from jobs.pipeline.dub import Engines
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find, variant
from jobs.queries import cancels_are_limited
from jobs.refusals import refusal
from jobs.states import (
    ENDED,
    JOB_KINDS,
    LANGUAGE_KINDS,
    SPOKEN,
    JobStatus,
    Stage,
    StepStatus,
)
from jobs.uploads import measure_upload, refuse_other_lengths

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
    engines: Callable[[], Engines] = wiring.engines,
) -> DubbingJob:
    """Look at the files, name the price, and order a dub into every language, all paid for.

    `languages` may be variants (es-MX). Raises UserError: a code of DESIGN's media codes,
    insufficient_credits, plan_limit, plan_required, conflict; nothing is written then.
    """
    plan = plan_of(user)
    variants = _targets(languages, source_language, plan)
    chosen = job_options.checked(options or {}, variants)
    premium = _premium(variants, source_language, chosen, plan, engines)
    voice = measure_upload(_own(user, voice))
    if background is not None:
        background = measure_upload(_own(user, background))
        refuse_other_lengths(voice, background)
    duration_ms = voice.duration_ms or 0
    quote = prices.quote(duration_ms, list(variants), premium=premium)
    job = DubbingJob(
        public_id=new_public_id(),
        user=user,
        title=title.strip()[:200] or PurePath(voice.name).stem,
        voice=voice,
        background=background,
        source_language=find(source_language).code if source_language else "",
        duration_ms=duration_ms,
        options=chosen,
        kept_for=plan.limits.kept,
    )
    _write(job, variants, quote)
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
            _cancel_language(job, task, by=by, strict=strict)
        outcomes.cancel_steps(job)
        outcomes.settle(job)
        return job


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
        if job.kept_until is not None and job.kept_until < timezone.now():
            raise UserError("files_expired", _("The files of this job are gone."), status=410)
        task = job.tasks.filter(language=find(language).code, stage=Stage.FAILED).first()
        if task is None:
            raise Conflict(_("Only a language that failed can be tried again."))
        _charge_again(job, task, by=by, free=free)
        if job.status != JobStatus.PROCESSING:
            job.move_to(JobStatus.PROCESSING, finished_at=None, kept_until=None)
        _reset_steps(job, task)
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


def _targets(languages: Collection[str], source_language: str, plan: Plan) -> dict[str, str]:
    """Language code to the variant asked for. Raises UserError."""
    try:
        variants: dict[str, str] = {}
        for asked in languages:
            language = find(asked)
            if language.code in variants:
                raise PipelineError("LANGUAGE_TWICE", language=language.name)
            variants[language.code] = variant(asked)
        if source_language and find(source_language).code in variants:
            raise UserError(
                "validation_error",
                _("The recording is in that language already."),
                field="languages",
            )
    except PipelineError as error:
        raise refusal(error) from error
    if not variants:
        raise UserError("validation_error", _("Choose a language."), field="languages")
    if len(variants) > plan.limits.languages:
        raise PermissionRefused(
            _("Your plan allows %(most)d languages a job.") % {"most": plan.limits.languages},
            code="plan_limit",
            most=plan.limits.languages,
        )
    return variants


def _premium(
    variants: Mapping[str, str],
    source_language: str,
    options: Mapping[str, Any],
    plan: Plan,
    engines: Callable[[], Engines],
) -> set[str]:
    """The languages spoken by a premium voice. Raises UserError where one can't be made here."""
    premium = set()
    try:
        made = engines()
        for code, target in variants.items():
            route = made.route(source_language or None, target)
            chosen = set(options.get("voices", {}).get(code, {}).values())
            voices = {voice.id: voice for voice in route.voices}
            if chosen - set(voices):
                raise UserError(
                    "validation_error", _("There is no such voice."), field="voices", language=code
                )
            if any(voices[name].premium for name in chosen):
                premium.add(code)
    except PipelineError as error:
        raise refusal(error) from error
    if premium and not plan.limits.premium_voices:
        raise PermissionRefused(_("Your plan has no premium voices."), code="plan_required")
    return premium


def _own(user: User, upload: Upload) -> Upload:
    """The upload, if it is the user's, still there, and not in a job yet."""
    if upload.user_id != user.pk or upload.expires_at < timezone.now():
        raise Conflict(_("This file is not there. Upload it again."), code="upload_missing")
    used = DubbingJob.objects.filter(voice=upload) | DubbingJob.objects.filter(background=upload)
    if used.exists():
        raise Conflict(_("This file belongs to another job. Upload it again."))
    return upload


@transaction.atomic
def _write(job: DubbingJob, variants: Mapping[str, str], quote: prices.Quote) -> None:
    """Write the job with everything it needs, and take its price: one charge for each language."""
    require_good_standing(job.user)
    ledger.require(job.user, credits=quote.credits)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:  # the file was put into another job in this very moment
        raise Conflict(_("This file belongs to another job. Upload it again.")) from error
    events.record(JobEvent.Kind.JOB_CREATED, job=job, credits=quote.credits)
    steps = [Step(job=job, kind=kind) for kind in JOB_KINDS]
    for price in quote.prices:
        task = LanguageTask.objects.create(
            job=job,
            language=price.language,
            variant=variants[price.language],
            price=price.credits,
            credits=price.credits,
        )
        _charge(job, task)
        steps += [Step(job=job, task=task, kind=kind) for kind in LANGUAGE_KINDS]
    Step.objects.bulk_create(steps)
    outcomes.make_ready(job)


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


def _charge_again(job: DubbingJob, task: LanguageTask, *, by: User, free: bool) -> None:
    runs = task.runs + 1
    task.move_to(
        Stage.QUEUED,
        runs=runs,
        credits=task.credits + task.price,
        error_code="",
        error="",
        finished_at=None,
    )
    if not free:
        require_good_standing(job.user)
    else:
        ledger.grant(
            job.user,
            credits=task.price,
            reference=charge_reference(job, task),
            reason=f"Tried again for nothing: {charge_reference(job, task)}",
            by=by,
        )
    _charge(job, task)


def _reset_steps(job: DubbingJob, task: LanguageTask) -> None:
    """Let the steps wait again that this language still needs; what is done stays done."""
    needed = job.steps.select_for_update(of=("self",), no_key=True).filter(
        status__in=[StepStatus.FAILED, StepStatus.CANCELLED]
    )
    for step in needed.order_by("pk"):
        if step.task_id in {None, task.pk}:
            step.move_to(
                StepStatus.WAITING,
                errors=0,
                deaths=0,
                reason="",
                reason_since=None,
                error_code="",
                finished_at=None,
            )
