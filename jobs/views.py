"""The pages of dubbing. Each reads the request, calls a service and shows what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import (
    conditional_page,
    require_http_methods,
    require_POST,
    require_safe,
)
from django.views.decorators.vary import vary_on_headers

from accounts.models import User
from billing.prices import CLASSES, MULTIPLIER_TENTHS, PriceClass
from billing.queries import balance_of, plan_of
from dubber.errors import UserError
from jobs.forms import NewDubForm
from jobs.models import DubbingJob, Upload
from jobs.pipeline.languages import LANGUAGES, find
from jobs.queries import cancels_are_limited, jobs_of, jobs_with_files_of, view_of
from jobs.services import cancel_job, create_job, retry_language
from jobs.uploads import register_upload
from jobs.wiring import Offer, offered

JOBS_ON_A_PAGE = 20
FORM_WITHOUT_FILES = 1024 * 1024
"""Bytes that a form may have beside its two files."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One language to choose: what is offered, and its price."""

    offer: Offer
    checked: bool

    @property
    def classification(self) -> str:
        """The language's price class."""
        return CLASSES[self.offer.code]

    @property
    def tenths(self) -> int:
        """The multiplier of its class, in tenths."""
        return MULTIPLIER_TENTHS[CLASSES[self.offer.code]]

    @property
    def credits_a_minute(self) -> float:
        """What a minute costs, before the language is rounded up."""
        return self.tenths * 6 / 10


@require_safe
@vary_on_headers("Accept")
def home(request: HttpRequest) -> HttpResponse:
    """Say what Dubber is: to people as a page, to programs as JSON."""
    if not request.accepts("text/html"):
        answer = {"service": "dubber", "version": settings.VERSION, "docs": "/docs"}
        return JsonResponse(answer)
    return render(request, "home.html", {"prices": _price_list()})


@require_safe
@login_required
def job_list(request: HttpRequest) -> HttpResponse:
    """List a person's dubs, newest first."""
    page = Paginator(jobs_of(_user(request)), JOBS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "jobs/list.html", {"page": page, "dubs": [view_of(job) for job in page]})


@csrf_exempt  # until _new_job: a check here would read the whole form first
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_job(request: HttpRequest) -> HttpResponse:
    """Take a recording and start its dub."""
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    largest = 2 * plan_of(_user(request)).limits.largest_bytes + FORM_WITHOUT_FILES
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest:
        # Answered unread: nobody shall send gigabytes to hear that they are too many.
        form = NewDubForm({}, {}, offered=[])
        form.errors.clear()
        form.add_error(None, _("This is more than your plan allows. Compress it or cut it."))
        return _form_page(request, form, status=413)
    return _new_job(request)


@csrf_protect
def _new_job(request: HttpRequest) -> HttpResponse:
    codes = [offer.code for offer in offered() if offer.available]
    if request.method != "POST":
        return _form_page(request, NewDubForm(offered=codes))
    form = NewDubForm(request.POST, request.FILES, offered=codes)
    if not form.is_valid():
        return _form_page(request, form, status=400)
    try:
        job = _start(_user(request), form)
    except UserError as error:
        form.add_error(None, error.message)
        return _form_page(request, form, status=error.status)
    return redirect("job", job.public_id)


@require_safe
@login_required
def job(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one dub: how far it is, and what there is to download."""
    return render(request, "jobs/job.html", _job_page(request, public_id))


@conditional_page
@require_safe
@login_required
def job_progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send the part of the page that changes, for the script that asks for it again and again."""
    return render(request, "jobs/_progress.html", _job_page(request, public_id))


@require_POST
@login_required
def cancel(request: HttpRequest, public_id: str) -> HttpResponseRedirect:
    """Stop what runs and give its credits back."""
    user = _user(request)
    owned = get_object_or_404(DubbingJob, user=user, public_id=public_id)
    before = balance_of(user)
    if _done(request, lambda: cancel_job(owned, by=user)):
        returned = balance_of(user) - before
        messages.success(
            request, _("Cancelled, %(credits)d credits returned.") % {"credits": returned}
        )
    return redirect("job", public_id)


@require_POST
@login_required
def retry(request: HttpRequest, public_id: str, language: str) -> HttpResponseRedirect:
    """Make a failed language again, for its price."""
    user = _user(request)
    owned = get_object_or_404(DubbingJob, user=user, public_id=public_id, tasks__language=language)
    if _done(request, lambda: retry_language(owned, language=language, by=user)):
        name = find(language).name
        messages.success(request, _("%(language)s is made again.") % {"language": name})
    return redirect("job", public_id)


def _start(user: User, form: NewDubForm) -> DubbingJob:
    """Keep the files and order the dub. Raises UserError."""
    chosen = form.cleaned_data
    voice = _keep(user, chosen["voice"], Upload.Role.VOICE)
    background = None
    if chosen["background"]:
        background = _keep(user, chosen["background"], Upload.Role.BACKGROUND)
    return create_job(
        user,
        voice=voice,
        background=background,
        languages=chosen["languages"],
        source_language=chosen["source_language"],
        title=chosen["title"] or PurePath(voice.name).stem,
    )


def _keep(user: User, file: TemporaryUploadedFile, role: Upload.Role) -> Upload:
    return register_upload(
        user,
        file=cast("BinaryIO", file.file),
        name=file.name or role.value,
        role=role,
        content_type=file.content_type or "",
    )


def _form_page(request: HttpRequest, form: NewDubForm, *, status: int = 200) -> HttpResponse:
    user = _user(request)
    plan = plan_of(user)
    offers = offered()
    chosen = form.data.getlist("languages") if hasattr(form.data, "getlist") else []
    page = {
        "form": form,
        "choices": [Choice(offer, offer.code in chosen) for offer in offers if offer.available],
        "unavailable": [offer for offer in offers if not offer.available],
        "spoken": LANGUAGES.values(),
        "plan": plan,
        "minutes": plan.limits.longest_ms // 60_000,
        "balance": balance_of(user),
    }
    return render(request, "jobs/new.html", page, status=status)


def _done(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Do it; where it is refused, the page says why."""
    try:
        act()
    except UserError as error:
        messages.error(request, error.message)
        return False
    return True


def _job_page(request: HttpRequest, public_id: str) -> dict[str, object]:
    found = get_object_or_404(jobs_with_files_of(_user(request)), public_id=public_id)
    drafts = {offer.code for offer in offered() if offer.quality == "draft"}
    return {"dub": view_of(found, drafts, strict=cancels_are_limited(_user(request)))}


def _price_list() -> list[dict[str, object]]:
    """Each price class with its languages."""
    return [
        {
            "names": [LANGUAGES[code].name for code in LANGUAGES if CLASSES[code] == one],
            "credits_a_minute": MULTIPLIER_TENTHS[one] * 6 / 10,
        }
        for one in PriceClass
    ]


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)
