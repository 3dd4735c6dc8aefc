"""Personal keys of the API: shown once, kept as a digest.

A key is 32 random bytes, so a plain digest of it can't be guessed back.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiKey, User

PREFIX = "dub_"
SHOWN = 12
NOTED_EVERY = timedelta(minutes=1)
"""The last use is written at most so often: a poll must not cost a write each time."""


def make_key(user: User, *, name: str) -> tuple[ApiKey, str]:
    """Write a new key; the text is known now and never again."""
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(user=user, name=name, start=text[:SHOWN], digest=_digest(text))
    return key, text


def revoke_keys(user: User) -> int:
    """Revoke all of a person's keys; how many they were."""
    keys = ApiKey.objects.filter(user=user, revoked_at=None)
    return keys.update(revoked_at=timezone.now())


def key_of(text: str) -> ApiKey | None:
    """The key with this text, unless it was revoked, and a note that it was used."""
    key = (
        ApiKey.objects.select_related("user").filter(digest=_digest(text), revoked_at=None).first()
    )
    if key is not None:
        now = timezone.now()
        seldom = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED_EVERY)
        if key.last_used_at is None or key.last_used_at < now - NOTED_EVERY:
            ApiKey.objects.filter(seldom, pk=key.pk).update(last_used_at=now)
    return key


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
