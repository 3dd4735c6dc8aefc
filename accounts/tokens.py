"""Our own tokens: short access tokens bound to a row, and refresh tokens that are good once.

Neither is stored. The row of the session says whether it lasts and which refresh token comes next.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import jwt
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiSession, User
from dubber.errors import UserError
from dubber.plain_sql import rows_of

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=30)
ALGORITHM = "HS256"
KEY_ID = "dubber"
"""Tells our tokens from others before anything is verified."""

ACCESS = "dubber"
REFRESH = "dubber-refresh"
"""The audiences: one kind of token is never taken for the other."""

HOLDER = """
SELECT {columns}
FROM accounts_user JOIN accounts_apisession AS session ON session.user_id = accounts_user.id
WHERE session.id = %s AND accounts_user.id = %s AND ended_at IS NULL AND expires_at > %s
    AND is_active AND NOT is_staff
"""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives to a program. expires_in is in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    user: User


@transaction.atomic
def open_session(user: User) -> Tokens:
    """Begin a session of the API.

    Raises UserError where the person's password changed since they were looked up.
    """
    require_unchanged(user)
    session = ApiSession.objects.create(user=user, expires_at=timezone.now() + REFRESH_LIFE)
    return _tokens(session)


def require_unchanged(user: User) -> None:
    """Lock a person, in the caller's transaction, whose password is still the one that was read.

    A new one ends whatever lets somebody in; what begins in that very moment must not escape it.
    """
    locked = User.objects.select_for_update(no_key=True)
    if locked.filter(pk=user.pk, password=user.password).first() is None:
        raise UserError(
            "authentication_required", _("Your password was changed. Sign in again."), status=401
        )


def refresh(token: str) -> Tokens:
    """Change a refresh token for new tokens; it is used up then.

    One that was used before ends its session, since two now have it. Raises UserError.
    """
    claims = _read(token, REFRESH)
    session = _session(claims)
    if session is None or claims is None:
        raise _refused()
    number = int(claims["number"])
    turned = ApiSession.objects.filter(pk=session.pk, refreshes=number, ended_at=None).update(
        refreshes=F("refreshes") + 1, expires_at=timezone.now() + REFRESH_LIFE
    )
    if not turned:
        end_session(session, ApiSession.End.REUSED)
        raise _refused()
    session.refreshes += 1
    return _tokens(session)


def is_ours(token: str) -> bool:
    """Say whether a token claims to be one of ours."""
    try:
        return bool(jwt.get_unverified_header(token).get("kid") == KEY_ID)
    except jwt.InvalidTokenError:
        return False


def session_of(token: str) -> ApiSession | None:
    """The session that an access token is bound to, with its person, if both still last.

    Every call begins with this, so it is plain SQL: Django takes longer to compose than to run it.
    """
    claims = _read(token, ACCESS)
    if claims is None or not all(_is_id(claims[name]) for name in ("sid", "sub")):
        return None
    ids = [uuid.UUID(str(claims[name])) for name in ("sid", "sub")]
    keys = [ApiSession._meta.pk.get_db_prep_value(one, connection) for one in ids]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    found = rows_of(User, _user_columns(), _holder_sql(), [*keys, now])
    return ApiSession(id=ids[0], user=found[0][0]) if found else None


def session_to_refresh(token: str) -> ApiSession | None:
    """The session that a refresh token belongs to, if both still last."""
    return _session(_read(token, REFRESH))


def end_session(session: ApiSession, end: ApiSession.End) -> None:
    """End a session, unless it has ended already."""
    ApiSession.objects.filter(pk=session.pk, ended_at=None).update(ended_at=timezone.now(), end=end)


def end_sessions(user: User, end: ApiSession.End) -> None:
    """End all of a person's sessions."""
    ApiSession.objects.filter(user=user, ended_at=None).update(ended_at=timezone.now(), end=end)


def _tokens(session: ApiSession) -> Tokens:
    return Tokens(
        access_token=_write(session, ACCESS, ACCESS_LIFE),
        refresh_token=_write(session, REFRESH, REFRESH_LIFE, number=session.refreshes),
        expires_in=int(ACCESS_LIFE.total_seconds()),
        user=session.user,
    )


def _write(session: ApiSession, audience: str, life: timedelta, **claims: object) -> str:
    now = timezone.now()
    payload = {
        "iss": settings.SITE_URL,
        "aud": audience,
        "sub": str(session.user_id),
        "sid": str(session.pk),
        "jti": uuid.uuid4().hex,
        "iat": now,
        "exp": now + life,
        **claims,
    }
    return jwt.encode(payload, settings.TOKEN_KEY, ALGORITHM, headers={"kid": KEY_ID})


def _read(token: str, audience: str) -> dict[str, Any] | None:
    try:
        return jwt.decode(
            token,
            settings.TOKEN_KEY,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=settings.SITE_URL,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "sid"]},
        )
    except jwt.InvalidTokenError:
        return None


def _session(claims: dict[str, Any] | None) -> ApiSession | None:
    if claims is None or not all(_is_id(claims[name]) for name in ("sid", "sub")):
        return None
    session = ApiSession.objects.select_related("user").filter(pk=claims["sid"]).first()
    return session if session is not None and _lasts(session, claims["sub"]) else None


@cache
def _user_columns() -> tuple[str, ...]:
    return tuple(field.attname for field in User._meta.concrete_fields)


@cache
def _holder_sql() -> str:
    return HOLDER.format(columns=", ".join(f"accounts_user.{name}" for name in _user_columns()))


def _lasts(session: ApiSession, sub: object) -> bool:
    """Say whether a session is still good, and that of the person whom a token names."""
    user = session.user
    open_still = session.ended_at is None and session.expires_at > timezone.now()
    return open_still and user.is_active and not user.is_staff and user.pk == uuid.UUID(str(sub))


def _is_id(value: object) -> bool:
    try:
        return bool(uuid.UUID(str(value)))
    except ValueError:
        return False


def _refused() -> UserError:
    return UserError(
        "authentication_required", _("This token was used or has ended. Sign in again."), status=401
    )
