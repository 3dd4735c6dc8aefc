"""The page of one dub: how far it is, and everything that can be played and downloaded of it."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from dubber.errors import UserError
from dubber.etags import etag_of
from jobs import drawing, timeline
from jobs.heard_captions import captions_name, heard_captions
from jobs.media import TYPES
from jobs.models import DubbingJob
from jobs.queries import JobView, cancels_are_limited, jobs_of, jobs_with_files_of, view_of
from jobs.views.acting import user_of
from jobs.watching import finished_of, player_of
from jobs.wiring import offered

MOST_LISTED = 200
"""Lines that are listed as text below the drawing; who has more reads them in the editor."""


@require_safe
@login_required
def job(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one dub."""
    user = user_of(request)
    found = get_object_or_404(jobs_with_files_of(user), public_id=public_id)
    dub = _view(request, found)
    shown = drawing.language_to_show(dub, request.GET.get("language", ""))
    lines = drawing.lines_of(found, shown)
    page = {
        "dub": dub,
        "player": player_of(dub),
        "finished": finished_of(dub),
        "shown": shown,
        "lines": lines,
        "listed": len(lines) <= MOST_LISTED,
        "seconds": found.duration_ms / 1000,
    }
    return render(request, "jobs/job.html", page)


@require_safe
@login_required
def job_progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send the part of the page that changes, for the script that asks for it again and again."""
    found = get_object_or_404(jobs_of(user_of(request)), public_id=public_id)
    dub = _view(request, found)
    etag = etag_of(dub.stored())
    if (known := get_conditional_response(request, etag=etag)) is not None:
        return known
    response = render(request, "jobs/_progress.html", {"dub": dub})
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@login_required
def original_captions(request: HttpRequest, public_id: str, kind: str) -> HttpResponse:
    """Send what was heard as captions, `srt` or `vtt`, to be saved."""
    found = get_object_or_404(jobs_of(user_of(request)), public_id=public_id)
    try:
        text = heard_captions(found, kind=kind)
    except UserError as error:
        raise Http404 from error
    name = captions_name(found, kind)
    return HttpResponse(
        text,
        content_type=TYPES[f".{kind}"],
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "private, no-cache",
        },
    )


@require_safe
@login_required
def job_timeline(request: HttpRequest, public_id: str, language: str) -> HttpResponse:
    """Send the lines of one language as the drawing shows them."""
    found = get_object_or_404(
        jobs_of(user_of(request)), public_id=public_id, tasks__language=language
    )
    dub = view_of(found)
    shown = drawing.language_to_show(dub, language)
    lines = drawing.lines_of(found, shown)
    response = JsonResponse({"language": language, "lines": timeline.as_json(lines)})
    response["Cache-Control"] = "private, no-cache"
    return response


def _view(request: HttpRequest, found: DubbingJob) -> JobView:
    drafts = {offer.code for offer in offered() if offer.quality == "draft"}
    running = found.finished_at is None
    return view_of(found, drafts, strict=running and cancels_are_limited(user_of(request)))
