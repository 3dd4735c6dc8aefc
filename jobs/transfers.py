"""The views behind signed addresses: they take in one file, or send one.

Whoever has the address may use it, from any page: no cookie is read, so none is checked.
"""

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from dubber.api_errors import json_response
from dubber.error_pages import error_page, wants_page
from dubber.errors import NotFound, UserError
from dubber.rate_limits import client_address
from jobs import downloads, incoming, links, previews
from jobs.media import answer
from jobs.models import Upload

View = Callable[..., HttpResponseBase]


def told(view: View) -> View:
    """Answer a UserError as the API does; somebody with a browser gets a page."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except UserError as error:
            if wants_page(request):
                return error_page(request, error)
            return json_response(error, request)

    return wrapped


@csrf_exempt
@require_http_methods(["PUT"])
@told
def put_upload(request: HttpRequest, upload_id: int, signature: str) -> HttpResponseBase:
    """Take a file, or a part of it; 202 while there is more to come."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if "Transfer-Encoding" in request.headers or not length.isdecimal():
        raise UserError("validation_error", _("Send the file's length as Content-Length."))
    try:
        return _received(request, upload_id, signature, int(length))
    except UserError:
        incoming.discard(
            cast("incoming.Reads", request),
            length=int(length),
            connection=request.META.get("gunicorn.socket"),
        )
        raise


def _received(
    request: HttpRequest, upload_id: int, signature: str, length: int
) -> HttpResponseBase:
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload is None or not links.is_upload_signature(upload, signature):
        raise NotFound(_("address"))
    span = incoming.span_of(request.headers.get("Content-Range"), length)
    received = incoming.receive(
        upload,
        cast("incoming.Reads", request),
        span=span,
        content_type=request.headers.get("Content-Type", ""),
        connection=request.META.get("gunicorn.socket"),
    )
    status = 200 if received == span.total else 202
    return JsonResponse({"received": received, "size": span.total}, status=status)


@require_safe
@told
def get_file(
    request: HttpRequest, artifact_id: int, number: int, signature: str
) -> HttpResponseBase:
    """Send a file to whoever has its link first. A look or a prefetch uses nothing up."""
    file = downloads.find_link(artifact_id, number, signature)
    if "prefetch" in request.headers.get("Sec-Purpose", ""):
        return HttpResponse(status=503, headers={"Cache-Control": "no-store"})
    client = downloads.client_of(
        agent=request.headers.get("User-Agent", ""), address=client_address(request)
    )
    if request.method == "GET":
        file = downloads.use_link(file, number=number, client=client)
    else:
        downloads.look_at_link(file, number=number, client=client)
    try:
        return answer(request, file, attachment=True)
    except Http404 as error:
        downloads.find_link(artifact_id, number, signature)  # says so if it was deleted since
        raise NotFound(_("file")) from error


@require_safe
@told
def get_line(request: HttpRequest, take_id: int, until: int, signature: str) -> HttpResponseBase:
    """Play a spoken line to whoever has its address, as often as they like while it holds."""
    sound = previews.find_sound(take_id, until=until, signature=signature)
    return answer(request, sound, attachment=False)
