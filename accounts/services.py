"""What people do with their account. Each function leaves everything done, or nothing."""

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import api_keys, tokens
from accounts.models import ApiKey, User
from billing.queries import plan_of
from dubber.errors import NotFound, PermissionRefused, UserError

audit = logging.getLogger("audit")

MOST_KEYS = 20
EMPTY = ("full_name", "avatar_url")
"""Columns of a profile in which nothing is an empty text."""


def change_profile(user: User, **columns: Any) -> User:
    """Change the given columns of a profile, and no others."""
    for name, value in columns.items():
        setattr(user, name, (value or "") if name in EMPTY else value)
    user.save(update_fields=[*columns, "updated_at"])
    return user


def add_api_key(user: User, *, name: str) -> str:
    """Make a personal API key; its text is told now and never again.

    Raises PermissionRefused plan_required, UserError when there are too many, or when the person's
    password changed in this very moment.
    """
    if user.is_staff:
        raise PermissionRefused(_("Staff work on the pages: their accounts get no keys."))
    plan = plan_of(user)
    if not plan.limits.api_keys:
        raise PermissionRefused(
            _("API keys come with the Professional plan."), code="plan_required"
        )
    with transaction.atomic():
        tokens.require_unchanged(user)
        if user.api_keys.filter(revoked_at=None).count() >= MOST_KEYS:
            raise UserError("validation_error", _("Revoke a key first: you have %d.") % MOST_KEYS)
        _key, text = api_keys.make_key(user, name=name.strip()[:100] or _("Key"))
    audit.info("api key made: user %s", user.pk)
    return text


def revoke_api_key(user: User, *, key_id: int) -> None:
    """Let a key be good no longer. A second time changes nothing. Raises NotFound."""
    key = ApiKey.objects.filter(pk=key_id, user=user).first()
    if key is None:
        raise NotFound(_("key"))
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    audit.info("api key revoked: user %s", user.pk)


def change_mail(user: User, *, when_done: bool) -> None:
    """Keep whether a person wants e-mail when a dub is done or failed."""
    user.mail_when_done = when_done
    user.save(update_fields=["mail_when_done", "updated_at"])
