"""The account that tries everything on a developer's machine."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from dubber.errors import UserError


@transaction.atomic
def ensure_demo_user() -> User:
    """Create the demo user, or give it the password of the settings again.

    Raises UserError unless debug is on and a password is set.
    """
    if not settings.DEBUG:
        raise UserError("demo_refused", "The demo user exists only with DEBUG on.", status=403)
    if not settings.DEMO_PASSWORD:
        raise UserError("demo_refused", "Set DUBBER_DEMO_PASSWORD first, or run make setup.")
    user = User.objects.select_for_update().filter(email=settings.DEMO_EMAIL).first()
    user = user or User(email=settings.DEMO_EMAIL)
    if not user.check_password(settings.DEMO_PASSWORD):
        user.set_password(settings.DEMO_PASSWORD)
    user.is_active = True
    user.email_verified_at = user.email_verified_at or timezone.now()
    user.save()
    return user
