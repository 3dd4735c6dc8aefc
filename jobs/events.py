"""The record of a job's turns: what staff read afterwards."""

from jobs.models import DubbingJob, JobEvent, LanguageTask, Step


def record(
    kind: JobEvent.Kind,
    *,
    job: DubbingJob,
    task: LanguageTask | None = None,
    step: Step | None = None,
    **details: object,
) -> None:
    """Add one event, in the caller's transaction.

    details are JSON values, and no customers' words.
    """
    JobEvent.objects.create(kind=kind, job=job, task=task, step=step, details=details)
