"""Who asks, by `Authorization: Bearer`."""

import ipaddress

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import api_keys, supabase, tokens
from accounts.models import ApiKey, ApiSession, User

LONGEST = 8192
"""Bytes of the longest token that is looked at."""

DEV_TOKEN = "dev-token"  # noqa: S105 (a name that everybody may know)
REFUSED = "This token is not valid, or no longer. Sign in again."

Proof = ApiSession | ApiKey | None
"""What a token belongs to: nothing of ours when it is Supabase's."""


class BearerAuthentication(BaseAuthentication):
    """Finds the person behind a bearer token."""

    def authenticate(self, request: Request) -> tuple[User, Proof] | None:
        """The person and what their token belongs to, nothing without one.

        Raises AuthenticationFailed.
        """
        words = get_authorization_header(request).split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != b"bearer" or len(words[1]) > LONGEST:
            raise AuthenticationFailed(REFUSED)
        user, proof = holder_of(words[1].decode("latin-1"), request)
        # Staff work on the pages, behind a second factor that no token has.
        if user is None or not user.is_active or user.is_staff:
            raise AuthenticationFailed(REFUSED)
        return user, proof

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="dubber"'


def holder_of(token: str, request: Request) -> tuple[User | None, Proof]:
    """Whose token this is, and what it belongs to; nobody's if it isn't good."""
    if token == DEV_TOKEN:
        return developer(str(request.META.get("REMOTE_ADDR", ""))), None
    if token.startswith(api_keys.PREFIX):
        key = api_keys.key_of(token)
        return (key.user, key) if key else (None, None)
    if tokens.is_ours(token):
        session = tokens.session_of(token)
        return (session.user, session) if session else (None, None)
    return supabase.person_of(token), None


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
