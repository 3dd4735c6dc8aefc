"""People who signed in at Supabase.

Two kinds of token, each with its own list of keys: HS256 with the project's legacy secret, ES256
and RS256 with its published keys. What a token says about its person is believed; whether the
e-mail address is theirs is asked of Supabase itself. Source: Supabase's guide on JWTs and its Auth
server's `GET /user`.
"""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import jwt
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.registration import drop_credentials
from dubber import rate_limits
from dubber.errors import UserError

log = logging.getLogger(__name__)

SECRET_ALGORITHMS = ("HS256",)
KEY_ALGORITHMS = ("ES256", "RS256")
LEEWAY = 30
KEYS_LAST = 600.0
UNKNOWN_KEY_EVERY = 60.0
RETRY_AFTER = 5
TIMEOUT = httpx.Timeout(5.0)
REQUIRED = ["exp", "iss", "aud", "sub", "role"]


class PublishedKeys:
    """The project's keys by id, fetched when they are old, or when an id is unknown.

    While Supabase doesn't answer, keys that are known go on, and it is asked once a minute.
    """

    def __init__(self) -> None:
        self._fetching = threading.Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._asked: float | None = None
        self._failed = False

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key with this id. Raises UserError service_busy when Supabase doesn't answer."""
        # Whose key is known doesn't wait while somebody else fetches.
        if self._is_due(key_id) and self._fetching.acquire(blocking=key_id not in self._keys):
            try:
                if self._is_due(key_id):  # nobody fetched while this one waited
                    self._fetch()
            finally:
                self._fetching.release()
        if self._failed and key_id not in self._keys:
            raise _away()
        return self._keys.get(key_id)

    def _is_due(self, key_id: str) -> bool:
        if self._asked is None:
            return True
        rested = key_id in self._keys and not self._failed
        patience = KEYS_LAST if rested else UNKNOWN_KEY_EVERY
        return time.monotonic() - self._asked > patience

    def _fetch(self) -> None:
        try:
            self._keys = _fetch_keys()
            self._failed = False
        except UserError as error:
            log.warning("Supabase's keys can't be fetched: %r", error.__cause__)
            self._failed = True
        finally:
            self._asked = time.monotonic()


published_keys = PublishedKeys()


def person_of(token: str) -> User | None:
    """Whose token this is, made at their first visit; nobody's if it isn't good.

    Raises UserError service_busy when Supabase must be asked and doesn't answer.
    """
    claims = claims_of(token)
    if claims is None:
        return None
    user = User.objects.filter(supabase_id=claims["sub"]).first()
    if user is None:
        return _first_visit(claims, token)
    if not user.is_verified and user.is_active:
        _look_again(user, token)
    return user


def claims_of(token: str) -> dict[str, Any] | None:
    """What a token says, if it is good: signed, in time, and for a person."""
    key = _key_for(token)
    if key is None:
        return None
    algorithms = SECRET_ALGORITHMS if isinstance(key, str) else KEY_ALGORITHMS
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience="authenticated",
            issuer=f"{settings.SUPABASE_URL}/auth/v1",
            leeway=LEEWAY,
            options={"require": REQUIRED},
        )
        UUID(claims["sub"])
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        return None
    if claims["role"] != "authenticated" or claims.get("is_anonymous"):
        return None
    return claims


def _key_for(token: str) -> str | jwt.PyJWK | None:
    """The only key that may have signed this token, by its algorithm and key id."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        return None
    if not settings.SUPABASE_URL:
        return None
    if header.get("alg") in SECRET_ALGORITHMS:
        return settings.SUPABASE_JWT_SECRET or None
    if header.get("alg") in KEY_ALGORITHMS and isinstance(header.get("kid"), str):
        return published_keys.find(header["kid"])
    return None


def _first_visit(claims: Mapping[str, Any], token: str) -> User | None:
    """Make the person, or link them to the account with their e-mail address."""
    email = str(claims.get("email") or "").strip().lower()
    if not email:
        return None
    confirmed = confirmed_address(token, sub=claims["sub"])
    try:
        with transaction.atomic():
            user = User.objects.select_for_update().filter(email=email).first()
            if user is None:
                return User.objects.create_user(
                    email,
                    supabase_id=UUID(claims["sub"]),
                    email_verified_at=timezone.now() if confirmed == email else None,
                )
            return _link(user, claims["sub"]) if confirmed == email else None
    except IntegrityError:  # two first requests of the same person at once
        return User.objects.filter(supabase_id=claims["sub"]).first()


def _link(user: User, sub: str) -> User | None:
    if user.is_staff or not user.is_active or (user.supabase_id and user.is_verified):
        return None
    if not user.is_verified:
        drop_credentials(user)
        user.email_verified_at = timezone.now()
    user.supabase_id = UUID(sub)
    user.save()
    return user


def _look_again(user: User, token: str) -> None:
    """See whether the address was confirmed in the meantime: at most once a minute."""
    spent = rate_limits.count(f"supabase:{user.pk}", most=1, seconds=60)
    if spent.exceeded or confirmed_address(token, sub=str(user.supabase_id)) != user.email:
        return
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at", "updated_at"])


def confirmed_address(token: str, *, sub: str) -> str | None:
    """The e-mail address that Supabase says is proved to be this person's.

    Raises UserError service_busy.
    """
    url = f"{settings.SUPABASE_URL}/auth/v1/user"
    headers = {"Authorization": f"Bearer {token}", "apikey": settings.SUPABASE_SERVICE_KEY}
    try:
        answer = httpx.get(url, headers=headers, timeout=TIMEOUT)
        if answer.status_code in {401, 403}:
            return None
        told = answer.raise_for_status().json()
        if told.get("id") != sub or not told.get("email_confirmed_at"):
            return None
        return str(told["email"]).strip().lower()
    except (httpx.HTTPError, ValueError, KeyError, AttributeError) as error:
        raise _away() from error


def _fetch_keys() -> dict[str, jwt.PyJWK]:
    url = f"{settings.SUPABASE_URL}/auth/v1/.well-known/jwks.json"
    try:
        told = httpx.get(url, timeout=TIMEOUT).raise_for_status().json()
        keys = [jwt.PyJWK(key) for key in told["keys"] if key.get("alg") in KEY_ALGORITHMS]
    except (httpx.HTTPError, ValueError, KeyError, AttributeError, jwt.PyJWTError) as error:
        raise _away() from error
    return {str(key.key_id): key for key in keys if key.key_id}


def _away() -> UserError:
    return UserError(
        "service_busy",
        _("Signing in with Supabase doesn't work right now. Try again in a few seconds."),
        status=503,
        retry_after=RETRY_AFTER,
    )
