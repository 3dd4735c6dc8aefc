"""Links that prove something, sent by e-mail: signed, good for a while and once.

A link holds a digest of what it will change; once that has changed, the link is used.
"""

import hashlib
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from accounts.models import User
from dubber.errors import NotFound, UserError


class Purpose(StrEnum):
    """What a link is for; one is never good for another."""

    VERIFY = "verify-email"
    RESET = "password-reset"
    DELETE = "delete-account"


MAIL = "accounts.links.mail"
LIFE = {
    Purpose.VERIFY: timedelta(days=3),
    Purpose.RESET: timedelta(hours=1),
    Purpose.DELETE: timedelta(minutes=10),
}


def make_token(user: User, purpose: Purpose) -> str:
    """What the link carries."""
    said = [str(user.pk), _state(user)]
    return signing.dumps(said, key=settings.TOKEN_KEY, salt=f"accounts.links.{purpose}")


def person_of(token: str, purpose: Purpose) -> User:
    """Whose link this is. Raises UserError validation_error, link_expired, link_used."""
    try:
        said = signing.loads(
            token,
            key=settings.TOKEN_KEY,
            salt=f"accounts.links.{purpose}",
            max_age=LIFE[purpose],
        )
    except signing.SignatureExpired as error:
        message = _("This link has expired. Ask for a new one.")
        raise UserError("link_expired", message, status=410) from error
    except signing.BadSignature as error:
        message = _("This link is not complete. Copy all of it, or ask for a new one.")
        raise UserError("validation_error", message) from error
    user = User.objects.filter(pk=said[0], is_active=True).first()
    if user is None or _state(user) != said[1]:
        raise used()
    return user


def used() -> UserError:
    """The refusal of a link that was used."""
    return UserError("link_used", _("This link was used. Ask for a new one."), status=410)


def make_mail_token(user: User) -> str:
    """What the link carries that ends e-mails about dubs. It is good for ever."""
    return signing.dumps(str(user.pk), key=settings.TOKEN_KEY, salt=MAIL)


def person_of_mail(token: str) -> User:
    """Whose e-mails this link ends. Raises NotFound."""
    try:
        user_id = signing.loads(token, key=settings.TOKEN_KEY, salt=MAIL)
    except signing.BadSignature as error:
        raise NotFound(_("page")) from error
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound(_("page"))
    return user


def _state(user: User) -> str:
    parts = (user.email, user.password, user.email_verified_at, user.deleted_at)
    return hashlib.sha256(f"{settings.TOKEN_KEY} {parts}".encode()).hexdigest()[:24]
