"""Forgets sign-ins that are over."""

from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.utils import timezone

from accounts.models import ApiSession, KnownNetwork

NETWORKS_KEPT = timedelta(days=400)
"""From where nobody signed in for so long is no known place any more."""


def forget_expired() -> None:
    """Remove sessions whose tokens or cookies hold no longer, and networks of long ago.

    An ended session of the API stays until its refresh token has run out: who uses that is a thief.
    """
    now = timezone.now()
    ApiSession.objects.filter(expires_at__lt=now).delete()
    KnownNetwork.objects.filter(last_at__lt=now - NETWORKS_KEPT).delete()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
