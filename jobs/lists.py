"""What the lists of dubs and of files ask: as few questions for a page as for a row."""

from collections.abc import Mapping

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import User
from jobs.models import Artifact, DubbingJob
from jobs.queries import jobs_of
from jobs.results import DELIVERED, MADE_ON_DEMAND
from jobs.states import JobStatus, Stage

STATUSES: Mapping[str, tuple[JobStatus, ...]] = {
    "running": (JobStatus.PENDING, JobStatus.PROCESSING),
    "complete": (JobStatus.COMPLETE,),
    "error": (JobStatus.ERROR,),
    "cancelled": (JobStatus.CANCELLED,),
}
"""The statuses that a choice of the list means."""

ORDERS: Mapping[str, tuple[str | Lower, ...]] = {
    "": ("-pk",),
    "oldest": ("pk",),
    "title": (Lower("title"), "-pk"),
    "longest": ("-duration_ms", "-pk"),
}


def list_jobs(
    user: User, *, status: str = "", search: str = "", sort: str = ""
) -> QuerySet[DubbingJob]:
    """A person's dubs whose title holds `search`; an unknown status or order is none.

    Their options, which may hold whole captions, are not read.
    """
    jobs = jobs_of(user).defer("options").order_by(*ORDERS.get(sort, ORDERS[""]))
    if status in STATUSES:
        jobs = jobs.filter(status__in=STATUSES[status])
    return jobs.filter(title__icontains=search) if search else jobs


def list_files(user: User) -> QuerySet[Artifact]:
    """What a person can download, and what they have downloaded before; the newest first.

    Each has `fetched_at`, when it was last downloaded.
    """
    there = Q(current=True, gone_at=None, task__stage=Stage.COMPLETE)
    files = Artifact.objects.filter(
        job__user=user, working=False, kind__in=[*DELIVERED, *MADE_ON_DEMAND], task__isnull=False
    )
    dated = files.annotate(fetched_at=Max("downloads__at"))
    shown = dated.filter(there | Q(fetched_at__isnull=False))
    lean = shown.select_related("job", "task").defer("job__options")
    return lean.order_by("-job_id", "task_id", "pk")


def is_there(file: Artifact) -> bool:
    """Say whether a file can be downloaded now. `job` and `task` must have been read with it."""
    made = file.task is not None and file.task.stage == Stage.COMPLETE
    return made and file.current and file.gone_at is None and not file.job.files_expired
