"""What every page of dubbing needs: who asks, and a service's refusal shown on the page."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.http import HttpRequest

from accounts.models import User
from dubber.errors import UserError


def user_of(request: HttpRequest) -> User:
    """The person signed in; for views behind `login_required` only."""
    return cast("User", request.user)


def done(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Do it; where it is refused, the page says why."""
    try:
        act()
    except UserError as error:
        messages.error(request, error.message)
        return False
    return True
