"""What dj-stripe keeps of Stripe's objects and messages: how long, and what goes with a person.

Stripe keeps its own, for the books. Rows stay, empty, so that a message that comes again is known.
"""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from djstripe.models import (
    Charge,
    Customer,
    Dispute,
    Event,
    PaymentIntent,
    PaymentMethod,
    Refund,
    Session,
    WebhookEventTrigger,
)

from accounts.models import User
from billing.models import Purchase

REQUESTS_KEPT = timedelta(days=7)
EVENTS_KEPT = timedelta(days=30)


def forget_customer(user: User) -> None:
    """Empty what is kept of a person's customer, payments and messages."""
    customers = Customer.objects.filter(subscriber=user)
    purchases = Purchase.objects.filter(user=user, stripe_payment_intent_id__isnull=False)
    intents = list(purchases.values_list("stripe_payment_intent_id", flat=True))
    paid = Q(customer__in=customers) | Q(payment_intent__id__in=intents)
    charges = list(Charge.objects.filter(paid).values_list("id", flat=True))
    for rows in (
        customers,
        Session.objects.filter(paid),
        PaymentIntent.objects.filter(Q(customer__in=customers) | Q(id__in=intents)),
        PaymentMethod.objects.filter(Q(customer__in=customers) | Q(charges__id__in=charges)),
        Charge.objects.filter(id__in=charges),
        Refund.objects.filter(charge__id__in=charges),
    ):
        rows.update(stripe_data={}, metadata={})
    Dispute.objects.filter(charge__id__in=charges).delete()  # the admin can't show an empty one
    _forget_messages(customers=list(customers.values_list("id", flat=True)), intents=intents)
    customers.update(email="")


def prune() -> int:
    """Forget requests older than a week and events older than a month; how many they were."""
    now = timezone.now()
    requests = WebhookEventTrigger.objects.filter(created__lt=now - REQUESTS_KEPT)
    events = Event.objects.filter(djstripe_created__lt=now - EVENTS_KEPT)
    return int(requests.delete()[0]) + int(events.delete()[0])


def _forget_messages(*, customers: list[str], intents: list[str | None]) -> None:
    events = Event.objects.filter(
        Q(data__object__customer__in=customers) | Q(data__object__payment_intent__in=intents)
    )
    WebhookEventTrigger.objects.filter(event__in=events).delete()
    events.update(data={}, stripe_data={})
