"""What the API says about jobs and languages, derived from where they stand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from jobs.models import DubbingJob, LanguageTask
from jobs.progress import ending_of
from jobs.states import ENDED, JobStatus, Stage

PENDING, PROCESSING, GENERATING, FINALIZING = "pending", "processing", "generating", "finalizing"
COMPLETE, ERROR = "complete", "error"

STATUS_OF: Mapping[str, str] = {
    Stage.QUEUED: PENDING,
    Stage.STT: PROCESSING,
    Stage.TRANSLATING: PROCESSING,
    Stage.DUBBING: GENERATING,
    Stage.MIXING: FINALIZING,
    Stage.EXPORTING: FINALIZING,
    Stage.COMPLETE: COMPLETE,
    Stage.FAILED: ERROR,
    Stage.CANCELLED: ERROR,
}
"""The status of a language at each stage."""

IN_ORDER = (PROCESSING, GENERATING, FINALIZING)


def job_status(job: DubbingJob, tasks: Sequence[LanguageTask]) -> str:
    """The status of a job: while it runs, that of the language which has the longest way to go."""
    if job.status == JobStatus.PENDING:
        return PENDING
    if job.status != JobStatus.PROCESSING:
        return COMPLETE if job.status == JobStatus.COMPLETE else ERROR
    running = {STATUS_OF[task.stage] for task in tasks if task.stage not in ENDED}
    if PENDING in running:
        return PROCESSING
    return next((status for status in IN_ORDER if status in running), PROCESSING)


def job_message(job: DubbingJob, tasks: Sequence[LanguageTask]) -> str:
    """What happens now, or what became of a job and of its credits, in one sentence."""
    if job.status == JobStatus.CANCELLED:
        return _("Cancelled, %(credits)d credits returned") % {"credits": _refunded(tasks)}
    if job.status in {JobStatus.COMPLETE, JobStatus.ERROR}:
        refunded = _refunded(tasks)
        returned = _("%(credits)d credits were returned.") % {"credits": refunded}
        return f"{ending_of(tasks)} {returned}" if refunded else ending_of(tasks)
    task = next((task for task in tasks if task.stage not in ENDED), None)
    return _("Waiting for its turn") if task is None else _doing(job, task)


def clock(time: datetime | None) -> str | None:
    """A time as the API writes it: ISO 8601 in UTC, with a Z."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(milliseconds: int | None) -> float | int | None:
    """Milliseconds as seconds: a whole number where it is one."""
    if milliseconds is None:
        return None
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def _refunded(tasks: Sequence[LanguageTask]) -> int:
    return sum(task.refunded for task in tasks)


def _doing(job: DubbingJob, task: LanguageTask) -> str:
    name = {"language": task.language_name}
    return {
        Stage.QUEUED: _("Waiting for its turn"),
        Stage.STT: _("Check the transcript, then start the dub")
        if job.awaits_review and job.heard_language
        else _("Listening to the original"),
        Stage.TRANSLATING: _("Translating to %(language)s") % name,
        Stage.DUBBING: _("Speaking %(language)s") % name,
        Stage.MIXING: _("Mixing %(language)s") % name,
    }.get(Stage(task.stage), _("Finishing %(language)s") % name)
