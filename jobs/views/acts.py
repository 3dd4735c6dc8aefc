"""What one can do to a dub on its page.

Every act says first, on a page of its own, what it does to files and credits; where there is
JavaScript, that page is shown as a dialog.
"""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from billing import prices
from billing.queries import balance_of, plan_of
from jobs import retention, services
from jobs.models import DubbingJob
from jobs.pipeline.languages import find
from jobs.queries import JobView, cancels_are_limited, jobs_with_files_of, view_of
from jobs.views.acting import done, user_of
from jobs.wiring import offered

METHODS = ["GET", "HEAD", "POST"]


@require_http_methods(METHODS)
@login_required
def cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stop what runs and give its credits back."""
    dub = _dub(request, public_id)
    if request.method != "POST":
        return _asked(request, dub, "jobs/confirm_cancel.html")
    user = user_of(request)
    before = balance_of(user)
    if done(request, lambda: services.cancel_job(dub.job, by=user)):
        returned = balance_of(user) - before
        told = ngettext(
            "Cancelled, %(credits)d credit returned.",
            "Cancelled, %(credits)d credits returned.",
            returned,
        )
        messages.success(request, told % {"credits": returned})
    return redirect("job", public_id)


@require_http_methods(METHODS)
@login_required
def retry(request: HttpRequest, public_id: str, language: str) -> HttpResponse:
    """Make a failed language again, for its price."""
    dub = _dub(request, public_id, tasks__language=language)
    one = next(one for one in dub.languages if one.task.language == language)
    if request.method != "POST":
        left = _balance(request) - one.task.price
        return _asked(request, dub, "jobs/confirm_retry.html", one=one, left=left)
    by = user_of(request)
    if done(request, lambda: services.retry_language(dub.job, language=language, by=by)):
        messages.success(
            request, _("%(language)s is made again.") % {"language": find(language).name}
        )
    return redirect("job", public_id)


@require_http_methods(METHODS)
@login_required
def add_languages(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make more languages of the same recording, each for its price."""
    dub = _dub(request, public_id)
    if request.method != "POST":
        return _asked(request, dub, "jobs/confirm_languages.html", **_to_add(request, dub.job))
    chosen = request.POST.getlist("languages")
    if done(request, lambda: services.add_languages(dub.job, languages=chosen)):
        count = len(chosen)
        added = ngettext("%(n)d language added.", "%(n)d languages added.", count) % {"n": count}
        messages.success(request, added)
    return redirect("job", public_id)


@require_http_methods(METHODS)
@login_required
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let a dub go on whose transcript was read."""
    return _act(
        request,
        _dub(request, public_id),
        "jobs/confirm_start.html",
        lambda dub: services.start_job(dub.job),
        _("Started. The languages are made now."),
    )


@require_http_methods(METHODS)
@login_required
def delete(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete every file of a dub now."""
    by = user_of(request)
    return _act(
        request,
        _dub(request, public_id),
        "jobs/confirm_delete.html",
        lambda dub: retention.delete_job(dub.job, by=by),
        _("The files of this dub are deleted."),
    )


def _act(
    request: HttpRequest,
    dub: JobView,
    template: str,
    act: Callable[[JobView], object],
    sentence: str,
) -> HttpResponse:
    """Ask first; when told to, act, say so, and go back to the dub."""
    if request.method != "POST":
        return _asked(request, dub, template)
    if done(request, lambda: act(dub)):
        messages.success(request, sentence)
    return redirect("job", dub.job.public_id)


def _dub(request: HttpRequest, public_id: str, **more: str) -> JobView:
    user = user_of(request)
    found = get_object_or_404(jobs_with_files_of(user), public_id=public_id, **more)
    return view_of(found, strict=cancels_are_limited(user))


def _asked(request: HttpRequest, dub: JobView, template: str, **more: object) -> HttpResponse:
    return render(request, template, {"dub": dub, **more})


def _balance(request: HttpRequest) -> int:
    return balance_of(user_of(request))


def _to_add(request: HttpRequest, job: DubbingJob) -> dict[str, object]:
    """The languages that may be added, each with its price, and what one has to pay with."""
    there = {task.language for task in job.tasks.all()}
    spoken = (job.heard_language or job.source_language).partition("-")[0]
    offers = [
        (offer, prices.language_credits(job.duration_ms, offer.code))
        for offer in offered()
        if offer.available and offer.code not in there and offer.code != spoken
    ]
    room = plan_of(user_of(request)).limits.languages - len(there)
    return {"offers": offers, "room": max(room, 0), "balance": _balance(request)}
