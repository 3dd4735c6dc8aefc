"""How long files are kept, and how they go: all of a job at once.

First the job says that its files are gone, under a lock: from then on nobody gets any. Then the
objects are deleted, then the rows say so. Whatever breaks off in between is finished by the next
run; to do it twice changes nothing.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from jobs import drafts, incoming, objects, outcomes
from jobs.models import Artifact, Download, Draft, DubbingJob, Line, Segment, Take, Upload
from jobs.pipeline.errors import PipelineError
from jobs.services import cancel_job, stop_job
from jobs.states import OPEN, JobStatus, StepKind, StepStatus

log = logging.getLogger(__name__)

REVIEW_PATIENCE = timedelta(days=7)
GRACE = timedelta(hours=24)
"""How old an object without a row must be before it counts: its row may be about to be written."""

LATE = timedelta(days=1)
"""How long after its address ended a file may still come to S3: what began in time may end late."""

TIDIED = 50  # jobs and uploads purged at a time beside other work

TEXTS = ("transcript_srt", "translations_srt", "glossary")
"""Options that hold a customer's words."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted, or would be."""

    jobs: int = 0
    uploads: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What rows and storage disagree on: objects that are missing, and objects without a row."""

    missing: list[str]
    orphans: list[str]


def purge(
    *, older_than: timedelta | None = None, dry_run: bool = False, most: int | None = None
) -> Purged:
    """Delete the files of every job whose time is over, and uploads that no job was made of.

    `older_than` takes every job that ended so long ago instead of those whose own time is over,
    `most` is how many jobs and uploads at most.
    Jobs that something is made for, or that somebody downloads from, wait for the next run.
    """
    jobs = list(_due(older_than).order_by("pk").values_list("pk", flat=True)[:most])
    unused = list(_unused().order_by("pk")[:most])
    if dry_run:
        count = sum(len(list(_keys_of(pk))) for pk in jobs)
        return Purged(len(jobs), len(unused), count + len(unused))
    files = [_purge_job(pk, older_than) for pk in jobs]
    for upload in unused:
        _delete_unused(upload)
    _sweep_incoming()
    _delete_late()
    gone = [count for count in files if count is not None]
    return Purged(len(gone), len(unused), sum(gone) + len(unused))


def tidy() -> None:
    """Do what is due, a little at a time: the worker calls this again and again."""
    try:
        purge(most=TIDIED)
        drafts.delete_expired()
        end_forgotten_reviews()
    except PipelineError as error:
        log.warning("files stay for now: %s %s", error.code, error.detail)


def delete_job(job: DubbingJob, *, by: User) -> None:
    """Stop what runs, give its credits back, and delete every file of the job now."""
    with transaction.atomic():
        stop_job(job, by=by)
        job = outcomes.lock_job(job.pk)
        outcomes.cancel_extras(job)
        _give_up(job)
    _delete_files(job)


def delete_unused_of(user: User) -> None:
    """Delete the files of a person that no job was made of, now, and what they prepared."""
    Draft.objects.filter(user=user).delete()
    mine = Upload.objects.filter(user=user, gone_at=None, voice_of=None, background_of=None)
    mine.update(expires_at=timezone.now())
    for upload in _unused().filter(user=user).order_by("pk"):
        _delete_unused(upload)


def end_forgotten_reviews() -> int:
    """Cancel jobs that waited too long for their review, refunded; how many they were."""
    return sum(_end_review(pk) for pk in list(_forgotten().values_list("pk", flat=True)))


def differences() -> Difference:
    """Compare rows and storage, both ways."""
    named = set(_named_keys())
    found: dict[str, datetime] = {}
    for prefix in ("uploads/", "jobs/"):
        found |= dict(objects.all_keys(prefix))
    old = timezone.now() - GRACE
    known = named | set(Upload.objects.filter(gone_at=None).values_list("key", flat=True))
    return Difference(
        missing=sorted(named - set(found)),
        orphans=sorted(key for key, when in found.items() if key not in known and when < old),
    )


def remove_orphans(orphans: list[str]) -> None:
    """Delete objects that no row names."""
    objects.delete(orphans)


def _named_keys() -> Iterator[str]:
    """The keys of all objects that must be there."""
    arrived = Upload.objects.filter(gone_at=None, arrived_at__isnull=False)
    yield from arrived.values_list("key", flat=True).iterator()
    yield from Artifact.objects.filter(gone_at=None).values_list("object_key", flat=True).iterator()
    yield from Take.objects.values_list("object_key", flat=True).iterator()


def _forgotten() -> QuerySet[DubbingJob]:
    """Jobs that waited too long for their review, also for that of a language added later."""
    limit = timezone.now() - REVIEW_PATIENCE
    waiting = DubbingJob.objects.filter(
        status=JobStatus.PROCESSING,
        reviewed_at=None,
        options__review=True,
        steps__kind=StepKind.TRANSCRIBE,
        steps__status=StepStatus.DONE,
        steps__finished_at__lte=limit,
    )
    return waiting.exclude(tasks__created_at__gt=limit)


@transaction.atomic
def _end_review(pk: int) -> bool:
    """Cancel a forgotten job, unless somebody lets it go on in this very moment."""
    job = outcomes.lock_job(pk)
    if not _forgotten().filter(pk=pk).exists():
        return False
    cancel_job(job, by=job.user)
    return True


def _due(older_than: timedelta | None) -> QuerySet[DubbingJob]:
    """Jobs whose files must go: their time is over, or a purge of them broke off."""
    now = timezone.now()
    over = Q(kept_until__lte=now) if older_than is None else Q(finished_at__lte=now - older_than)
    ended = Q(status__in=[JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED])
    broken_off = Q(files_gone_at__isnull=False)
    return DubbingJob.objects.filter(ended & (over | broken_off), voice__gone_at=None)


def _unused() -> QuerySet[Upload]:
    """Uploads that no job was made of in time."""
    return Upload.objects.filter(
        expires_at__lte=timezone.now(), gone_at=None, voice_of=None, background_of=None
    )


def _purge_job(pk: int, older_than: timedelta | None) -> int | None:
    """Delete the files of a job and count them; None when it must wait."""
    with transaction.atomic():
        job = outcomes.lock_job(pk)
        due = _due(older_than).filter(pk=pk).exists()
        if not due or (job.files_gone_at is None and _is_busy(job)):
            return None
        _give_up(job)
    try:
        return _delete_files(job)
    except PipelineError as error:
        log.warning("files of %s stay for now: %s %s", job, error.code, error.detail)
        return None


def _is_busy(job: DubbingJob) -> bool:
    downloads = Download.objects.filter(artifact__job=job, expires_at__gt=timezone.now())
    return downloads.exists() or job.steps.filter(status__in=OPEN).exists()


def _give_up(job: DubbingJob) -> None:
    """Say that a job's files are gone, in the caller's transaction."""
    if job.files_gone_at is None:
        job.files_gone_at = timezone.now()
        job.options = {name: value for name, value in job.options.items() if name not in TEXTS}
        job.save(update_fields=["files_gone_at", "options", "updated_at"])


def _keys_of(pk: int) -> Iterator[str]:
    uploads = Upload.objects.filter(Q(voice_of=pk) | Q(background_of=pk), gone_at=None)
    yield from uploads.values_list("key", flat=True)
    yield from Artifact.objects.filter(job=pk, gone_at=None).values_list("object_key", flat=True)
    yield from Take.objects.filter(job=pk).values_list("object_key", flat=True)


def _delete_files(job: DubbingJob) -> int:
    """Delete all objects of a job that was given up, then its texts, and say so in its rows."""
    keys = list(_keys_of(job.pk))
    objects.delete(keys)
    now = timezone.now()
    with transaction.atomic():
        Take.objects.filter(job=job).delete()
        Line.objects.filter(task__job=job).delete()
        Segment.objects.filter(job=job).delete()
        Artifact.objects.filter(job=job, gone_at=None).update(gone_at=now)
        mine = Q(voice_of=job) | Q(background_of=job)
        _forget(Upload.objects.filter(mine), now)
    return len(keys)


def _delete_unused(upload: Upload) -> None:
    with transaction.atomic():
        # A job may be made of it in this very moment: then it is no longer unused. Who waited for
        # the lock must look anew, because PostgreSQL looks again at the locked row only.
        mine = Upload.objects.filter(pk=upload.pk)
        list(mine.select_for_update())
        if not _unused().filter(pk=upload.pk).exists():
            return
        _forget(mine, timezone.now())
    objects.delete([upload.key])


def _forget(uploads: QuerySet[Upload], now: datetime) -> None:
    uploads.filter(gone_at=None).update(gone_at=now, source={})


def _sweep_incoming() -> None:
    """Remove what arrived of files whose permission has expired."""
    if not objects.is_local():
        return
    for path in incoming.incoming_folder().glob("*.part"):
        known = Upload.objects.filter(pk=path.stem, gone_at=None)
        if not known.exists():
            path.unlink(missing_ok=True)


def _delete_late() -> None:
    """Delete again what was sent to an address of S3 that outlived the permission to send."""
    if objects.is_local():
        return
    now = timezone.now()
    outlived = Upload.objects.filter(gone_at__lt=F("start_by"))
    ended = outlived.filter(start_by__lte=now, start_by__gt=now - LATE)
    objects.delete(list(ended.values_list("key", flat=True)))
