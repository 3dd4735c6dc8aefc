"""Files that are made only when somebody asks for them, for a language that is finished."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from jobs import outcomes, scratch
from jobs.models import Artifact, DubbingJob, LanguageTask, Step
from jobs.states import StepKind, StepStatus

ASKED_AGAIN = (StepStatus.DONE, StepStatus.FAILED, StepStatus.CANCELLED)


@transaction.atomic
def ask_for(job: DubbingJob, *, task: LanguageTask, kind: StepKind) -> Step:
    """Have a worker make something, unless one is about to."""
    job = outcomes.lock_job(job.pk)
    step, _new = Step.objects.get_or_create(job=job, task=task, kind=kind)
    ask_again(step)
    outcomes.make_ready(job)
    return step


def ask_again(step: Step) -> None:
    """Let a step wait anew that has ended, in the caller's transaction."""
    if step.status in ASKED_AGAIN:
        step.move_to(StepStatus.WAITING, errors=0, deaths=0, error_code="", finished_at=None)


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
