"""The views of the public pages. Each asks one question and shows the answer."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from billing.plans import PLANS
from billing.prices import whole_ms
from dubber import rate_limits
from dubber.error_pages import wants_page
from dubber.errors import UserError
from dubber.public import condition
from dubber.public import contact as desk
from dubber.public.forms import LONGEST_MINUTES, CalculatorForm, ContactForm
from dubber.public.offers import offers
from dubber.public.pricing import calculate, price_lists
from dubber.public.sample import FILES, path_of, sample_dub
from jobs.media import TYPES
from jobs.pipeline.languages import LANGUAGES
from jobs.ranges import Blocks, ByteRange, NotSatisfiable, byte_range

EXAMPLE = {"minutes": "3", "languages": ["es", "ja"]}
"""What the calculator shows before anything is entered."""


@require_safe
@vary_on_headers("Accept")
def home(request: HttpRequest) -> HttpResponse:
    """Say what Dubber is: to people as a page, to programs as JSON."""
    if not wants_page(request):
        answer = {"service": "dubber", "version": settings.VERSION, "docs": "/docs"}
        return JsonResponse(answer)
    return render(request, "home.html", {"prices": price_lists(), "sample": sample_dub()})


@require_safe
def sample_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send a file of the sample dub, or the part of it that a player asks for."""
    path = path_of(name) if name in FILES else None
    if path is None:
        raise Http404
    size = path.stat().st_size
    try:
        part = byte_range(request.headers.get("Range"), size)
    except NotSatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    sent = part or ByteRange(0, size)
    response = StreamingHttpResponse(
        Blocks(path.open("rb"), sent), content_type=TYPES[path.suffix], status=206 if part else 200
    )
    if part:
        response["Content-Range"] = part.content_range(size)
    response["Content-Length"] = str(sent.length)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "public, max-age=3600"
    return response


@require_safe
def how_it_works(request: HttpRequest) -> HttpResponse:
    """Tell step by step what happens to a recording."""
    return render(request, "public/how_it_works.html", {"sample": sample_dub()})


@require_safe
@vary_on_headers("HX-Request")
def pricing(request: HttpRequest) -> HttpResponse:
    """Show plans and prices, and price what is entered; a script asks for the answer alone."""
    form = CalculatorForm(request.GET if "minutes" in request.GET else EXAMPLE)
    found = None
    if form.is_valid():
        asked = form.cleaned_data
        found = calculate(whole_ms(float(asked["minutes"]) * 60), asked["languages"])
    told = {
        "form": form,
        "found": found,
        "chosen": form.data.getlist("languages")
        if hasattr(form.data, "getlist")
        else EXAMPLE["languages"],
        "longest": LONGEST_MINUTES,
        "languages": LANGUAGES.values(),
        "prices": price_lists(),
        "plans": PLANS.values(),
    }
    alone = request.headers.get("HX-Request") == "true"
    return render(request, "public/_calculation.html" if alone else "public/pricing.html", told)


@require_safe
def languages(request: HttpRequest) -> HttpResponse:
    """List the languages with what each really offers on this site."""
    made, missing = offers()
    return render(request, "public/languages.html", {"made": made, "missing": missing})


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Answer what people ask."""
    return render(
        request, "public/help.html", {"plans": PLANS.values(), "longest": LONGEST_MINUTES}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """Take a message for whoever runs the site."""
    if request.method != "POST":
        email = getattr(request.user, "email", "")
        return _contact_page(request, ContactForm(initial={"email": email}))
    form = ContactForm(request.POST)
    try:
        rate_limits.spend(request, AnonymousUser(), (rate_limits.AUTH,))
        if not form.is_valid():
            return _contact_page(request, form, status=400)
        if not form.by_program:
            desk.send_message(
                form.cleaned_data["message"],
                email=form.cleaned_data["email"],
                address=rate_limits.client_address(request),
            )
    except UserError as error:
        form.add_error(None, error.message)
        return _contact_page(request, form, status=error.status)
    messages.success(request, _("Your message was sent. The answer comes by e-mail."))
    return redirect("contact")


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Say how the site is doing."""
    return render(request, "public/status.html", {"condition": condition.look()})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show what both sides can count on."""
    return render(request, "public/terms.html", {"plans": PLANS.values()})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Say what is kept, for how long, and who gets to see it."""
    vendors = {
        "deepgram": bool(settings.DEEPGRAM_API_KEY),
        "openai": bool(settings.OPENAI_API_KEY and not settings.OPENAI_BASE_URL),
        "server": bool(settings.OPENAI_BASE_URL),
        "polly": settings.POLLY,
        "stripe": bool(settings.STRIPE_SECRET_KEY),
        "s3": settings.STORAGE == "s3",
    }
    return render(request, "public/privacy.html", {"plans": PLANS.values(), "vendors": vendors})


@require_safe
def cookies(request: HttpRequest) -> HttpResponse:
    """List the cookies."""
    return render(request, "public/cookies.html")


def _contact_page(request: HttpRequest, form: ContactForm, *, status: int = 200) -> HttpResponse:
    told = {"form": form, "is_read": bool(desk.reader())}
    return render(request, "public/contact.html", told, status=status)
