"""Stripe, in our words: every call to it that we make ourselves.

Source: https://docs.stripe.com/api, version `settings.STRIPE_API_VERSION`. Amounts, currency and
plan come from our rows; what Stripe says is only compared with them. Customers and webhooks go
through dj-stripe, which keeps copies of Stripe's objects.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import stripe
from django.conf import settings
from django.utils.translation import gettext as _
from djstripe.models import Customer

from accounts.models import User
from billing.models import Purchase, PurchaseRefund
from dubber.errors import Conflict, NotFound, UserError

TIMEOUT_SECONDS = 20
RETRIES = 2

Answer = TypeVar("Answer")


class NotAtStripe(NotFound):
    """Stripe has no such object, or it belongs to the other mode."""

    def __init__(self) -> None:
        super().__init__("payment")


class RefusedByStripe(Conflict):
    """Stripe understood and said no, for a reason of its own; trying again can't help."""

    def __init__(self, why: str) -> None:
        super().__init__(
            _("Our payment service refused this: %(why)s.") % {"why": why}, stripe_code=why
        )
        self.why = why


@dataclass(frozen=True, slots=True)
class Payment:
    """What Stripe says of one payment. purchase is the id that we gave it, as text.

    cents is what arrived, or what is asked for as long as nothing did. problem is the last reason
    why it failed, in Stripe's code.
    """

    intent: str
    status: str
    cents: int
    currency: str
    live: bool
    customer: str
    purchase: str
    problem: str = ""

    @property
    def arrived(self) -> bool:
        """Say whether the money is there."""
        return self.status == "succeeded"

    @property
    def coming(self) -> bool:
        """Say whether a bank is still working on it."""
        return self.status == "processing"


@dataclass(frozen=True, slots=True)
class Repayment:
    """What Stripe says of one refund. refund is the id of our row, empty if it isn't ours."""

    id: str
    intent: str
    status: str
    cents: int
    refund: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """What Stripe says of one Checkout page. intent is empty until somebody pays there."""

    id: str
    url: str
    status: str
    intent: str


def is_enabled() -> bool:
    """Say whether anything can be bought here."""
    return bool(settings.STRIPE_SECRET_KEY)


def require_enabled() -> None:
    """Raise UserError buying_off where there are no Stripe keys."""
    if not is_enabled():
        raise UserError(
            "buying_off", _("Buying credits is off on this site. Ask its owner."), status=503
        )


def customer_of(user: User) -> str:
    """The id of the person's customer at Stripe, made on the first call."""
    live = settings.STRIPE_LIVE_MODE
    customer, _made = _ask(lambda: Customer.get_or_create(subscriber=user, livemode=live))
    return str(customer.id)


def create_intent(purchase: Purchase) -> tuple[str, str]:
    """Ask for a payment; its id and the secret with which the customer's browser pays.

    The same purchase asks for the same payment, however often this is called.
    """
    made = _read(
        lambda api: api.payment_intents.create(
            {
                "amount": purchase.amount_cents,
                "currency": purchase.currency,
                "customer": purchase.customer,
                "metadata": _metadata(purchase),
                "automatic_payment_methods": {"enabled": True},
                "description": _title(purchase),
            },
            {"idempotency_key": f"intent-{purchase.pk}"},
        )
    )
    return str(made["id"]), str(made["client_secret"])


def create_checkout(purchase: Purchase, *, done: str, cancelled: str) -> Checkout:
    """Make a page at Stripe on which the customer pays; it leads back to one of two addresses."""
    made = _read(
        lambda api: api.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": purchase.customer,
                "client_reference_id": str(purchase.pk),
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": purchase.currency,
                            "unit_amount": purchase.amount_cents,
                            "product_data": {"name": _title(purchase)},
                        },
                    }
                ],
                "metadata": _metadata(purchase),
                "payment_intent_data": {"metadata": _metadata(purchase)},
                "success_url": done,
                "cancel_url": cancelled,
            },
            {"idempotency_key": f"checkout-{purchase.pk}"},
        )
    )
    return _checkout(made)


def find_payment(intent: str) -> Payment:
    """Look at one payment. Raises NotAtStripe."""
    return payment_of(_read(lambda api: api.payment_intents.retrieve(intent)))


def find_checkout(session: str) -> Checkout:
    """Look at one Checkout page. Raises NotAtStripe."""
    return _checkout(_read(lambda api: api.checkout.sessions.retrieve(session)))


def find_receipt(intent: str) -> str:
    """The address of the receipt that Stripe wrote for a payment, empty if there is none."""
    found = _read(lambda api: api.payment_intents.retrieve(intent, {"expand": ["latest_charge"]}))
    charge = found["latest_charge"]
    return str(charge["receipt_url"] or "") if charge else ""


def cancel(purchase: Purchase) -> None:
    """Let a purchase that nobody paid be paid no more. Raises RefusedByStripe if it was paid."""
    session, intent = purchase.checkout_session_id, purchase.stripe_payment_intent_id
    if session:
        _read(lambda api: api.checkout.sessions.expire(session))
    elif intent:
        _read(lambda api: api.payment_intents.cancel(intent))


def send_back(refund: PurchaseRefund) -> Repayment:
    """Send money back; the same row sends it once. Raises RefusedByStripe."""
    intent = str(refund.purchase.stripe_payment_intent_id)
    for earlier in find_repayments(intent):
        if earlier.refund == str(refund.pk):
            return earlier  # Stripe forgets idempotency keys after a day, but not its refunds
    made = _read(
        lambda api: api.refunds.create(
            {
                "payment_intent": intent,
                "amount": refund.cents,
                "metadata": {"refund": str(refund.pk)},
            },
            {"idempotency_key": f"refund-{refund.pk}"},
        )
    )
    return repayment_of(made)


def find_repayments(intent: str) -> list[Repayment]:
    """Every refund of one payment, whoever made it."""
    listed = _read(lambda api: api.refunds.list({"payment_intent": intent, "limit": 100}))
    return [repayment_of(one) for one in listed["data"]]


def create_webhook(address: str, *, events: Sequence[str], uuid: UUID) -> dict[str, Any]:
    """Ask for messages about those events; Stripe tells the webhook's secret only here."""
    wanted: Any = {
        "url": address,
        "enabled_events": list(events),
        "api_version": settings.STRIPE_API_VERSION,
        "metadata": {"djstripe_uuid": str(uuid)},
    }
    options: Any = {"idempotency_key": f"webhook-{uuid}"}
    return _read(lambda api: api.webhook_endpoints.create(wanted, options))


def has_webhook(endpoint: str) -> bool:
    """Say whether Stripe still knows that webhook."""
    try:
        _read(lambda api: api.webhook_endpoints.retrieve(endpoint))
    except NotAtStripe:
        return False
    return True


def payment_of(found: Mapping[str, Any]) -> Payment:
    """Read a payment intent, fetched or out of a signed message."""
    error = found.get("last_payment_error") or {}
    arrived = found["status"] == "succeeded"
    return Payment(
        intent=found["id"],
        status=found["status"],
        cents=found["amount_received"] if arrived else found["amount"],
        currency=found["currency"],
        live=found["livemode"],
        customer=_id(found.get("customer")),
        purchase=(found.get("metadata") or {}).get("purchase", ""),
        problem=error.get("decline_code") or error.get("code") or "",
    )


def repayment_of(found: Mapping[str, Any]) -> Repayment:
    """Read a refund, fetched or out of a signed message."""
    return Repayment(
        id=found["id"],
        intent=_id(found.get("payment_intent")),
        status=found["status"],
        cents=found["amount"],
        refund=(found.get("metadata") or {}).get("refund", ""),
    )


def _checkout(found: Mapping[str, Any]) -> Checkout:
    return Checkout(
        id=found["id"],
        url=found.get("url") or "",
        status=found["status"],
        intent=_id(found.get("payment_intent")),
    )


def _id(value: Any) -> str:
    """The id of an object that Stripe may have put in whole, by id, or not at all."""
    return value if isinstance(value, str) else str(value["id"]) if value else ""


def _metadata(purchase: Purchase) -> dict[str, str]:
    return {"purchase": str(purchase.pk)}


def _title(purchase: Purchase) -> str:
    return f"Dubber {purchase.plan.capitalize()}: {purchase.credits} credits"


def _client() -> stripe.V1Services:
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": stripe.api_base},
        max_network_retries=stripe.max_network_retries,
        http_client=stripe.default_http_client,
    ).v1


def _read(call: Callable[[stripe.V1Services], stripe.StripeObject]) -> dict[str, Any]:
    """Call Stripe, and give its answer as plain values. Raises as `_ask` does."""
    return _ask(lambda: call(_client()).to_dict())


def _ask(call: Callable[[], Answer]) -> Answer:
    """Call Stripe; what goes wrong there becomes one of three errors of ours."""
    try:
        return call()
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing" or error.http_status == 404:
            raise NotAtStripe from error
        raise RefusedByStripe(error.code or "invalid_request") from error
    except stripe.CardError as error:
        raise RefusedByStripe(error.code or "card_error") from error
    except stripe.StripeError as error:
        raise UserError(
            "service_busy",
            _("Our payment service doesn't answer. Nothing was charged; try again in a minute."),
            status=503,
            retry_after=60,
        ) from error
