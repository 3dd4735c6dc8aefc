"""Pages for who is signed in: closed to who is not verified, and with the times of their place."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from dubber.error_pages import busy_page

Respond = Callable[[HttpRequest], HttpResponse]

OPEN = frozenset(
    {
        "home",
        "sample_file",
        "how_it_works",
        "pricing",
        "languages",
        "help",
        "contact",
        "status",
        "terms",
        "privacy",
        "cookies",
        "login",
        "logout",
        "sign_up",
        "verify_email",
        "verify_email_link",
        "password_reset",
        "choose_password",
        "swagger",
        "redoc",
        # These look at a signature, not at who is signed in.
        "get_file",
        "get_line",
        "mail_off",
        "put_upload",
        "stripe_webhook",
        "stripe_webhook_slash",
    }
)
"""What asks for no verified address. A new page is closed until it is named here."""


class VerifiedPages:
    """Leads who is not verified to the page that says so; the API tells it by itself."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.respond(request)

    def process_view(
        self, request: HttpRequest, view: Any, *_arguments: Any
    ) -> HttpResponse | None:
        """Step in before a page is made."""
        if hasattr(view, "cls"):  # a view of the API
            return None
        match = request.resolver_match
        if match is None or match.url_name in OPEN:
            return None
        try:
            user = request.user
            allowed = not user.is_authenticated or user.is_verified
        except OperationalError:  # which no other middleware can see here
            return busy_page(request)
        return None if allowed else redirect("verify_email")


class LocalTimes:
    """Lets pages show times in the time zone of who looks; the API always tells UTC."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        try:
            return self.respond(request)
        finally:
            timezone.deactivate()  # the next request of this thread is somebody else's

    def process_view(
        self, request: HttpRequest, view: Any, *_arguments: Any
    ) -> HttpResponse | None:
        """Choose the time zone before a page is made."""
        if hasattr(view, "cls"):
            return None
        try:
            zone = getattr(request.user, "timezone", "")
        except OperationalError:
            return busy_page(request)
        if zone:
            with suppress(ZoneInfoNotFoundError, ValueError):  # one that is no longer known
                timezone.activate(ZoneInfo(zone))
        return None
