"""Money that goes back: by our staff, in Stripe itself, or by a lost dispute.

The credits go first and the money after, so that nobody spends what is on its way back. A refund is
a row before Stripe is asked: whatever dies in between, the reconciler asks again, and the same row
sends money once.
"""

import logging
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from billing import gateway, ledger
from billing.gateway import RefusedByStripe, Repayment
from billing.models import Dispute, Purchase, PurchaseRefund
from billing.queries import unspent_of
from billing.services import renew_plan
from billing.states import DISPUTE_NEXT, REFUND_NEXT, DisputeStatus, PurchaseStatus, RefundStatus
from dubber.errors import Conflict, PermissionRefused, UserError

log = logging.getLogger(__name__)
audit = logging.getLogger("audit")

STATUS: Mapping[str, RefundStatus] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
"""Stripe's status of a refund in our words."""

DISPUTES: Mapping[str, DisputeStatus] = {
    "won": DisputeStatus.WON,
    "warning_closed": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
"""Stripe's final status of a dispute in our words; every other one is open."""


def refund_purchase(
    purchase: Purchase, *, credits: int | None, reason: str, by: User
) -> PurchaseRefund:
    """Send back the price of credits that are unspent: so many, or all of them (None).

    Raises UserError validation_error for more than are unspent, Conflict where nothing is.
    """
    refund = _ask_for_refund(purchase, credits=credits, reason=reason, by=by)
    return carry_out(refund)


def carry_out(refund: PurchaseRefund) -> PurchaseRefund:
    """Let Stripe send the money of a refund that was asked for; safe to repeat."""
    try:
        made = gateway.send_back(refund)
    except RefusedByStripe as error:
        log.error("Stripe refused refund %s: %s", refund.pk, error.why)
        _fail(refund)
        raise
    return note_refund(made) or refund


def note_refund(made: Repayment) -> PurchaseRefund | None:
    """Write down what Stripe says of a refund, whoever made it and however often it is told.

    None where it is of none of our purchases.
    """
    with transaction.atomic():
        purchase = (
            Purchase.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(stripe_payment_intent_id=made.intent)
            .first()
        )
        if purchase is None:
            return None
        status = STATUS[made.status]
        refund = _known(purchase, made) or _made_elsewhere(purchase, made, status)
        if status in REFUND_NEXT[RefundStatus(refund.status)]:
            refund.move_to(status, stripe_refund_id=made.id)
            if status == RefundStatus.FAILED:
                _undo(purchase, refund)
        return refund


def note_dispute(*, dispute_id: str, intent: str, cents: int, status: str) -> Dispute | None:
    """Write down what Stripe says of a dispute. A lost one takes the credits back.

    None where it is of none of our purchases.
    """
    with transaction.atomic():
        purchase = (
            Purchase.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(stripe_payment_intent_id=intent)
            .first()
        )
        if purchase is None:
            return None
        ledger.lock(purchase.user)  # a job that is being created decides before or after, not while
        dispute, _made = Dispute.objects.get_or_create(
            stripe_dispute_id=dispute_id, defaults={"purchase": purchase, "cents": cents}
        )
        now = DISPUTES.get(status, DisputeStatus.OPEN)
        if now in DISPUTE_NEXT[DisputeStatus(dispute.status)]:
            told = _("Payment taken back by the bank")
            credits = _take(purchase, cents, dispute.reference, told) if now == "lost" else 0
            dispute.move_to(now, credits=credits)
        return dispute


def refundable(purchase: Purchase) -> int:
    """How many credits of a purchase staff may refund: those that are unspent."""
    if purchase.status != PurchaseStatus.PAID:
        return 0
    return unspent_of(purchase.user).get(purchase.reference, 0)


def cents_for(purchase: Purchase, credits: int) -> int:
    """What so many more credits of a purchase are worth, so that all of them are its price."""
    credits_after = purchase.returned_credits + credits
    after = purchase.amount_cents * credits_after // purchase.credits
    return max(after - purchase.returned_cents, 0)


@transaction.atomic
def _ask_for_refund(
    purchase: Purchase, *, credits: int | None, reason: str, by: User
) -> PurchaseRefund:
    if not by.is_staff:
        raise PermissionRefused
    gateway.require_enabled()
    purchase = Purchase.objects.select_for_update(of=("self",)).get(pk=purchase.pk)
    ledger.lock(purchase.user)
    most = refundable(purchase)
    if most == 0:
        raise Conflict(_("None of these credits are unspent, so nothing can be refunded."))
    wanted = most if credits is None else credits
    cents = cents_for(purchase, wanted)
    if not 0 < wanted <= most or not cents:
        raise UserError(
            "validation_error",
            _("Between 1 and %(most)d credits of this purchase can be refunded.") % {"most": most},
            field="credits",
        )
    refund = PurchaseRefund.objects.create(
        purchase=purchase, cents=cents, credits=wanted, reason=reason, by=by
    )
    told, reference = _("Payment refunded"), refund.reference
    _return(purchase, cents=cents, credits=wanted, reference=reference, description=told, by=by)
    audit.info("refund: %s cents of %s by %s", cents, purchase.pk, by.pk)
    return refund


def _known(purchase: Purchase, made: Repayment) -> PurchaseRefund | None:
    """Our row of a refund: by Stripe's id, or by ours, which Stripe keeps with it."""
    rows = {str(row.pk): row for row in purchase.refunds.select_for_update(of=("self",))}
    by_id = {row.stripe_refund_id: row for row in rows.values()}
    return by_id.get(made.id) or rows.get(made.refund)


def _made_elsewhere(purchase: Purchase, made: Repayment, status: RefundStatus) -> PurchaseRefund:
    """Write a refund that somebody made in Stripe itself, and take its credits."""
    failed = status == RefundStatus.FAILED
    refund = PurchaseRefund(
        purchase=purchase,
        cents=made.cents,
        credits=0,
        status=status,
        stripe_refund_id=made.id,
        reason="Made in Stripe",
    )
    if not failed:
        refund.credits = _take(purchase, made.cents, refund.reference, _("Payment refunded"))
    refund.save(force_insert=True)
    return refund


def _take(purchase: Purchase, cents: int, reference: str, description: str) -> int:
    """Take the credits that so many cents of a purchase bought; how many they were."""
    cents = min(cents, purchase.amount_cents - purchase.returned_cents)
    after = purchase.credits * (purchase.returned_cents + cents) // purchase.amount_cents
    # A quarantined payment brought no credits that could be taken.
    credits = max(after - purchase.returned_credits, 0) if purchase.paid_at else 0
    _return(purchase, cents=cents, credits=credits, reference=reference, description=description)
    return credits


def _return(
    purchase: Purchase,
    *,
    cents: int,
    credits: int,
    reference: str,
    description: str,
    by: User | None = None,
) -> None:
    """Take credits from the person, and count them and their cents as returned."""
    if credits:
        ledger.take_back(
            purchase.user,
            credits=credits,
            reference=reference,
            description=description,
            by=by,
        )
    _count(purchase, cents=cents, credits=credits)


def _count(purchase: Purchase, *, cents: int, credits: int) -> None:
    """Add to what was returned, and let status and plan follow; the purchase is locked."""
    purchase.returned_cents += cents
    purchase.returned_credits += credits
    Purchase.objects.filter(pk=purchase.pk).update(
        returned_cents=purchase.returned_cents,
        returned_credits=purchase.returned_credits,
        updated_at=Now(),
    )
    target = _status(purchase)
    if target != purchase.status:
        purchase.move_to(target)
    renew_plan(purchase.user)


def _status(purchase: Purchase) -> PurchaseStatus:
    """What a purchase is that so much was returned of."""
    if purchase.paid_at is None:  # never credited: whatever goes back of it ends the doubt
        return PurchaseStatus.REFUNDED if purchase.returned_cents else PurchaseStatus.QUARANTINED
    whole = purchase.returned_cents == purchase.amount_cents
    return PurchaseStatus.REFUNDED if whole else PurchaseStatus.PAID


@transaction.atomic
def _fail(refund: PurchaseRefund) -> None:
    purchase = Purchase.objects.select_for_update(of=("self",)).get(pk=refund.purchase_id)
    refund = PurchaseRefund.objects.select_for_update().get(pk=refund.pk)
    if refund.status == RefundStatus.ASKED:
        refund.move_to(RefundStatus.FAILED)
        _undo(purchase, refund)


def _undo(purchase: Purchase, refund: PurchaseRefund) -> None:
    """Give credits back whose money did not go back after all."""
    if refund.credits:
        ledger.give_back(
            purchase.user,
            credits=refund.credits,
            reference=f"{refund.reference}:failed",
            description=_("Refund of a payment failed"),
        )
    _count(purchase, cents=-refund.cents, credits=-refund.credits)
    _take_for_the_bank(purchase, refund)


def _take_for_the_bank(purchase: Purchase, failed: PurchaseRefund) -> None:
    """Take what a lost dispute left to a refund, now that this refund failed."""
    lost = list(purchase.disputes.filter(status=DisputeStatus.LOST))
    live = purchase.refunds.exclude(status=RefundStatus.FAILED)
    gone = sum(one.cents for one in lost) + sum(one.cents for one in live)
    due = min(gone, purchase.amount_cents) - purchase.returned_cents
    if not lost or due <= 0:
        return
    reference, told = f"{lost[0].reference}:{failed.pk}", _("Payment taken back by the bank")
    credits = _take(purchase, due, reference, told)
    purchase.disputes.filter(pk=lost[0].pk).update(credits=F("credits") + credits, updated_at=Now())
