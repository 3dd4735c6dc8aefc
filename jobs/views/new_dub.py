"""The page where a dub is prepared and launched. Without scripts it is one form, sent at once."""

from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from billing.queries import plan_of
from dubber.errors import NotFound, UserError
from jobs import drafts
from jobs.estimates import Estimate, estimate_draft, estimate_nothing
from jobs.forms import TONES, CaptionsForm, FileForm, NewDubForm
from jobs.models import Draft, DubbingJob, Upload
from jobs.pipeline.languages import LANGUAGES
from jobs.transfers import told
from jobs.views.acting import user_of

if TYPE_CHECKING:
    from django.core.files.uploadedfile import TemporaryUploadedFile

FORM_WITHOUT_FILES = 8 * 1024 * 1024
"""Bytes that a form may have beside its two recordings: captions, mostly."""

page = require_http_methods(["GET", "HEAD", "POST"])


@csrf_exempt  # until _shown: a check here would read the whole form first
@page
@login_required
def new_job(request: HttpRequest) -> HttpResponse:
    """Show an empty form; sent with everything, it is launched."""
    return _measured(request, "")


@csrf_exempt
@page
@login_required
def draft(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Show what was prepared so far; sent, it is launched."""
    return _measured(request, draft_id)


@require_POST
@login_required
def begin_draft(request: HttpRequest) -> JsonResponse:
    """Begin to prepare a dub: the address of its page."""
    begun = drafts.begin_draft(user_of(request))
    return JsonResponse({"url": reverse("draft", args=[begun.public_id])}, status=201)


@require_POST
@login_required
@told
def draft_choices(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Keep what was chosen; the parts of the page that follow from it."""
    found = drafts.find_draft(user_of(request), draft_id)
    drafts.save_choices(found, NewDubForm(request.POST).choices())
    return _parts(request, found)


@require_POST
@login_required
@told
def draft_file(request: HttpRequest, draft_id: str) -> JsonResponse:
    """Give the address that a file is to be sent to, and how much of it is there already."""
    found = drafts.find_draft(user_of(request), draft_id)
    form = FileForm(request.POST)
    if not form.is_valid():
        raise UserError("validation_error", str(next(iter(form.errors.values()))[0]))
    sent = form.cleaned_data
    sending = drafts.issue_file(
        found,
        role=Upload.Role(sent["role"]),
        name=sent["name"],
        size=sent["size"],
        content_type=sent["type"],
        modified=sent["modified"],
    )
    return JsonResponse(
        {
            # our own address without its host: the page may be open under another name of it
            "url": sending.url.removeprefix(settings.SITE_URL),
            "resumes": sending.resumes,
            "received": drafts.received(sending.upload),
        }
    )


@require_POST
@login_required
@told
def draft_captions(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Keep captions to be used as the transcript."""
    found = drafts.find_draft(user_of(request), draft_id)
    form = CaptionsForm(request.POST, request.FILES)
    try:
        if not form.is_valid():
            raise UserError("validation_error", str(next(iter(form.errors.values()))[0]))
        _keep_captions(found, form.cleaned_data["captions"])
    except UserError as error:
        return _parts(request, found, captions=error.message)
    return _parts(request, found)


@require_POST
@login_required
@told
def draft_remove(request: HttpRequest, draft_id: str, part: str) -> HttpResponse:
    """Take a file or the captions out."""
    found = drafts.find_draft(user_of(request), draft_id)
    if part == "captions":
        drafts.drop_captions(found)
    elif part in Upload.Role.values:
        drafts.drop_file(found, Upload.Role(part))
    else:
        raise NotFound(_("part"))
    drafts.save_choices(found, NewDubForm(request.POST).choices())
    return _parts(request, found)


@require_POST
@login_required
def draft_discard(request: HttpRequest, draft_id: str) -> HttpResponse:
    """Throw away what was prepared."""
    drafts.drop_draft(drafts.find_draft(user_of(request), draft_id))
    return redirect("new_job")


def _measured(request: HttpRequest, draft_id: str) -> HttpResponse:
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    largest = 2 * plan_of(user_of(request)).limits.largest_bytes + FORM_WITHOUT_FILES
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest:
        # Answered unread: nobody shall send gigabytes to hear that they are too many.
        estimate = estimate_nothing(user_of(request))
        sentence = _("This is more than your plan allows. Compress it or cut it.")
        return _page(request, estimate, sentence, status=413)
    return _shown(request, draft_id)


@csrf_protect
def _shown(request: HttpRequest, draft_id: str) -> HttpResponse:
    user = user_of(request)
    if request.method != "POST" and not draft_id:
        return _page(request, estimate_nothing(user), unfinished=drafts.latest_draft(user))
    try:
        found = drafts.find_draft(user, draft_id) if draft_id else drafts.begin_draft(user)
    except NotFound:
        if DubbingJob.objects.filter(user=user, public_id=draft_id).exists():
            return _launched(request, draft_id)
        raise
    if request.method != "POST":
        return _page(request, estimate_draft(found))
    return _launch(request, found)


def _launch(request: HttpRequest, found: Draft) -> HttpResponse:
    form = NewDubForm(request.POST, request.FILES)
    drafts.save_choices(found, form.choices())
    try:
        _keep_files(found, form)
        job = drafts.launch_draft(found)
    except UserError as error:
        estimate = estimate_draft(found, launching=True, refused=error, form_errors=_told(form))
        if _by_script(request):
            parts = render_to_string("jobs/new_parts.html", _context(estimate), request)
            return JsonResponse({"parts": parts})
        return _page(request, estimate, status=error.status)
    return _launched(request, job.public_id)


def _launched(request: HttpRequest, public_id: str) -> HttpResponse:
    if _by_script(request):
        return JsonResponse({"url": reverse("job", args=[public_id])})
    return redirect("job", public_id)


def _keep_files(found: Draft, form: NewDubForm) -> None:
    """Keep what came with the form. Raises UserError."""
    if form.errors:
        raise UserError("validation_error", "")
    for role in Upload.Role:
        file: TemporaryUploadedFile | None = form.cleaned_data[role.value]
        if file is not None:
            drafts.keep_file(
                found,
                role=role,
                file=cast("BinaryIO", file.file),
                name=file.name or role.value,
                content_type=file.content_type or "",
            )
    if form.cleaned_data["captions"]:
        _keep_captions(found, form.cleaned_data["captions"])


def _keep_captions(found: Draft, file: "TemporaryUploadedFile") -> None:
    text = file.read().decode("utf-8-sig", "replace")
    drafts.save_captions(found, name=PurePath(file.name or "").name, text=text)


def _told(form: NewDubForm) -> dict[str, str]:
    """What is wrong with each field of a form."""
    return {name: str(sentences[0]) for name, sentences in form.errors.items()}


def _by_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _parts(request: HttpRequest, found: Draft, **wrong: str) -> HttpResponse:
    """The parts of the page that follow from what was chosen; without scripts, all of it."""
    if not _by_script(request):
        return redirect("draft", found.public_id)
    estimate = estimate_draft(found, form_errors=wrong)
    return render(request, "jobs/new_parts.html", _context(estimate))


def _context(estimate: Estimate) -> dict[str, object]:
    return {
        "estimate": estimate,
        "spoken": LANGUAGES.values(),
        "tones": TONES,
        "minutes": estimate.plan.limits.longest_ms // 60_000,
    }


def _page(
    request: HttpRequest,
    estimate: Estimate,
    sentence: str = "",
    *,
    unfinished: Draft | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _context(estimate) | {"sentence": sentence, "unfinished": unfinished}
    return render(request, "jobs/new.html", context, status=status)
