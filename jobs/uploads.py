"""Files of customers on their way in: stored, then looked at."""

import math
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing.plans import MOST_LANGUAGES
from billing.prices import whole_ms
from billing.queries import plan_of
from dubber.errors import Conflict, UserError
from jobs import links, objects, rows, scratch
from jobs.models import DubbingJob, Upload, new_public_id
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import variants_of
from jobs.pipeline.probe import probe
from jobs.pipeline.timeline import Source
from jobs.refusals import refusal, sentence_of
from jobs.sparse import SparseCopy
from jobs.steps import limits_of

LIFE = timedelta(hours=24)
"""How long an upload without a job is kept."""

TO_START, TO_START_LARGE = timedelta(minutes=15), timedelta(minutes=60)
MOST_UNUSED = 50
"""Files that a person may have here, or on the way here, of which no dub was made yet."""

LARGE = 500 * 1024 * 1024
LONGEST_NAME = 200
TYPES = ("audio/", "video/")
ARRIVAL = ("size", "etag", "sha256", "source", "duration_ms", "arrived_at")
"""What a look at a file in storage tells."""

OTHER_TYPES = frozenset({"application/octet-stream", "application/ogg", "application/mp4"})


@dataclass(frozen=True, slots=True)
class Issued:
    """Permission to send the files of one job: its id to be, and where each file goes."""

    public_id: str
    urls: Mapping[str, str]
    keys: Mapping[str, str]


@transaction.atomic
def issue_uploads(
    user: User,
    *,
    languages: Collection[str],
    names: Mapping[str, str],
    content_types: Mapping[str, str | None] | None = None,
    sizes: Mapping[str, int | None] | None = None,
) -> Issued:
    """Let a customer send files, by role, each to one address that is bound to one key and limit.

    Raises UserError validation_error, too_large, unsupported_media, conflict, those of a language.
    """
    _check_languages(languages)
    public_id = new_public_id()
    urls, keys = {}, {}
    for role, name in names.items():
        upload = issue_upload(
            user,
            role=Upload.Role(role),
            name=name,
            content_type=(content_types or {}).get(role) or "",
            size=(sizes or {}).get(role),
            public_id=public_id,
        )
        urls[role], keys[role] = address_of(upload), upload.key
    return Issued(public_id, urls, keys)


def issue_upload(
    user: User,
    *,
    role: Upload.Role,
    name: str,
    content_type: str,
    size: int | None,
    public_id: str,
) -> Upload:
    """Let a customer send one file. Raises UserError too_large, unsupported_media, conflict."""
    _refuse_many(user)
    limit = plan_of(user).limits.largest_bytes
    if size is not None and size > limit:
        raise refusal(too_large(size, limit))
    if content_type and not _is_media(content_type):
        raise UserError(
            "unsupported_media", _("Send a sound or video file."), status=415, field="content_types"
        )
    base, now = base_name(name) or role.value, timezone.now()
    return Upload.objects.create(
        user=user,
        key=_new_key(user, role, base),
        role=role,
        name=base,
        content_type=content_type,
        limit_bytes=limit,
        for_job=public_id,
        declared_size=size,
        start_by=now + _to_start(size),
        expires_at=now + LIFE,
    )


def issue_again(upload: Upload) -> None:
    """Let a customer begin anew, or go on, to send a file that was issued before."""
    upload.start_by = timezone.now() + _to_start(upload.declared_size)
    upload.save(update_fields=["start_by"])


def give_up(upload: Upload) -> None:
    """Take a file out of what its job will be; it is deleted with those that nobody needs."""
    upload.for_job, upload.expires_at = "", timezone.now()
    upload.save(update_fields=["for_job", "expires_at"])


def address_of(upload: Upload) -> str:
    """Where a file is to be PUT to."""
    if objects.is_local():
        return links.upload_url(upload)
    left = (upload.start_by or upload.expires_at) - timezone.now()
    return objects.signed_put(
        upload.key,
        seconds=round(left.total_seconds()),
        content_type=upload.content_type,
        size=upload.declared_size,
    )


def register_upload(
    user: User,
    *,
    file: BinaryIO,
    name: str,
    role: Upload.Role,
    content_type: str = "",
    public_id: str = "",
) -> Upload:
    """Keep a file that a customer sent through us. Nobody looks into it yet.

    public_id is what the job of this file will be called, where that is known.

    Raises UserError empty_file, too_large, conflict, service_busy.
    """
    _refuse_many(user)
    limit = plan_of(user).limits.largest_bytes
    base = base_name(name) or role.value
    content = File(file, name=base)
    if not content.size:
        raise refusal(PipelineError("EMPTY_FILE"))
    if content.size > limit:
        raise refusal(too_large(content.size, limit))
    content.seek(0)
    sha256 = scratch.digest_of(content)  # of what is here: from storage it would be fetched again
    try:
        stored = objects.save(_new_key(user, role, base), content)
        found = objects.head(stored)
    except PipelineError as error:
        raise refusal(error) from error
    return Upload.objects.create(
        user=user,
        key=stored,
        role=role,
        name=base,
        content_type=content_type,
        limit_bytes=limit,
        for_job=public_id,
        expires_at=timezone.now() + LIFE,
        size=content.size,
        etag=found.etag if found else "",
        sha256=sha256,
        arrived_at=timezone.now(),
    )


def measure_upload(upload: Upload) -> Upload:
    """Look into a file that arrived, unless that was done. Raises UserError."""
    try:
        _see_arrival(upload)
        if upload.duration_ms is not None:
            return upload
        source = _look(upload)
    except PipelineError as error:
        raise refusal(error) from error
    return record_source(upload, source=source)


def base_name(name: str) -> str:
    """The last part of a file's name as people may see it: one line, no directions, not too long.

    Its end stays, which says what it is.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable())[-LONGEST_NAME:].strip(" .")


def is_used(upload: Upload) -> bool:
    """Say whether a job was made of this file."""
    return DubbingJob.objects.filter(Q(voice=upload) | Q(background=upload)).exists()


def record_source(upload: Upload, *, source: Source) -> Upload:
    """Write down what was found in a file. Raises Conflict when it was sent anew meanwhile."""
    upload.source = rows.source_to_json(source)
    upload.duration_ms = whole_ms(source.duration)
    same = Upload.objects.filter(pk=upload.pk, **version_of(upload))
    if not same.update(source=upload.source, duration_ms=upload.duration_ms):
        raise _sent_anew()
    return upload


def refuse_other_lengths(voice: Upload, background: Upload) -> None:
    """Raise UserError duration_mismatch when two tracks differ by more than a second."""
    one, two = (upload.duration_ms or 0 for upload in (voice, background))
    if abs(one - two) <= 1000:
        return
    error = PipelineError(
        "DURATION_MISMATCH", voice=f"{one / 1000:.1f} s", background=f"{two / 1000:.1f} s"
    )
    raise UserError(
        "duration_mismatch",
        sentence_of(error),
        voice_duration=one / 1000,
        background_duration=two / 1000,
    )


def too_large(size: int, limit: int) -> PipelineError:
    """The failure of a file that is larger than a plan allows."""
    megabyte = 1024 * 1024
    return PipelineError(
        "TOO_LARGE", actual=f"{size / megabyte:.0f} MB", limit=f"{limit / megabyte:.0f} MB"
    )


def refuse_changed(uploads: Collection[Upload | None]) -> None:
    """Raise Conflict when a file was sent anew since it was looked at; lock all until commit."""
    read = {upload.pk: upload for upload in uploads if upload}
    rows_now = Upload.objects.select_for_update().filter(pk__in=read).order_by("pk")
    for row in rows_now:
        if version_of(row) != version_of(read[row.pk]):
            raise _sent_anew()


def version_of(upload: Upload) -> dict[str, Any]:
    """What changes when a file is sent again, or goes."""
    return {name: getattr(upload, name) for name in ("sha256", "etag", "size", "gone_at")}


def _sent_anew() -> Conflict:
    return Conflict(_("A file was uploaded again in the meantime. Start again."))


def _check_languages(languages: Collection[str]) -> None:
    if not 1 <= len(languages) <= MOST_LANGUAGES:
        raise UserError("validation_error", _("Choose 1 to 10 languages."), field="languages")
    try:
        variants_of(languages)
    except PipelineError as error:
        raise refusal(error) from error


def _refuse_many(user: User) -> None:
    """Raise Conflict to who has many files here that nothing was made of."""
    now = timezone.now()
    unused = Upload.objects.filter(user=user, gone_at=None, expires_at__gt=now)
    ends = list(
        unused.filter(voice_of=None, background_of=None)
        .order_by("expires_at")
        .values_list("expires_at", flat=True)[:MOST_UNUSED]
    )
    if len(ends) < MOST_UNUSED:
        return
    sentence = _(
        "You have sent, or begun to send, %(most)d files that no dub was made of. Make dubs of "
        "them first; unused files are deleted after a day."
    )
    wait = math.ceil((ends[0] - now).total_seconds())
    raise Conflict(sentence % {"most": MOST_UNUSED}, most=MOST_UNUSED, retry_after=wait)


def _to_start(size: int | None) -> timedelta:
    return TO_START_LARGE if (size or 0) > LARGE else TO_START


def _is_media(content_type: str) -> bool:
    if not (content_type.isascii() and content_type.isprintable()):
        return False
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith(TYPES) or kind in OTHER_TYPES


def _new_key(user: User, role: str, name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()[:8]
    plain = suffix if suffix[1:].isascii() and suffix[1:].isalnum() else ""
    return f"uploads/{user.pk}/{secrets.token_hex(16)}/{role}{plain}"


def _see_arrival(upload: Upload) -> None:
    """Write down what lies in storage now. Our own endpoint did so itself for a local file."""
    if not objects.is_local() and upload.for_job:
        found = objects.head(upload.key)
        if found and found.etag != upload.etag:
            upload.size, upload.etag, upload.sha256 = found.size, found.etag, ""
            upload.source, upload.duration_ms = {}, None
            upload.arrived_at = timezone.now()
            _refuse_other_size(upload)
            upload.save(update_fields=ARRIVAL)  # all else may have changed since it was read
        elif found is None:
            upload.arrived_at = None
    if upload.arrived_at is None:
        raise not_arrived(upload.role)


def not_arrived(role: str) -> Conflict:
    """What is told of a file that an order counts on, and that isn't here."""
    sentence = _("This file has not arrived yet. Upload it first.")
    return Conflict(sentence, code="upload_missing", role=role)


def _refuse_other_size(upload: Upload) -> None:
    size = upload.size or 0
    if not size:
        raise PipelineError("EMPTY_FILE")
    if size > upload.limit_bytes:
        raise too_large(size, upload.limit_bytes)
    if upload.declared_size not in {None, size}:
        raise UserError("validation_error", _("The file has not the size that was announced."))


def _look(upload: Upload) -> Source:
    limits = limits_of(plan_of(upload.user).limits)
    if objects.is_local():
        return probe(Path(default_storage.path(upload.key)), limits=limits)
    size = upload.size or 0
    with scratch.folder(reading=0) as folder:
        parts = SparseCopy(upload.key, folder / "upload", size=size, etag=upload.etag)
        parts.fill()
        return probe(parts.path, limits=limits, whole=parts.complete)
