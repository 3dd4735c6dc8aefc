"""Buying for tests: a person, the peer in place of Stripe, and the messages between it and us."""

from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import webhooks
from billing.models import Purchase
from billing.plans import CREATOR, Plan
from billing.purchases import ask_for_payment, confirm_payment
from tests.peers.stripe import StripePeer
from tests.peers.stripe_mail import Message, signed

Object = dict[str, Any]


class Till:
    """The peer, with our webhook registered; it delivers what a test tells it to."""

    def __init__(self, peer: StripePeer) -> None:
        self.peer = peer
        self.endpoint = webhooks.register()
        self.client = Client(raise_request_exception=False)

    @property
    def address(self) -> str:
        """Where messages go."""
        return reverse("stripe_webhook", args=[self.endpoint.djstripe_uuid])

    def post(self, message: Message, **headers: str) -> int:
        """Send one signed request; the status that came back."""
        answer = self.client.post(
            self.address,
            message.body,
            content_type="application/json",
            headers={"Stripe-Signature": message.signature, **headers},
        )
        return answer.status_code

    def deliver(self, *events: Object) -> list[int]:
        """Send events, signed, in this order."""
        return [self.post(signed(event, self.endpoint.secret)) for event in events]

    def deliver_all(self, *names: str) -> list[int]:
        """Send what happened so far: events of those types, or all."""
        return self.deliver(*self.peer.events(*names))

    def open(self, user: User, plan: Plan = CREATOR) -> Purchase:
        """Open a purchase that waits for a card."""
        return ask_for_payment(user, plan=plan)[0]

    def pay(self, user: User, plan: Plan = CREATOR) -> Purchase:
        """Open a purchase and pay it; nobody has told us yet."""
        purchase = self.open(user, plan)
        self.peer.pay(str(purchase.stripe_payment_intent_id))
        return purchase

    def buy(self, user: User, plan: Plan = CREATOR) -> Purchase:
        """Buy a pack: paid, told and credited."""
        purchase = self.pay(user, plan)
        return confirm_payment(user, intent=str(purchase.stripe_payment_intent_id)).purchase


def way_back(purchase: Purchase) -> str:
    """Where a Checkout page leads back to."""
    return f"http://testserver/back/{purchase.pk}"
