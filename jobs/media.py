"""Files on their way to the person who owns them: whole or in part, to play or to keep."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_safe

from dubber.errors import NotFound, UserError
from jobs import downloads, links, objects
from jobs.models import Artifact, DubbingJob, Upload
from jobs.pipeline.errors import PipelineError
from jobs.queries import files_of
from jobs.ranges import Blocks, ByteRange, NotSatisfiable, byte_range
from jobs.refusals import refusal

if TYPE_CHECKING:
    from accounts.models import User

TYPES: Mapping[str, str] = {
    ".mp4": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
    ".zip": "application/zip",
}
REDIRECT_SECONDS = 60
PLAYING_SECONDS = 6 * 3600
"""How long a player may come back for more of what is on S3: the longest film, and a pause."""

PLAYABLE = frozenset({"video", "full_m4a", "full_mp3", "voice_mp3", "vtt"})
"""The kinds that a browser may show in place; all others are only ever saved."""

READ_BY_PAGES = frozenset({"vtt"})
"""The kinds that only come from our own address: browsers read no captions from another."""

ORIGINAL = "original"
"""In place of a language: what the customer sent, `voice` or `background`."""

WAIT_SECONDS = 3
"""When to ask again for what is made on demand."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of the customer's, under the name that it had there."""

    object_key: str
    sha256: str
    bytes: int
    name: str


@require_safe
@login_required
def media(request: HttpRequest, public_id: str, language: str, kind: str) -> HttpResponseBase:
    """Send a file to a player on our own pages."""
    if language == ORIGINAL:
        return answer(request, _sent(request, public_id, kind), attachment=False)
    if kind not in PLAYABLE:
        raise Http404
    file = _file(request, public_id, language, kind)
    return answer(request, file, attachment=False, ourselves=kind in READ_BY_PAGES)


@require_safe
@login_required
def download(request: HttpRequest, public_id: str, language: str, kind: str) -> HttpResponseBase:
    """Lead to a link of a file to keep; what is made on demand is made first."""
    job = get_object_or_404(DubbingJob, user_id=request.user.pk, public_id=public_id)
    try:
        file, _ = downloads.find_kind(
            job, language=language, kind=kind, ask=request.method == "GET"
        )
    except NotFound as error:
        raise Http404 from error
    except UserError:
        return redirect("job", public_id)
    if file is not None:
        return redirect(links.link_of(file))
    response = render(request, "jobs/being_made.html", {"job": job}, status=202)
    response["Retry-After"] = str(WAIT_SECONDS)
    return response


class Stored(Protocol):
    """A file in storage, under the name that it is sent with."""

    @property
    def object_key(self) -> str:
        """Where it is."""

    @property
    def name(self) -> str:
        """Its name, whose end says what it is."""

    @property
    def sha256(self) -> str:
        """What its bytes are."""

    @property
    def bytes(self) -> int:
        """How many there are."""


def answer(
    request: HttpRequest, file: Stored, *, attachment: bool, ourselves: bool = False
) -> HttpResponseBase:
    """Stream the file, or the one range of it that is asked for; it is never held in memory.

    On S3 the storage sends it itself, and the client is sent there for a while, unless it has to
    come from `ourselves`.
    Its hash is its ETag: what was cached is not sent again, and a download that goes on after the
    file was made anew (If-Range) starts over.
    """
    disposition = content_disposition_header(attachment, file.name) or "inline"
    if not objects.is_local() and request.method == "GET" and not ourselves:
        seconds = REDIRECT_SECONDS if attachment else PLAYING_SECONDS
        return _sent_to_storage(file, disposition, seconds)
    etag = quote_etag(file.sha256)
    if (early := get_conditional_response(request, etag=etag)) is not None:
        return early
    same = request.headers.get("If-Range", etag) == etag
    try:
        part = byte_range(request.headers.get("Range") if same else None, file.bytes)
    except NotSatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.bytes}"})
    response = _body(request, file, part or ByteRange(0, file.bytes))
    if part:
        response.status_code = 206
        response["Content-Range"] = part.content_range(file.bytes)
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = disposition
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _sent_to_storage(file: Stored, disposition: str, seconds: int) -> HttpResponse:
    url = objects.signed_get(
        file.object_key,
        seconds=seconds,
        disposition=disposition,
        content_type=_type(file),
    )
    headers = {"Location": url, "Cache-Control": "private, no-store"}
    return HttpResponse(status=302, headers=headers)


def _type(file: Stored) -> str:
    suffix = PurePosixPath(file.name).suffix.lower()
    return TYPES.get(suffix, "application/octet-stream")


def _body(request: HttpRequest, file: Stored, part: ByteRange) -> HttpResponseBase:
    headers = {"Content-Length": str(part.length), "Content-Type": _type(file)}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    if not objects.is_local():
        content = _read(file)[part.start : part.start + part.length]
        return HttpResponse(content, headers=headers)
    try:
        opened = cast("BinaryIO", default_storage.open(file.object_key))
    except FileNotFoundError as error:
        raise Http404 from error
    return StreamingHttpResponse(Blocks(opened, part), headers=headers)


def _read(file: Stored) -> bytes:
    """All of a file on S3 that comes from our own address: captions, which are small."""
    try:
        return objects.read(file.object_key)
    except PipelineError as error:
        if error.code == "UPLOAD_CHANGED":
            raise Http404 from error
        raise refusal(error) from error


def _file(request: HttpRequest, public_id: str, language: str, kind: str) -> Artifact:
    return get_object_or_404(
        files_of(cast("User", request.user)),
        job__public_id=public_id,
        task__language=language,
        kind=kind,
    )


def _sent(request: HttpRequest, public_id: str, role: str) -> Sent:
    """What the customer sent, while it lasts."""
    jobs = DubbingJob.objects.select_related("voice", "background")
    job = get_object_or_404(jobs, user_id=request.user.pk, public_id=public_id)
    sent: Upload | None = {"voice": job.voice, "background": job.background}.get(role)
    if sent is None or sent.gone_at is not None or job.files_expired:
        raise Http404
    return Sent(sent.key, sent.sha256 or sent.etag, sent.size or 0, sent.name)
