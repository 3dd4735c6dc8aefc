"""The only writer of credits.

Every function adds one entry and moves the balance with it, in one transaction (the caller's, where
there is one). Every call has a reference and may safely be repeated: the second call returns the
first entry. A person's row is locked first, so that two calls at once stand in line; whether
credits suffice is then decided by one conditional UPDATE, and held by a CHECK.
"""

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from billing.models import CreditTransaction, UserCredits
from dubber.errors import Conflict, UserError

Kind = CreditTransaction.Kind


@transaction.atomic
def charge(user: User, *, credits: int, reference: str, description: str) -> CreditTransaction:
    """Take credits for work.

    Raises UserError insufficient_credits, Conflict when the reference stands for something else.
    """
    _above_zero(credits)
    lock(user)
    if earlier := _earlier(user, Kind.JOB_CONSUMPTION, reference, -credits):
        return earlier
    _take(user, credits)
    return _enter(user, Kind.JOB_CONSUMPTION, -credits, reference, description)


@transaction.atomic
def refund(
    user: User,
    *,
    credits: int,
    reference: str,
    description: str,
    reason: str = "",
    by: User | None = None,
) -> CreditTransaction:
    """Give back credits that were charged. Raises Conflict as `charge` does.

    `by` is the member of staff, None where a language wasn't delivered.
    """
    _above_zero(credits)
    return _come_in(user, Kind.REFUND, credits, reference, description, reason=reason, by=by)


@transaction.atomic
def bonus(user: User, *, credits: int, reference: str, description: str) -> CreditTransaction:
    """Give the bonus that a long job earned. Raises Conflict as `charge` does."""
    _above_zero(credits)
    return _come_in(user, Kind.BONUS, credits, reference, description)


@transaction.atomic
def grant(
    user: User, *, credits: int, reference: str, reason: str, by: User | None
) -> CreditTransaction:
    """Give credits as a present. `by` is the member of staff, None where a command did it.

    Raises Conflict as `charge` does.
    """
    _above_zero(credits)
    return _come_in(user, Kind.GRANT, credits, reference, _("Granted"), reason=reason, by=by)


@transaction.atomic
def purchase(user: User, *, credits: int, reference: str, description: str) -> CreditTransaction:
    """Give credits that were paid for. What is owed is paid first. Raises Conflict as `charge`."""
    _above_zero(credits)
    return _come_in(user, Kind.PURCHASE, credits, reference, description)


@transaction.atomic
def take_back(
    user: User,
    *,
    credits: int,
    reference: str,
    description: str,
    reason: str = "",
    by: User | None = None,
) -> CreditTransaction:
    """Take credits that are no longer the person's: what the balance holds, the rest is owed.

    Raises Conflict as `charge` does.
    """
    _above_zero(credits)
    lock(user)
    if earlier := _earlier(user, Kind.ADJUSTMENT, reference, -credits):
        return earlier
    UserCredits.objects.filter(user=user).update(
        balance=Greatest(F("balance") - credits, 0),
        owed=F("owed") + Greatest(Value(credits) - F("balance"), 0),
        updated_at=timezone.now(),
    )
    return _enter(user, Kind.ADJUSTMENT, -credits, reference, description, reason=reason, by=by)


@transaction.atomic
def give_back(user: User, *, credits: int, reference: str, description: str) -> CreditTransaction:
    """Undo a `take_back` that turned out to be wrong. Raises Conflict as `charge` does."""
    _above_zero(credits)
    return _come_in(user, Kind.ADJUSTMENT, credits, reference, description)


def lock(user: User) -> UserCredits:
    """The person's row, locked for the rest of the caller's transaction."""
    open_account(user)
    return UserCredits.objects.select_for_update().get(user=user)


@transaction.atomic
def require(user: User, *, credits: int) -> None:
    """Make sure, until the transaction ends, that `credits` can be charged, in several charges.

    Raises UserError insufficient_credits, with the whole sum in its details.
    """
    row = lock(user)
    if row.balance < credits:
        raise _insufficient(row, credits)


def open_account(user: User) -> UserCredits:
    """The person's row, made empty if there is none."""
    return UserCredits.objects.get_or_create(user=user)[0]


def _come_in(
    user: User,
    kind: Kind,
    credits: int,
    reference: str,
    description: str,
    *,
    reason: str = "",
    by: User | None = None,
) -> CreditTransaction:
    lock(user)
    if earlier := _earlier(user, kind, reference, credits):
        return earlier
    UserCredits.objects.filter(user=user).update(
        balance=F("balance") + Greatest(Value(credits) - F("owed"), 0),
        owed=Greatest(F("owed") - Value(credits), 0),
        updated_at=timezone.now(),
    )
    return _enter(user, kind, credits, reference, description, reason=reason, by=by)


def _earlier(user: User, kind: Kind, reference: str, amount: int) -> CreditTransaction | None:
    entry = CreditTransaction.objects.filter(kind=kind, reference=reference).first()
    if entry is not None and (entry.user_id, entry.amount) != (user.pk, amount):
        raise Conflict(_("This was already booked with another amount."))
    return entry


def _take(user: User, credits: int) -> None:
    taken = UserCredits.objects.filter(user=user, balance__gte=credits).update(
        balance=F("balance") - credits, updated_at=timezone.now()
    )
    if not taken:
        raise _insufficient(UserCredits.objects.get(user=user), credits)


def _enter(
    user: User,
    kind: Kind,
    amount: int,
    reference: str,
    description: str,
    *,
    reason: str = "",
    by: User | None = None,
) -> CreditTransaction:
    return CreditTransaction.objects.create(
        user=user,
        kind=kind,
        amount=amount,
        balance_after=UserCredits.objects.get(user=user).balance,
        reference=reference,
        description=description,
        reason=reason,
        by=by,
    )


def _above_zero(credits: int) -> None:
    if credits <= 0:
        raise ValueError(f"a ledger entry moves at least one credit, not {credits}")


def _insufficient(row: UserCredits, required: int) -> UserError:
    balance, shortfall = row.balance, required - row.balance + row.owed
    sentence = (
        ngettext(
            "This costs %(required)d credit, and you owe %(owed)d after a payment went back. "
            "Get %(shortfall)d.",
            "This costs %(required)d credits, and you owe %(owed)d after a payment went back. "
            "Get %(shortfall)d.",
            required,
        )
        if row.owed
        else ngettext(
            "This costs %(required)d credit and you have %(balance)d. Get %(shortfall)d more.",
            "This costs %(required)d credits and you have %(balance)d. Get %(shortfall)d more.",
            required,
        )
    )
    figures = {"required": required, "balance": balance, "shortfall": shortfall}
    return UserError(
        "insufficient_credits", sentence % {**figures, "owed": row.owed}, status=402, **figures
    )
