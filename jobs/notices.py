"""The e-mail that says how a dub ended: one for each ending, sent by whichever worker comes first.

Who retries a dub or adds languages has left the page again, so that the new ending is told too. A
worker claims the ending for `LEASE` (`telling_until`) and writes `told_at` once the mail is handed
over. Should it die in between, another one tells it after the lease: in the worst case an owner
gets two mails, never none. A mail holds names and sums, never what was said.
"""

import logging
from datetime import timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPSenderRefused

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import links, mail
from jobs.models import DubbingJob, LanguageTask
from jobs.progress import ending_of
from jobs.states import JobStatus, Stage

log = logging.getLogger(__name__)

WORTH_TELLING = timedelta(hours=24)
"""After so long nobody is told any more: the mail server was away, or this is an old database."""

LEASE = timedelta(minutes=5)
"""How long a worker has for one mail. Every wait of a mail server ends far sooner.

A mail that was refused for now is tried again after as long."""

MOST_AT_ONCE = 20

NEVER = 500
"""From this answer of a mail server on (RFC 5321, 4.2.1) there is no use in trying again."""


def send_due() -> int:
    """Tell the owners of dubs that ended; how many were told. What can't be sent waits."""
    sent = 0
    for job in _due()[:MOST_AT_ONCE]:
        mine = _claim(job)
        if mine is None:
            continue
        try:
            _tell(job)
        except (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError) as error:
            # The server is there and refuses this one mail: the others are sent.
            _give_up(job, mine, error)
            continue
        except OSError:  # smtplib's other errors are of this kind too: nobody gets a mail now
            mine.update(telling_until=None)
            log.exception("the end of %s is told later", job)
            break
        mine.update(told_at=timezone.now(), telling_until=None)
        sent += 1
    return sent


def _give_up(job: DubbingJob, mine: QuerySet[DubbingJob], error: SMTPException) -> None:
    """Leave a mail that was refused until its lease ends, or for good where the mailbox is none."""
    if isinstance(error, SMTPRecipientsRefused) and all(
        code >= NEVER for code, _reason in error.recipients.values()
    ):
        mine.update(told_at=timezone.now(), telling_until=None)
        log.warning("the end of %s is told to nobody: the mailbox is refused", job)
        return
    log.warning("the end of %s is told later: %s", job, type(error).__name__)


def _due() -> QuerySet[DubbingJob]:
    """Jobs whose owners want to know how they ended, the first to end first."""
    return (
        DubbingJob.objects.filter(
            _free(),
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


def _claim(job: DubbingJob) -> QuerySet[DubbingJob] | None:
    """Take it upon us to tell this ending; None if another worker did, or it goes on again.

    Returns the job, as long as the claim holds: it does no more once the job goes on again.
    """
    until = timezone.now() + LEASE
    free = DubbingJob.objects.filter(_free(), pk=job.pk, told_at=None, finished_at__isnull=False)
    if not free.update(telling_until=until):
        return None
    return DubbingJob.objects.filter(pk=job.pk, telling_until=until)


def _free() -> Q:
    """No worker is telling it, or the one that was is dead."""
    return Q(telling_until=None) | Q(telling_until__lt=timezone.now())


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
