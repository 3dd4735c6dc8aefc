"""Who asks, by `Authorization: Bearer`."""

import ipaddress

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User

LONGEST = 8192
"""Bytes of the longest token that is looked at."""

REFUSED = "This token is not valid, or no longer. Sign in again."


class BearerAuthentication(BaseAuthentication):
    """Finds the person behind a bearer token."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """The person and their token, nothing without one. Raises AuthenticationFailed."""
        words = get_authorization_header(request).split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != b"bearer" or len(words[1]) > LONGEST:
            raise AuthenticationFailed(REFUSED)
        token = words[1].decode("latin-1")
        user = self.person(token, request)
        # Staff work on the pages, behind a second factor that no token has.
        if user is None or not user.is_active or user.is_staff:
            raise AuthenticationFailed(REFUSED)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="dubber"'

    def person(self, token: str, request: Request) -> User | None:
        """Whose token this is; nobody's if it isn't good."""
        if token == "dev-token":  # noqa: S105 (a name that everybody may know)
            return developer(str(request.META.get("REMOTE_ADDR", "")))
        return None


def developer(address: str) -> User | None:
    """The demo user, on a developer's own machine only."""
    if not (settings.DEBUG and settings.DEV_TOKEN and _is_loopback(address)):
        return None
    return User.objects.filter(email=settings.DEMO_EMAIL).first()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
