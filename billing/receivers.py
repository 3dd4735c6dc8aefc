"""What Stripe's messages mean to us. dj-stripe has verified and kept them before.

A message is a snapshot that may be old, doubled or out of turn; what is called here can bear that.
dj-stripe calls it inside the message's transaction: an error undoes all of it, and Stripe sends the
message again.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q
from djstripe.models import Event
from djstripe.signals import WEBHOOK_SIGNALS

from billing.gateway import Payment, payment_of, repayment_of
from billing.models import Purchase
from billing.purchases import close_unpaid, settle_at_stripe, settle_purchase
from billing.refunds import note_dispute, note_refund


def on_payment(event: Event, **_: Any) -> None:
    """Settle the purchase that was paid, or never will be."""
    settle_purchase(payment_of(event.data["object"]))


def on_checkout(event: Event, **_: Any) -> None:
    """Settle the purchase that was paid on Stripe's own page."""
    page = event.data["object"]
    if page["payment_status"] == "paid":
        settle_purchase(
            Payment(
                intent=page["payment_intent"],
                status="succeeded",
                cents=page["amount_total"],
                currency=page["currency"],
                live=page["livemode"],
                customer=page["customer"] or "",
                purchase=page["metadata"].get("purchase", ""),
            )
        )


def on_expiry(event: Event, **_: Any) -> None:
    """Cancel the purchase whose page at Stripe can't be used any more."""
    session = event.data["object"]["id"]
    for purchase in Purchase.objects.filter(checkout_session_id=session):
        close_unpaid(purchase)


def on_refund(event: Event, **_: Any) -> None:
    """Take the credits of a refund made in Stripe, or finish one of ours."""
    made = repayment_of(event.data["object"])
    settle_at_stripe(made.intent)
    note_refund(made)


def on_dispute(event: Event, **_: Any) -> None:
    """Let no job start while a payment is disputed, and take its credits if it is lost."""
    dispute = event.data["object"]
    intent = dispute["payment_intent"] or ""
    settle_at_stripe(intent)
    note_dispute(
        dispute_id=dispute["id"],
        intent=intent,
        cents=dispute["amount"],
        status=dispute["status"],
    )


def on_charge(event: Event, **_: Any) -> None:
    """Remember where Stripe keeps the receipt."""
    charge = event.data["object"]
    if not charge["payment_intent"] or not charge["receipt_url"]:
        return
    paid = Q(stripe_payment_intent_id=charge["payment_intent"])
    with suppress(ValueError):  # the payment may not be known yet; the charge names its purchase
        paid |= Q(pk=UUID(charge["metadata"].get("purchase", "")))
    Purchase.objects.filter(paid).update(receipt_url=charge["receipt_url"])


RECEIVERS: Mapping[str, Callable[..., None]] = {
    "payment_intent.succeeded": on_payment,
    "payment_intent.canceled": on_payment,
    "checkout.session.completed": on_checkout,
    "checkout.session.async_payment_succeeded": on_checkout,
    "checkout.session.expired": on_expiry,
    "refund.created": on_refund,
    "refund.updated": on_refund,
    "refund.failed": on_refund,
    "charge.dispute.created": on_dispute,
    "charge.dispute.updated": on_dispute,
    "charge.dispute.closed": on_dispute,
    "charge.succeeded": on_charge,
    "charge.updated": on_charge,
}
"""Every message that we ask Stripe for, and who listens to it."""


def connect() -> None:
    """Let dj-stripe call our receivers."""
    for name, receiver in RECEIVERS.items():
        WEBHOOK_SIGNALS[name].connect(receiver, sender=Event, dispatch_uid=f"dubber {name}")
