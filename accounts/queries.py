"""What the account desk tells people about themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, Count, F, Max, Q, QuerySet, Sum, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import one_time
from accounts.models import User
from billing.models import CreditTransaction
from billing.queries import balance_of, plan_of
from jobs.models import Artifact, DubbingJob, JobEvent, LanguageTask, Take, Upload
from jobs.pipeline.languages import LANGUAGES
from jobs.states import JobStatus

TOLD = {
    JobEvent.Kind.JOB_CREATED: _("Dub of %(title)s started"),
    JobEvent.Kind.JOB_ENDED: _("Dub of %(title)s ended"),
    JobEvent.Kind.LANGUAGE_COMPLETE: _("%(title)s is ready in %(language)s"),
    JobEvent.Kind.LANGUAGE_FAILED: _("%(title)s failed in %(language)s"),
    JobEvent.Kind.LANGUAGE_CANCELLED: _("%(title)s was cancelled in %(language)s"),
    JobEvent.Kind.LANGUAGE_RETRIED: _("%(title)s is tried again in %(language)s"),
}
"""The turns of a job that its owner is told, and how."""


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a person there is."""

    jobs: int
    language_tasks: int
    artifacts: int
    credit_transactions: int
    storage_files: int


def profile_of(user: User) -> dict[str, Any]:
    """A person's profile, as `GET /api/users/me` shows it."""
    return {
        "id": str(user.pk),
        "email": user.email,
        "fullName": user.full_name or None,
        "avatarUrl": user.avatar_url or None,
        "timezone": user.timezone,
        "languagePreference": user.language_preference,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
        "creditBalance": balance_of(user),
        "stats": statistics_of(user),
    }


def statistics_of(user: User) -> dict[str, Any]:
    """What a person did so far."""
    open_ones = [JobStatus.PENDING, JobStatus.PROCESSING]
    failed = [JobStatus.ERROR, JobStatus.CANCELLED]
    jobs = DubbingJob.objects.filter(user=user).aggregate(
        total=Count("pk"),
        complete=Count("pk", filter=Q(status=JobStatus.COMPLETE)),
        processing=Count("pk", filter=Q(status__in=open_ones)),
        failed=Count("pk", filter=Q(status__in=failed)),
        milliseconds=Sum("duration_ms", filter=Q(status=JobStatus.COMPLETE)),
        last=Max("updated_at"),
    )
    seen = [at for at in (jobs["last"], user.last_login) if at is not None]
    return {
        "totalJobs": jobs["total"],
        "completedJobs": jobs["complete"],
        "processingJobs": jobs["processing"],
        "failedJobs": jobs["failed"],
        "totalLanguages": LanguageTask.objects.filter(job__user=user).count(),
        "totalMinutesProcessed": round((jobs["milliseconds"] or 0) / 60_000, 1),
        "accountAge": (timezone.now() - user.created_at).days,
        "lastActivity": max(seen, default=None),
    }


def account_of(user: User) -> dict[str, Any]:
    """How an account stands."""
    plan = plan_of(user)
    return {
        "id": str(user.pk),
        "email": user.email,
        "emailVerified": user.is_verified,
        "createdAt": user.created_at,
        "plan": plan.id,
        "planName": plan.name,
        "creditBalance": balance_of(user),
        "hasPassword": user.has_usable_password(),
        "oneTimeCodes": one_time.is_set_up(user),
        "apiKeys": user.api_keys.filter(revoked_at=None).count(),
    }


def held_of(user: User) -> Held:
    """How much we hold of a person: what a deletion concerns."""
    artifacts = Artifact.objects.filter(job__user=user, gone_at=None)
    uploads = Upload.objects.filter(user=user, arrived_at__isnull=False, gone_at=None)
    takes = Take.objects.filter(job__user=user)
    files = artifacts.count()
    return Held(
        jobs=DubbingJob.objects.filter(user=user).count(),
        language_tasks=LanguageTask.objects.filter(job__user=user).count(),
        artifacts=files,
        credit_transactions=CreditTransaction.objects.filter(user=user).count(),
        storage_files=files + uploads.count() + takes.count(),
    )


def told(held: Held) -> dict[str, int]:
    """The same in the words of the API."""
    return {
        "jobs": held.jobs,
        "languageTasks": held.language_tasks,
        "artifacts": held.artifacts,
        "creditTransactions": held.credit_transactions,
        "storageFiles": held.storage_files,
    }


def activity_of(user: User, *, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """A page of what happened, newest first, and how much there is in all."""
    events = JobEvent.objects.filter(job__user=user, kind__in=TOLD)
    entries = CreditTransaction.objects.filter(user=user).exclude(
        kind=CreditTransaction.Kind.JOB_CONSUMPTION
    )
    rows = _dated(events, "at", "job").union(_dated(entries, "created_at", "credits"), all=True)
    page = list(rows.order_by("-when", "-what", "-pk")[offset : offset + limit])
    wanted = {what: [pk for pk, _when, its in page if its == what] for what in ("job", "credits")}
    found: dict[tuple[str, int], dict[str, Any]] = {
        ("job", event.pk): _event(event)
        for event in events.select_related("job", "task").filter(pk__in=wanted["job"])
    }
    found |= {
        ("credits", entry.pk): _entry(entry) for entry in entries.filter(pk__in=wanted["credits"])
    }
    return [found[what, pk] for pk, _when, what in page], events.count() + entries.count()


def _dated(rows: QuerySet[Any], column: str, what: str) -> QuerySet[Any, tuple[int, datetime, str]]:
    dated: QuerySet[Any, tuple[int, datetime, str]] = (
        rows.order_by()
        .annotate(when=F(column), what=Value(what, output_field=CharField()))
        .values_list("pk", "when", "what")
    )
    return dated


def _event(event: JobEvent) -> dict[str, Any]:
    task = event.task
    words = {
        "title": event.job.title,
        "language": LANGUAGES[task.language].name if task else "",
    }
    return {
        "id": f"job-{event.pk}",
        "type": event.kind,
        "description": TOLD[JobEvent.Kind(event.kind)] % words,
        "timestamp": event.at,
        "metadata": {
            "jobId": event.job.public_id,
            "languageCode": task.language if task else None,
        },
    }


def _entry(entry: CreditTransaction) -> dict[str, Any]:
    return {
        "id": f"credits-{entry.pk}",
        "type": entry.kind,
        "description": entry.description,
        "timestamp": entry.created_at,
        "metadata": {"amount": entry.amount, "balance": entry.balance_after},
    }
