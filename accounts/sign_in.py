"""Signing in with e-mail address and password."""

from django.contrib.auth import authenticate
from django.utils.translation import gettext as _

from accounts import guesses, one_time, tokens
from accounts.models import User
from accounts.tokens import Tokens
from dubber.errors import PermissionRefused, UserError


def person_with(email: str, password: str, *, address: str) -> User:
    """Whose e-mail address and password these are.

    Raises UserError authentication_required, and TooMany to who guesses.
    """
    attempt = guesses.begin(email, address)
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        raise UserError(
            "authentication_required",
            _("No account has this e-mail address and password. Check both and try again."),
            status=401,
        )
    guesses.was_right(attempt, user)
    return user


def tokens_for(email: str, password: str, *, code: str, address: str) -> Tokens:
    """Sign a program in. Raises UserError otp_required, PermissionRefused to staff."""
    user = person_with(email, password, address=address)
    if user.is_staff or one_time.is_set_up(user):
        require_code(user, code, address=address)
    if user.is_staff:
        raise PermissionRefused(_("Staff sign in on the pages: their accounts get no tokens."))
    return tokens.open_session(user)


def require_code(user: User, code: str, *, address: str) -> None:
    """Use up a one-time code. Raises UserError otp_required without a right one."""
    if code and one_time.is_set_up(user) and _accepted(user, code, address):
        return
    raise UserError("otp_required", _("Enter the code that your app shows now."), status=401)


def confirm_codes(user: User, code: str, *, address: str) -> None:
    """Accept the first code of an app. Raises UserError otp_required when it is wrong."""
    if not _accepted(user, code, address):
        raise UserError(
            "otp_required", _("This is not the code that your app shows now."), status=401
        )


def _accepted(user: User, code: str, address: str) -> bool:
    attempt = guesses.begin(user.email, address)
    right = one_time.accept(user, code)
    if right:
        guesses.was_right(attempt, user)
    return right
