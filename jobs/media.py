"""Files on their way to the person who owns them: whole or in part, to play or to keep."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, cast

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_safe

from jobs import objects
from jobs.models import Artifact
from jobs.queries import files_of
from jobs.ranges import Blocks, ByteRange, NotSatisfiable, byte_range

if TYPE_CHECKING:
    from accounts.models import User

TYPES: Mapping[str, str] = {
    ".mp4": "video/mp4",
    ".mkv": "video/x-matroska",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt; charset=utf-8",
    ".json": "application/json",
    ".zip": "application/zip",
}
REDIRECT_SECONDS = 60
PLAYABLE = frozenset({"video", "full_m4a", "full_mp3", "voice_mp3"})
"""The kinds that a browser may show in place; all others are only ever saved."""


@require_safe
@login_required
def media(request: HttpRequest, public_id: str, language: str, kind: str) -> HttpResponseBase:
    """Send a file to a player on our own pages."""
    if kind not in PLAYABLE:
        raise Http404
    return answer(request, _file(request, public_id, language, kind), attachment=False)


@require_safe
@login_required
def download(request: HttpRequest, public_id: str, language: str, kind: str) -> HttpResponseBase:
    """Send a file to keep."""
    return answer(request, _file(request, public_id, language, kind), attachment=True)


def answer(request: HttpRequest, file: Artifact, *, attachment: bool) -> HttpResponseBase:
    """Stream the file, or the one range of it that is asked for; it is never held in memory.

    On S3 the storage sends it itself: the client is sent there, for a minute.
    Its hash is its ETag: what was cached is not sent again, and a download that goes on after the
    file was made anew (If-Range) starts over.
    """
    disposition = content_disposition_header(attachment, file.name) or "inline"
    if not objects.is_local() and request.method == "GET":
        return _sent_to_storage(file, disposition)
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


def _sent_to_storage(file: Artifact, disposition: str) -> HttpResponse:
    url = objects.signed_get(
        file.object_key,
        seconds=REDIRECT_SECONDS,
        disposition=disposition,
        content_type=_type(file),
    )
    headers = {"Location": url, "Cache-Control": "private, no-store"}
    return HttpResponse(status=302, headers=headers)


def _type(file: Artifact) -> str:
    suffix = PurePosixPath(file.object_key).suffix
    return TYPES.get(suffix, "application/octet-stream")


def _body(request: HttpRequest, file: Artifact, part: ByteRange) -> HttpResponseBase:
    headers = {"Content-Length": str(part.length), "Content-Type": _type(file)}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    try:
        opened = cast("BinaryIO", default_storage.open(file.object_key))
    except FileNotFoundError as error:
        raise Http404 from error
    return StreamingHttpResponse(Blocks(opened, part), headers=headers)


def _file(request: HttpRequest, public_id: str, language: str, kind: str) -> Artifact:
    return get_object_or_404(
        files_of(cast("User", request.user)),
        job__public_id=public_id,
        task__language=language,
        kind=kind,
    )
