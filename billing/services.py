"""What billing does for a person besides selling: plans, presents, holds, and the end."""

import logging

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.api_keys import revoke_keys
from accounts.models import User
from billing import copies, ledger, persons
from billing.models import CreditTransaction, KnownPerson, Purchase, UserCredits
from billing.plans import PLANS, PROFESSIONAL, STARTER, better
from billing.queries import has_open_dispute, starter_reference
from billing.standing import require_good_standing
from billing.states import PurchaseStatus
from dubber.errors import Conflict, PermissionRefused

audit = logging.getLogger("audit")

DEMO_CREDITS = 1000


@transaction.atomic
def set_plan(user: User, *, plan: str) -> None:
    """Give a person the limits of a plan. Raises KeyError for a plan that isn't one."""
    ledger.lock(user)
    _write_plan(user, granted_plan=PLANS[plan].id)


@transaction.atomic
def renew_plan(user: User) -> None:
    """Give a person the best of what they were given and what they paid, after a change of it."""
    ledger.lock(user)
    _write_plan(user)


@transaction.atomic
def prepare_demo_account(user: User) -> None:
    """Give the demo user the Professional plan, and once 1,000 credits."""
    set_plan(user, plan=PROFESSIONAL.id)
    ledger.grant(
        user,
        credits=DEMO_CREDITS,
        reference=f"demo-grant:{user.pk}",
        reason="Credits of the demo account",
        by=None,
    )


def grant_starter(user: User) -> CreditTransaction:
    """Give a newcomer the free pack, once per person, whatever account they ask from.

    Raises Conflict the second time, PermissionRefused for an account on hold or not verified.
    """
    if not user.is_verified:
        raise PermissionRefused(_("Verify your e-mail address first."), code="email_unverified")
    try:
        with transaction.atomic():
            require_good_standing(user)
            # The unique marks decide between two requests at once, also from two accounts.
            KnownPerson.objects.bulk_create(persons.marks_of(user))
            return ledger.grant(
                user,
                credits=STARTER.credits,
                reference=starter_reference(user),
                reason="Starter pack",
                by=None,
            )
    except IntegrityError as error:
        raise Conflict(_("You have had your free Starter pack already.")) from error


@transaction.atomic
def grant_credits(
    user: User, *, credits: int, reason: str, by: User, reference: str
) -> CreditTransaction:
    """Let a member of staff give credits. The same reference is one grant."""
    if not by.is_staff:
        raise PermissionRefused
    entry = ledger.grant(user, credits=credits, reference=reference, reason=reason, by=by)
    audit.info("grant: %s credits to %s by %s (%s)", credits, user.pk, by.pk, reference)
    return entry


@transaction.atomic
def freeze(user: User, *, reason: str, by: User) -> None:
    """Let no job of this person start until `unfreeze`. What runs goes on."""
    _hold(user, reason=reason, by=by)
    audit.info("freeze: %s by %s", user.pk, by.pk)


@transaction.atomic
def unfreeze(user: User, *, by: User) -> None:
    """Let a person start jobs again."""
    _hold(user, reason="", by=by)
    audit.info("unfreeze: %s by %s", user.pk, by.pk)


@transaction.atomic
def close_account(user: User) -> int:
    """Forfeit what is unspent, and remember by hashes that this person was here.

    To be called while the address is still known. A later payment is quarantined. Returns the
    credits that were forfeited; the second time none.
    Raises Conflict while a payment is disputed.
    """
    row = ledger.lock(user)
    if row.closed_at is not None:
        return 0
    if has_open_dispute(user):
        raise Conflict(
            _("Your bank questions one of your payments. Delete the account once that is settled.")
        )
    if CreditTransaction.objects.filter(reference=starter_reference(user)).exists():
        marks = persons.marks_of(user)
        KnownPerson.objects.bulk_create(marks, ignore_conflicts=True)
    if row.balance:
        ledger.take_back(
            user,
            credits=row.balance,
            reference=f"closed:{user.pk}",
            description=_("Account deleted"),
        )
    UserCredits.objects.filter(user=user).update(closed_at=timezone.now())
    copies.forget_customer(user)
    return row.balance


def _hold(user: User, *, reason: str, by: User) -> None:
    if not by.is_staff:
        raise PermissionRefused
    ledger.lock(user)
    UserCredits.objects.filter(user=user).update(frozen=reason, updated_at=timezone.now())


def _write_plan(user: User, **columns: str) -> None:
    row = UserCredits.objects.get(user=user)
    granted = columns.get("granted_plan", row.granted_plan)
    paid = Purchase.objects.filter(user=user, status=PurchaseStatus.PAID)
    best = better([granted, *paid.values_list("plan", flat=True)])
    UserCredits.objects.filter(user=user).update(
        plan=best, granted_plan=granted, updated_at=timezone.now()
    )
    if not PLANS[best].limits.api_keys:
        revoke_keys(user)
