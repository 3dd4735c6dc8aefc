"""The e-mail that says how a dub ended: one for each ending, sent by whichever worker comes first.

What proves that it was sent is `told_at` of the job, which is written before: should a worker die
in between, its owner gets none rather than two. It holds names and sums, never what was said.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import links, mail
from jobs.models import DubbingJob, LanguageTask
from jobs.progress import ending_of
from jobs.states import JobStatus, Stage

log = logging.getLogger(__name__)

WORTH_TELLING = timedelta(hours=24)
"""After so long nobody is told any more: the mail server was away, or this is an old database."""

MOST_AT_ONCE = 20


def send_due() -> int:
    """Tell the owners of dubs that ended; how many were told. What can't be sent waits."""
    sent = 0
    for job in _due()[:MOST_AT_ONCE]:
        if not _claim(job):
            continue
        try:
            _tell(job)
        except OSError:  # smtplib's errors are all of this kind
            DubbingJob.objects.filter(pk=job.pk).update(told_at=None)
            log.exception("the end of %s is told later", job)
            break
        sent += 1
    return sent


def _due() -> QuerySet[DubbingJob]:
    """Jobs whose owners want to know how they ended, the first to end first."""
    return (
        DubbingJob.objects.filter(
            status__in=[JobStatus.COMPLETE, JobStatus.ERROR],
            told_at=None,
            finished_at__gt=timezone.now() - WORTH_TELLING,
            user__is_active=True,
            user__mail_when_done=True,
            user__email_verified_at__isnull=False,
        )
        .select_related("user")
        .prefetch_related("tasks")
        .order_by("finished_at")
    )


def _claim(job: DubbingJob) -> bool:
    """Take it upon us to tell this ending; no if another worker did, or it goes on again."""
    mine = DubbingJob.objects.filter(pk=job.pk, told_at=None, finished_at__isnull=False)
    return bool(mine.update(told_at=timezone.now()))


def _tell(job: DubbingJob) -> None:
    by_stage: dict[str, list[LanguageTask]] = {}
    for task in job.tasks.all():
        by_stage.setdefault(task.stage, []).append(task)
    off = settings.SITE_URL + reverse("mail_off", args=[links.make_mail_token(job.user)])
    message = mail.compose(
        "dub_ended",
        to=job.user.email,
        headers={
            "List-Unsubscribe": f"<{off}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        },
        words={
            "title": " ".join(job.title.split()),
            "ending": ending_of(list(job.tasks.all())),
            "ready": [task.language_name for task in by_stage.get(Stage.COMPLETE, ())],
            "failed": by_stage.get(Stage.FAILED, []),
            "cancelled": [task.language_name for task in by_stage.get(Stage.CANCELLED, ())],
            "kept_until": job.kept_until,
            "page": settings.SITE_URL + reverse("job", args=[job.public_id]),
            "off": off,
        },
    )
    message.send()
