"""A dub that is finished, with files to download."""

from pathlib import Path

from accounts.models import User
from jobs import outcomes, storage
from jobs.models import DubbingJob
from jobs.results import SUFFIXES
from tests import make

CONTENT = bytes(range(256)) * 1000


def delivered(
    person: User, folder: Path, *, kinds: tuple[str, ...] = ("full_mp3",), title: str = ""
) -> DubbingJob:
    """Make a job of one language whose files hold CONTENT."""
    job = make.job(person, languages=["es"], title=title)
    task = job.tasks.get()
    make.done(5)
    export = make.claim()
    kept = [_kept(folder, job, kind, export.attempt) for kind in kinds]
    outcomes.finish(export, kept=kept, write=lambda: None)
    task.refresh_from_db()
    job.refresh_from_db()
    return job


def _kept(folder: Path, job: DubbingJob, kind: str, attempt: int) -> storage.Kept:
    suffix = SUFFIXES[kind]
    path = folder / f"{kind}{suffix}"
    path.write_bytes(CONTENT)
    return storage.keep_file(
        path, job=job, task=job.tasks.get(), kind=kind, attempt=attempt, working=False
    )
