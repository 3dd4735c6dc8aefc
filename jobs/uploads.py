"""Files of customers on their way in: stored, then looked at."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing.prices import whole_ms
from billing.queries import plan_of
from dubber.errors import Conflict, UserError
from jobs import rows, scratch
from jobs.models import Upload
from jobs.pipeline.errors import FAILURES, PipelineError
from jobs.pipeline.probe import probe
from jobs.pipeline.timeline import Source
from jobs.refusals import refusal
from jobs.steps import limits_of

LIFE = timedelta(hours=24)
"""How long an upload without a job is kept."""


def register_upload(
    user: User, *, file: BinaryIO, name: str, role: Upload.Role, content_type: str = ""
) -> Upload:
    """Keep a file that a customer sent through us. Nobody looks into it yet.

    Raises UserError empty_file, too_large.
    """
    limit = plan_of(user).limits.largest_bytes
    base = Path(name.replace("\\", "/")).name[-200:] or role.value
    content = File(file, name=base)
    if not content.size:
        raise refusal(PipelineError("EMPTY_FILE"))
    if content.size > limit:
        raise refusal(too_large(content.size, limit))
    key = f"uploads/{user.pk}/{secrets.token_hex(16)}/{role.value}{Path(base).suffix.lower()[:8]}"
    stored = default_storage.save(key, content)
    return Upload.objects.create(
        user=user,
        key=stored,
        role=role,
        name=base,
        content_type=content_type,
        limit_bytes=limit,
        expires_at=timezone.now() + LIFE,
        size=content.size,
        sha256=_digest(stored),
        arrived_at=timezone.now(),
    )


def measure_upload(upload: Upload) -> Upload:
    """Look into a file that arrived, unless that was done. Raises UserError."""
    if upload.duration_ms is not None:
        return upload
    if upload.arrived_at is None:
        raise Conflict(_("This file has not arrived yet. Upload it first."), code="upload_missing")
    limits = limits_of(plan_of(upload.user).limits)
    try:
        with scratch.folder(reading=upload.size or 0) as folder:
            into = folder / f"upload{Path(upload.name).suffix.lower()}"
            path = scratch.fetch(upload.key, sha256=upload.sha256, into=into)
            source = probe(path, limits=limits)
    except PipelineError as error:
        raise refusal(error) from error
    return record_source(upload, source=source)


@transaction.atomic
def record_source(upload: Upload, *, source: Source) -> Upload:
    """Write down what was found in a file."""
    upload.source = rows.source_to_json(source)
    upload.duration_ms = whole_ms(source.duration)
    upload.save(update_fields=["source", "duration_ms"])
    return upload


def refuse_other_lengths(voice: Upload, background: Upload) -> None:
    """Raise UserError duration_mismatch when two tracks differ by more than a second."""
    one, two = (upload.duration_ms or 0 for upload in (voice, background))
    if abs(one - two) <= 1000:
        return
    sentence = FAILURES["DURATION_MISMATCH"].sentence
    said = sentence.format(voice=f"{one / 1000:.1f} s", background=f"{two / 1000:.1f} s")
    raise UserError(
        "duration_mismatch", said, voice_duration=one / 1000, background_duration=two / 1000
    )


def too_large(size: int, limit: int) -> PipelineError:
    """The failure of a file that is larger than a plan allows."""
    megabyte = 1024 * 1024
    return PipelineError(
        "TOO_LARGE", actual=f"{size / megabyte:.0f} MB", limit=f"{limit / megabyte:.0f} MB"
    )


def _digest(key: str) -> str:
    with default_storage.open(key) as file:
        return scratch.digest_of(file)
