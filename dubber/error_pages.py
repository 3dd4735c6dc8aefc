"""Errors on pages, in words for people. The API has its own shape: `dubber.api_errors`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dubber.errors import UserError

Respond = Callable[[HttpRequest], HttpResponse]

BUSY_SECONDS = 5


HOME = _("To the home page")


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says about a kind of error, and where it leads on: the name of an address."""

    title: str | Promise
    step: str | Promise = HOME
    leads_to: str = "home"


WORDS: Mapping[int, Words] = {
    400: Words(_("That didn’t work")),
    403: Words(_("This isn’t for your account")),
    404: Words(_("There is nothing here")),
    409: Words(_("Something changed meanwhile"), _("To your dubs"), "job_list"),
    410: Words(_("This is gone"), _("To your dubs"), "job_list"),
    413: Words(_("This is too large"), _("What a plan allows"), "pricing"),
    429: Words(_("A little slower, please")),
    503: Words(_("We are busy"), _("How the site is doing"), "status"),
}
"""By status; whatever isn't here is said like 400."""


def wants_page(request: HttpRequest) -> bool:
    """Say whether a person asks with a browser: programs don't name HTML in what they accept."""
    return "text/html" in request.headers.get("Accept", "")


def error_page(request: HttpRequest, error: UserError) -> HttpResponse:
    """Show an error as a page, with one next step."""
    words = WORDS.get(error.status, WORDS[400])
    response = render(
        request, "error.html", {"words": words, "message": error.message}, status=error.status
    )
    if "retry_after" in error.details:
        response["Retry-After"] = str(error.details["retry_after"])
    return response


def busy_page(request: HttpRequest) -> HttpResponse:
    """Say that the database doesn't answer; the frame of a page would ask it again."""
    response = render(request, "503.html", status=503)
    response["Retry-After"] = str(BUSY_SECONDS)
    return response


def too_large() -> UserError:
    """The refusal of a body that is more than a form may hold."""
    sentence = str(_("What you sent is more than this page takes. Send less of it."))
    return UserError("too_large", sentence, status=413)


class ErrorPages:
    """Shows what a page's view couldn't do. Bugs stay bugs: they go on to Django and to the log."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.respond(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        """Step in where a view raised; views of the API answer by themselves before."""
        if isinstance(exc, UserError):
            return error_page(request, exc)
        if isinstance(exc, RequestDataTooBig):
            return error_page(request, too_large())
        return busy_page(request) if isinstance(exc, OperationalError) else None
