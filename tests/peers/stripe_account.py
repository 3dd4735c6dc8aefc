"""A Stripe account in memory: its objects, what they do to each other, and the events they cause.

Wire formats: https://docs.stripe.com/api, version 2026-05-27.dahlia.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

API_VERSION = "2026-05-27.dahlia"
Object = dict[str, Any]

DECLINES = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
}
"""Stripe's own test cards that are refused, with the error's code and the bank's."""

NEEDS_CONFIRMATION = "pm_card_authenticationRequired"
GOOD_CARD = "pm_card_visa"
SLOW = "pm_bankSlow"
"""Not a card of Stripe's: a bank that takes its time, as direct debits do."""


class Refusal(Exception):
    """An error as Stripe words it."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        self.status = status
        kind = "card_error" if status == 402 else "invalid_request_error"
        self.error = {"type": kind, "code": code, "message": message, **more}
        super().__init__(message)


@dataclass
class Account:
    """All objects by id, and the events in the order in which they happened.

    mark tells the ids of one account from those of all others.
    """

    url: str = ""
    mark: str = "peer"
    objects: dict[str, Object] = field(default_factory=dict)
    events: list[Object] = field(default_factory=list)
    happened: Callable[[Object], None] = lambda _event: None

    def add(self, prefix: str, kind: str, *, live: bool, **values: Any) -> Object:
        """Make an object with a new id."""
        made = {
            "id": f"{prefix}_{len(self.objects) + 1:06}{self.mark}",
            "object": kind,
            "created": int(time.time()),
            "livemode": live,
            "metadata": {},
            **values,
        }
        self.objects[made["id"]] = made
        return made

    def get(self, id_: str, *, live: bool, kind: str = "") -> Object:
        """Find an object of this mode. Raises Refusal."""
        found = self.objects.get(id_)
        if found is None or found["livemode"] != live or kind not in {"", found["object"]}:
            raise Refusal(404, "resource_missing", f"No such {kind or 'object'}: '{id_}'")
        return found

    def of_kind(self, kind: str) -> list[Object]:
        """Every object of a kind, oldest first."""
        return [one for one in self.objects.values() if one["object"] == kind]

    def tell(self, name: str, about: Object) -> None:
        """Record an event with a snapshot of the object."""
        event = self.add(
            "evt",
            "event",
            live=about["livemode"],
            api_version=API_VERSION,
            type=name,
            data={"object": _copy(about)},
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
        )
        self.events.append(event)
        self.happened(event)

    def create_customer(self, form: Object, *, live: bool) -> Object:
        """Make a customer."""
        return self.add(
            "cus",
            "customer",
            live=live,
            email=form.get("email"),
            name=form.get("name"),
            metadata=form.get("metadata", {}),
            invoice_settings={"default_payment_method": None},
            default_source=None,
            sources={"object": "list", "data": [], "has_more": False},
            description=None,
        )

    def create_intent(self, form: Object, *, live: bool) -> Object:
        """Make a payment that waits for a card."""
        amount = int(form["amount"])
        if amount < 50:
            raise Refusal(400, "amount_too_small", "Amount must be at least $0.50 usd")
        intent = self.add(
            "pi",
            "payment_intent",
            live=live,
            amount=amount,
            amount_received=0,
            amount_capturable=0,
            currency=form["currency"],
            customer=self.get(form["customer"], live=live, kind="customer")["id"],
            metadata=form.get("metadata", {}),
            status="requires_payment_method",
            capture_method="automatic",
            confirmation_method="automatic",
            payment_method_types=["card"],
            payment_method=None,
            last_payment_error=None,
            latest_charge=None,
            canceled_at=None,
            description=form.get("description"),
        )
        intent["client_secret"] = f"{intent['id']}_secret_peer"
        self.tell("payment_intent.created", intent)
        return intent

    def confirm(self, intent: Object, card: str) -> Object:
        """Pay with a test card: the money arrives, is refused, or waits for the customer."""
        if intent["status"] not in {"requires_payment_method", "requires_action"}:
            raise Refusal(
                400, "payment_intent_unexpected_state", f"This payment is {intent['status']}."
            )
        if card in DECLINES:
            code, decline = DECLINES[card]
            error = {"code": code, "decline_code": decline, "type": "card_error"}
            intent |= {"status": "requires_payment_method", "last_payment_error": error}
            self.tell("payment_intent.payment_failed", intent)
            raise Refusal(402, code, "Your card was declined.", decline_code=decline)
        if card == NEEDS_CONFIRMATION and intent["status"] != "requires_action":
            intent["status"] = "requires_action"
            self.tell("payment_intent.requires_action", intent)
            return intent
        if card == SLOW:
            intent["status"] = "processing"
            self.tell("payment_intent.processing", intent)
            return intent
        return self._succeed(intent)

    def arrive(self, intent: Object) -> None:
        """Let the money of a slow bank come."""
        self._succeed(intent)
        for session in self.of_kind("checkout.session"):
            if session["payment_intent"] == intent["id"]:
                session["payment_status"] = "paid"
                self.tell("checkout.session.async_payment_succeeded", session)

    def fail_confirmation(self, intent: Object) -> None:
        """Let the customer fail at their bank's question (3-D Secure)."""
        code = "payment_intent_authentication_failure"
        error = {"code": code, "type": "invalid_request_error"}
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        self.tell("payment_intent.payment_failed", intent)

    def cancel(self, intent: Object) -> Object:
        """Let a payment never happen."""
        if intent["status"] in {"succeeded", "canceled"}:
            raise Refusal(
                400, "payment_intent_unexpected_state", f"This payment is {intent['status']}."
            )
        intent |= {"status": "canceled", "canceled_at": int(time.time())}
        self.tell("payment_intent.canceled", intent)
        return intent

    def create_session(self, form: Object, *, live: bool) -> Object:
        """Make a Checkout page."""
        item = form["line_items"][0]
        price = item["price_data"]
        session = self.add(
            "cs",
            "checkout.session",
            live=live,
            amount_total=int(price["unit_amount"]) * int(item["quantity"]),
            amount_subtotal=int(price["unit_amount"]) * int(item["quantity"]),
            currency=price["currency"],
            customer=form["customer"],
            client_reference_id=form.get("client_reference_id"),
            metadata=form.get("metadata", {}),
            mode=form["mode"],
            payment_intent=None,
            payment_method_types=["card"],
            payment_status="unpaid",
            status="open",
            success_url=form["success_url"],
            cancel_url=form["cancel_url"],
            title=price["product_data"]["name"],
            intent_metadata=form.get("payment_intent_data", {}).get("metadata", {}),
        )
        session["url"] = f"{self.url}/c/pay/{session['id']}"
        return session

    def pay_session(self, session: Object, card: str = GOOD_CARD) -> Object:
        """Pay on a Checkout page; a refused card leaves it open."""
        if session["status"] != "open":
            raise Refusal(400, "checkout_session_closed", "This page can't be used any more.")
        paid = self.confirm(self._intent_of(session), card)
        if paid["status"] == "requires_action":
            return paid
        arrived = paid["status"] == "succeeded"
        session |= {
            "payment_status": "paid" if arrived else "unpaid",
            "status": "complete",
            "url": None,
        }
        self.tell("checkout.session.completed", session)
        return paid

    def _intent_of(self, session: Object) -> Object:
        """The payment of a page, made when somebody first tries to pay there."""
        if session["payment_intent"] is None:
            asked = {name: session[name] for name in ("currency", "customer")}
            asked |= {"amount": session["amount_total"], "metadata": session["intent_metadata"]}
            intent = self.create_intent(asked, live=session["livemode"])
            session["payment_intent"] = intent["id"]
        return self.objects[session["payment_intent"]]

    def expire(self, session: Object) -> Object:
        """Close a Checkout page."""
        if session["status"] != "open":
            raise Refusal(400, "checkout_session_closed", "Only an open page can be expired.")
        session |= {"status": "expired", "url": None}
        if session["payment_intent"]:
            self.cancel(self.objects[session["payment_intent"]])
        self.tell("checkout.session.expired", session)
        return session

    def create_refund(self, form: Object, *, live: bool, status: str = "succeeded") -> Object:
        """Send money of a payment back, all that is left of it unless an amount is given."""
        intent = self.get(form["payment_intent"], live=live, kind="payment_intent")
        if intent["status"] != "succeeded":
            raise Refusal(400, "charge_not_paid", "This payment has no charge to refund.")
        charge = self.objects[intent["latest_charge"]]
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(form.get("amount", left))
        if charge["disputed"]:
            raise Refusal(400, "charge_disputed", "This charge is disputed.")
        if not 0 < amount <= left:
            raise Refusal(400, "charge_already_refunded", "More than is left of this charge.")
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund = self.add(
            "re",
            "refund",
            live=live,
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            metadata=form.get("metadata", {}),
            status=status,
            reason=None,
            balance_transaction=None,
        )
        self.tell("refund.created", refund)
        self.tell("charge.refunded", charge)
        return refund

    def fail_refund(self, refund: Object) -> None:
        """Let the bank send the money of a refund back to us."""
        charge = self.objects[refund["charge"]]
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
        self.tell("refund.failed", refund)

    def open_dispute(self, intent: Object) -> Object:
        """Let the customer's bank question a payment."""
        charge = self.objects[intent["latest_charge"]]
        charge["disputed"] = True
        dispute = self.add(
            "dp",
            "dispute",
            live=intent["livemode"],
            amount=charge["amount"] - charge["amount_refunded"],
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            reason="fraudulent",
            status="needs_response",
            is_charge_refundable=False,
            balance_transactions=[],
            balance_transaction=None,
            evidence={},
            evidence_details={},
        )
        self.tell("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute: Object, status: str) -> None:
        """End a dispute: `won` or `lost`."""
        dispute["status"] = status
        self.objects[dispute["charge"]]["disputed"] = status == "lost"
        self.tell("charge.dispute.closed", dispute)

    def _succeed(self, intent: Object) -> Object:
        card = self.add(
            "pm",
            "payment_method",
            live=intent["livemode"],
            type="card",
            customer=None,
            billing_details={},
            card={"brand": "visa", "last4": "4242"},
        )
        charge = self.add(
            "ch",
            "charge",
            live=intent["livemode"],
            amount=intent["amount"],
            amount_refunded=0,
            currency=intent["currency"],
            customer=intent["customer"],
            payment_intent=intent["id"],
            metadata=dict(intent["metadata"]),
            payment_method=card["id"],
            source=None,
            balance_transaction=None,
            invoice=None,
            status="succeeded",
            paid=True,
            captured=True,
            refunded=False,
            disputed=False,
            billing_details={},
        )
        charge["receipt_url"] = f"{self.url}/receipts/{charge['id']}"
        intent |= {
            "status": "succeeded",
            "amount_received": intent["amount"],
            "payment_method": card["id"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
        }
        self.tell("charge.succeeded", charge)
        self.tell("payment_intent.succeeded", intent)
        return intent


def _copy(value: Object) -> Object:
    return {key: dict(part) if isinstance(part, dict) else part for key, part in value.items()}
