"""What we make, as objects in storage: put there before any row says that it is there."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from django.core.files import File
from django.core.files.base import ContentFile

from jobs import objects, scratch
from jobs.models import Artifact, DubbingJob, LanguageTask
from jobs.pipeline.errors import PipelineError
from jobs.results import MADE_ON_DEMAND, result_name, stem_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An object that was stored, and what it is: the Artifact to be."""

    kind: str
    object_key: str
    sha256: str
    bytes: int
    name: str
    working: bool
    details: dict[str, object] = field(default_factory=dict)


def keep_file(
    path: Path,
    *,
    job: DubbingJob,
    task: LanguageTask | None,
    kind: str,
    attempt: int,
    working: bool,
    details: dict[str, object] | None = None,
) -> Kept:
    """Store a file that a step made.

    The attempt is in its key: an overtaken worker overwrites nothing. Raises STORAGE_AWAY.
    """
    sha256 = scratch.digest(path)
    suffix = "".join(path.suffixes[-1:])
    place = task.language if task else "all"
    key = f"jobs/{job.public_id}/{place}/{kind}-{attempt}-{sha256[:12]}{suffix}"
    with path.open("rb") as file:
        stored = objects.save(key, File(file))
    if working:
        scratch.remember(path, sha256=sha256)
    return Kept(
        kind=kind,
        object_key=stored,
        sha256=sha256,
        bytes=path.stat().st_size,
        name=f"{place}-{kind}{suffix}" if working else _name(job, place, kind, path),
        working=working,
        details=details or {},
    )


def _name(job: DubbingJob, language: str, kind: str, path: Path) -> str:
    return result_name(stem_of(job.title), language, kind, path)


def keep_bytes(content: bytes, *, key: str) -> str:
    """Store some bytes; the key that they went to. Raises STORAGE_AWAY."""
    return objects.save(key, ContentFile(content))


def drop(keys: list[str]) -> None:
    """Delete objects that no row will ever name; what stays is found with the orphans."""
    try:
        objects.delete(keys)
    except PipelineError as error:
        log.warning("objects stay that nobody needs: %s %s", error.code, error.detail)


def enter(kept: list[Kept], *, job: DubbingJob, task: LanguageTask | None) -> None:
    """Write the rows of what was stored, in the caller's transaction; earlier ones step back."""
    kinds = [one.kind for one in kept]
    earlier = Artifact.objects.filter(job=job, task=task, kind__in=kinds, current=True)
    earlier.update(current=False)
    Artifact.objects.bulk_create(
        Artifact(
            job=job,
            task=task,
            kind=one.kind,
            object_key=one.object_key,
            sha256=one.sha256,
            bytes=one.bytes,
            name=one.name,
            working=one.working,
            details=one.details,
        )
        for one in kept
    )


def outdate_extras(task: LanguageTask, *, but: set[str]) -> None:
    """Put away what was made on demand of earlier sound, in the caller's transaction."""
    extras = task.artifacts.filter(kind__in=MADE_ON_DEMAND, current=True).exclude(kind__in=but)
    extras.update(current=False)


def step_back(task: LanguageTask) -> None:
    """Make current again what the delivered files were made of, in the caller's transaction.

    What a step made after them belongs to sound that was never delivered.
    """
    ours = task.artifacts.exclude(kind__in=MADE_ON_DEMAND)
    delivered = ours.filter(working=False, current=True).order_by("pk").first()
    if delivered is None:
        return
    working = ours.filter(working=True)
    newer = working.filter(current=True, pk__gt=delivered.pk)
    for kind in list(newer.values_list("kind", flat=True)):
        newer.filter(kind=kind).update(current=False)
        earlier = working.filter(kind=kind, pk__lt=delivered.pk).order_by("pk").last()
        if earlier is not None:
            working.filter(pk=earlier.pk).update(current=True)


def current(job: DubbingJob, task: LanguageTask | None, kind: str) -> Artifact:
    """The file of a kind as it stands. Raises Artifact.DoesNotExist."""
    return Artifact.objects.get(job=job, task=task, kind=kind, current=True)
