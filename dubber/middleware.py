"""What every answer carries, and what holds for every address of the API."""

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

from dubber.api_errors import json_response, plain_response
from dubber.error_pages import error_page, too_large, wants_page
from dubber.errors import UserError
from dubber.rate_limits import PAGES, TooMany, spend

Respond = Callable[[HttpRequest], HttpResponse]

OUTSIDE_API = {"/health", "/worker/health", "/openapi.json"}
"""Addresses of the API that don't start with /api/."""

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes: captions are the largest that a form may hold."""

TAKE_RECORDINGS = {"put_upload", "new_job", "draft"}
"""The addresses that take more, each with a limit of its own."""


SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
UNCOUNTED = {"put_upload", "stripe_webhook", "stripe_webhook_slash"}
"""Addresses that look at a signature: files come in parts, and Stripe as often as it must."""


def is_api(path: str) -> bool:
    """Say whether programs ask here, who are always answered in JSON."""
    return path.startswith("/api/") or path in OUTSIDE_API


class RequestId:
    """Gives every request an id, which its answer, its error and its log lines carry."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        request_id = uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        response = self.respond(request)
        response["X-Request-ID"] = request_id
        return response


class SecurityHeaders:
    """Adds the headers that protect browsers, where the view set none of its own."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self.respond(request)
        for name, value in settings.SECURITY_HEADERS.items():
            response.setdefault(name, value)
        return response


class ApiPaths:
    """Lets every path of the API answer with and without its trailing slash, by no redirect.

    Routes are written without it. What goes wrong before a view is reached is told as a view would.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        if not is_api(request.path_info.removesuffix("/")):
            return self.respond(request)
        request.path_info = request.path_info.removesuffix("/")
        response = self.respond(request)
        if response.status_code >= 400 and not _is_json(response):
            plain = plain_response(response.status_code, request)
            for name in ("Allow", "Vary", "Retry-After", "WWW-Authenticate"):
                if name in response:
                    plain[name] = response[name]
            response = plain
        response.setdefault("Cache-Control", "private, no-cache")
        return response


class SmallBodies:
    """Refuses a large body unread, before Django keeps it on disk to look for a CSRF token in it.

    A body without Content-Length is never read by Django.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.respond(request)

    def process_view(
        self, request: HttpRequest, _view: Any, *_arguments: Any
    ) -> HttpResponse | None:
        """Step in before anybody reads."""
        match = request.resolver_match
        length = request.META.get("CONTENT_LENGTH") or "0"
        small = length.isdecimal() and int(length) <= LARGEST_BODY
        if small or (match is not None and match.url_name in TAKE_RECORDINGS):
            return None
        return error_page(request, too_large())


class PageLimits:
    """Counts what is sent from pages, as the API counts its calls. It needs to know who asks."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.respond(request)

    def process_view(
        self, request: HttpRequest, view: Any, *_arguments: Any
    ) -> HttpResponse | None:
        """Step in before anything is done."""
        match = request.resolver_match
        named = match.url_name if match else None
        if request.method in SAFE or named in UNCOUNTED or hasattr(view, "cls"):
            return None  # a view of the API has a cls, and counts by itself
        try:
            spend(request, request.user, [PAGES])
        except TooMany as error:
            page = wants_page(request)
            return error_page(request, error) if page else json_response(error, request)
        return None


class SignedOut:
    """Tells the scripts of a page that its person is signed out, where a browser is led to sign in.

    They can't follow there, and would take it for a lost connection.
    """

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self.respond(request)
        led = response.get("Location", "").partition("?")[0] == resolve_url(settings.LOGIN_URL)
        if not led or not _by_script(request):
            return response
        sentence = _("You are signed out. Load this page again to sign in: your words are kept.")
        return json_response(UserError("authentication_required", sentence, status=401), request)


def old_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse what came without the token of its session; Django's CSRF_FAILURE_VIEW."""
    if not _by_script(request):
        return csrf_failure(request, reason)
    sentence = _(
        "You signed in or out in another window. Load this page again: your words are kept."
    )
    return json_response(UserError("permission_denied", sentence, status=403), request)


def _by_script(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "") and not wants_page(request)


def _is_json(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("application/json")
