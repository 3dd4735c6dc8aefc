"""Buying on a page at Stripe: the way there, and what became of it on the way back."""

from collections.abc import Callable
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from billing import gateway
from billing.gateway import NotAtStripe
from billing.models import Purchase
from billing.plans import Plan
from billing.problems import STATES
from billing.purchases import (
    Confirmation,
    close_unpaid,
    confirmation_of,
    open_purchase,
    purchase_of,
    settle_purchase,
)
from billing.states import PurchaseStatus
from dubber.errors import UserError
from dubber.rate_limits import count

LOOKS_A_MINUTE = 20
"""How often one purchase's page may make us ask Stripe."""


def send_to_checkout(
    user: User, *, plan: Plan, back: Callable[[Purchase], str], reference: str | None = None
) -> tuple[Purchase, str]:
    """Open a purchase that is paid on a page at Stripe; the address to go to.

    `back` gives the address to which that page leads back. The same reference (a SHA-256 in hex) is
    one purchase; where that can't be paid any more, the address is that of the way back.
    """
    purchase = open_purchase(user, plan=plan, reference=reference)
    if purchase.status != PurchaseStatus.OPEN:
        return purchase, back(purchase)
    if purchase.checkout_session_id:
        return purchase, find_page(purchase) or back(purchase)
    address = back(purchase)
    page = gateway.create_checkout(purchase, done=address, cancelled=address)
    Purchase.objects.filter(pk=purchase.pk).update(checkout_session_id=page.id)
    purchase.checkout_session_id = page.id
    return purchase, page.url


def find_page(purchase: Purchase) -> str:
    """The address at which an open purchase can be paid; empty where there is none."""
    if purchase.status != PurchaseStatus.OPEN or not purchase.checkout_session_id:
        return ""
    page = gateway.find_checkout(purchase.checkout_session_id)
    return page.url if page.status == "open" else ""


def go_on_paying(user: User, *, purchase_id: UUID) -> str:
    """The address at which a person can pay after all, empty if they can't. Raises NotFound."""
    gateway.require_enabled()
    return find_page(purchase_of(user, purchase_id))


def look_at_checkout(purchase: Purchase) -> Confirmation:
    """Look at Stripe what became of a Checkout page, and credit its payment if it arrived."""
    page = gateway.find_checkout(str(purchase.checkout_session_id))
    payment = gateway.find_payment(page.intent) if page.intent else None
    if payment:
        purchase = settle_purchase(payment) or purchase
    if page.status == "expired":
        purchase = close_unpaid(purchase)
    if payment or purchase.status != PurchaseStatus.OPEN:
        return confirmation_of(purchase, payment)
    return Confirmation(purchase, 0, str(STATES["requires_payment_method"]))


def look_at_purchase(user: User, *, purchase_id: UUID) -> Confirmation:
    """See what became of a purchase of this person; Stripe is asked for as long as it is open.

    Raises NotFound. Where Stripe doesn't answer, the payment counts as still coming.
    """
    purchase = purchase_of(user, purchase_id)
    if purchase.status != PurchaseStatus.OPEN:
        return confirmation_of(purchase)
    if not gateway.is_enabled() or _asked_too_often(purchase):
        return Confirmation(purchase, 0, str(STATES["processing"]), coming=True)
    try:
        if purchase.checkout_session_id:
            return look_at_checkout(purchase)
        payment = gateway.find_payment(str(purchase.stripe_payment_intent_id))
        return confirmation_of(settle_purchase(payment) or purchase, payment)
    except NotAtStripe:
        return Confirmation(purchase, 0, str(STATES["requires_payment_method"]))
    except UserError:
        message = _(
            "Our payment service doesn't answer now. If you paid, your credits come by themselves."
        )
        return Confirmation(purchase, 0, message, coming=True)


def _asked_too_often(purchase: Purchase) -> bool:
    return count(f"purchase:{purchase.pk}", most=LOOKS_A_MINUTE, seconds=60).exceeded
