"""Whether a person may start work: nothing disputed, nothing frozen, the account not closed."""

from django.utils.translation import gettext as _

from accounts.models import User
from billing import ledger
from billing.queries import has_open_dispute
from dubber.errors import PermissionRefused


def require_good_standing(user: User) -> None:
    """Make sure, until the caller's transaction ends, that this person may start work.

    What is owed needs no look here: with it the balance is empty, and the ledger says so.
    Raises PermissionRefused.
    """
    row = ledger.lock(user)
    if row.closed_at is not None:
        raise PermissionRefused(_("This account is closed."), reason="account_closed")
    if row.frozen:
        raise PermissionRefused(
            _("Your account is on hold. Write to us, and we will sort it out."), reason="frozen"
        )
    if has_open_dispute(user):
        raise PermissionRefused(
            _("Your bank questions one of your payments. New dubs can start once that is settled."),
            reason="dispute_open",
        )
