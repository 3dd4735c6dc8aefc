"""The admin: for staff who showed a one-time code beside their password."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User

SHOWN = "one_time_code_shown"
"""Names what a session says once a code was shown in it."""


def is_staff_with_code(user: User | AnonymousUser, session: Any) -> bool:
    """Say whether this is staff, signed in with both factors."""
    return bool(user.is_active and user.is_staff and session.get(SHOWN))


class StaffSite(AdminSite):
    """Sends people to our own sign-in page, and from there to the one for the code."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Say whether this is staff, signed in with both factors."""
        return is_staff_with_code(request.user, request.session)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to where the missing factor is asked for. Customers hear that it isn't theirs."""
        back = request.GET.get("next") or reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect(f"{reverse('login')}?{urlencode({'next': back})}")
        if not request.user.is_staff:
            raise PermissionDenied
        return redirect(f"{reverse('one_time_code')}?{urlencode({'next': back})}")
