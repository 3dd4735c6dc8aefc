"""Pages for who is signed in but not verified."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

Respond = Callable[[HttpRequest], HttpResponse]

OPEN = frozenset(
    {
        "home",
        "login",
        "logout",
        "sign_up",
        "verify_email",
        "verify_email_link",
        "password_reset",
        "choose_password",
        "swagger",
        "redoc",
    }
)
"""The pages that ask for no verified address. A new page is closed until it is named here."""


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
        if match is None or match.url_name in OPEN or not request.user.is_authenticated:
            return None
        return None if request.user.is_verified else redirect("verify_email")
