"""What is made only when somebody asks for it, for a language that is finished."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.db.models import F, Model

from dubber.errors import Conflict, UserError
from jobs import outcomes, scratch
from jobs.models import Artifact, DubbingJob, LanguageTask, Step
from jobs.pipeline.errors import FAILURES
from jobs.refusals import not_ready, refuse_expired
from jobs.states import Stage, StepKind, StepStatus

ASKED_AGAIN = (StepStatus.DONE, StepStatus.FAILED, StepStatus.CANCELLED)


@transaction.atomic
def ask_for(job: DubbingJob, *, task: LanguageTask, kind: StepKind) -> Step:
    """Have a worker make something, unless one is about to.

    Raises UserError files_expired, file_not_ready.
    """
    job = outcomes.lock_job(job.pk)
    refuse_expired(job)
    if not job.tasks.filter(pk=task.pk, stage=Stage.COMPLETE).exists():
        raise not_ready()
    step, _new = Step.objects.get_or_create(job=job, task=task, kind=kind)
    ask_again(step)
    outcomes.make_ready(job)
    return step


def ask_again(step: Step) -> None:
    """Let a step wait anew that has ended, in the caller's transaction."""
    if step.status in ASKED_AGAIN:
        step.move_to(StepStatus.WAITING, errors=0, deaths=0, error_code="", finished_at=None)


def refuse_hopeless(step: Step, sentence: str) -> None:
    """Raise UserError for what failed in a way that trying again won't help."""
    if step.status == StepStatus.FAILED and not FAILURES[step.error_code].again:
        raise UserError(step.error_code.lower(), sentence, status=409)


def count_one(row: Model, field: str, most: int, *, sentence: str, code: str) -> None:
    """Count one more of what a row may have so many of. Raises Conflict with that code.

    The sentence names the limit as %(most)d.
    """
    rows = type(row)._default_manager.filter(pk=row.pk, **{f"{field}__lt": most})
    if not rows.update(**{field: F(field) + 1}):
        raise Conflict(sentence % {"most": most}, code=code, most=most)


def pack(files: Sequence[Artifact], folder: Path) -> Path:
    """Put files into a ZIP, as they are: sound and pictures don't get any smaller."""
    packed = folder / "bundle.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, file in enumerate(files):
            path = scratch.fetch(
                file.object_key, sha256=file.sha256, into=folder / f"packing-{number}"
            )
            archive.write(path, file.name)
            path.unlink()
    return packed
