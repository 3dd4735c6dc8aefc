"""Closes what no message of Stripe's ever told: every few minutes, and by command.

Everything here may run twice at once and die anywhere. One purchase or refund that can't be looked
at is logged and tried again the next time; the others go on.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from billing import copies, gateway
from billing.checkout import look_at_checkout
from billing.gateway import NotAtStripe, RefusedByStripe
from billing.models import Purchase, PurchaseRefund
from billing.purchases import close_unpaid, settle_purchase
from billing.refunds import carry_out, note_refund
from billing.states import PurchaseStatus, RefundStatus
from dubber.errors import UserError

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=2)
"""How long the other roads get before we look ourselves."""

ABANDONED = timedelta(hours=24)
"""After that long an unpaid purchase is cancelled at Stripe, so that it can't be paid any more."""

RECEIPTS_FOR = timedelta(days=2)
MOST_AT_ONCE = 200

Row = TypeVar("Row", Purchase, PurchaseRefund)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows one run looked at, and how many it couldn't."""

    purchases: int
    refunds: int
    pruned: int
    failures: int


def run() -> Tally:
    """Settle open purchases, finish refunds, fetch receipts and prune old messages."""
    pruned = copies.prune()
    if not gateway.is_enabled():
        return Tally(0, 0, pruned, 0)
    before = timezone.now() - PATIENCE
    purchases = Purchase.objects.filter(status=PurchaseStatus.OPEN, created_at__lt=before)
    refunds = PurchaseRefund.objects.filter(
        status__in=[RefundStatus.ASKED, RefundStatus.PENDING], updated_at__lt=before
    ).select_related("purchase")
    failures = _each(_longest_unseen(purchases), settle_open)
    failures += _each(_longest_unseen(refunds), finish_refund)
    failures += _each(_without_receipt(), fetch_receipt)
    return Tally(purchases.count(), refunds.count(), pruned, failures)


def settle_open(purchase: Purchase) -> None:
    """Look at Stripe what became of an open purchase."""
    old = purchase.created_at < timezone.now() - ABANDONED
    coming = False
    try:
        if purchase.checkout_session_id:
            found = look_at_checkout(purchase)
            purchase, coming = found.purchase, found.coming
        elif purchase.stripe_payment_intent_id:
            payment = gateway.find_payment(purchase.stripe_payment_intent_id)
            purchase, coming = settle_purchase(payment) or purchase, payment.coming
        if old and purchase.status == PurchaseStatus.OPEN and not coming:
            gateway.cancel(purchase)
            close_unpaid(purchase)
    except NotAtStripe:  # nobody can pay what Stripe doesn't know
        close_unpaid(purchase)


def finish_refund(refund: PurchaseRefund) -> None:
    """Ask again for a refund that Stripe may never have heard of, and see how it stands."""
    if refund.status == RefundStatus.ASKED:
        with suppress(RefusedByStripe):  # then it has failed, and its credits are back
            carry_out(refund)
        return
    for made in gateway.find_repayments(str(refund.purchase.stripe_payment_intent_id)):
        note_refund(made)


def fetch_receipt(purchase: Purchase) -> None:
    """Remember where Stripe keeps the receipt of a payment."""
    address = gateway.find_receipt(str(purchase.stripe_payment_intent_id))
    Purchase.objects.filter(pk=purchase.pk).update(receipt_url=address)


def _without_receipt() -> Iterable[Purchase]:
    return _longest_unseen(
        Purchase.objects.filter(
            status=PurchaseStatus.PAID,
            receipt_url="",
            paid_at__gt=timezone.now() - RECEIPTS_FOR,
        )
    )


def _longest_unseen(rows: QuerySet[Row]) -> list[Row]:
    """Some rows, those first at which nobody looked for longest, and a note of this look."""
    found = list(rows.order_by("updated_at", "created_at")[:MOST_AT_ONCE])
    rows.model._base_manager.filter(pk__in=[row.pk for row in found]).update(updated_at=Now())
    return found


def _each(rows: Iterable[Row], work: Callable[[Row], None]) -> int:
    """Work on every row; how many were impossible."""
    failures = 0
    for row in rows:
        try:
            work(row)
        except UserError as error:
            failures += 1
            log.warning("%s %s is left for the next time: %r", type(row).__name__, row.pk, error)
    return failures
