"""Stripe's messages, and what pretends to be one."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from djstripe.models import Event, WebhookEventTrigger
from pytest_django import Settings

from billing import copies, services, webhooks
from billing.models import CreditTransaction, Purchase
from billing.queries import balance_of
from billing.states import PurchaseStatus
from tests import make
from tests.billing.paying import Till
from tests.peers.stripe_mail import Message, signed

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

LARGE = 10 * 1024 * 1024


def paid_event(till: Till) -> dict[str, Any]:
    till.pay(make.user())
    return till.peer.events("payment_intent.succeeded")[0]


def remade(event: dict[str, Any], secret: str) -> dict[str, Message]:
    """Requests that aren't Stripe's, or not any more, made from a true one."""
    body, signature = signed(event, secret).body, signed(event, secret).signature
    richer = body.replace(b'"amount_received": 2900', b'"amount_received": 9900')
    return {
        "no signature": Message(body, ""),
        "garbage": Message(body, "t=now,v1=nonsense,,="),
        "no time": Message(body, signature.partition(",")[2]),
        "301 s old": signed(event, secret, age=301),
        "an hour ahead": signed(event, secret, age=-3600),
        "another secret": signed(event, "whsec_other"),
        "an empty secret": signed(event, ""),
        "one byte changed": Message(richer, signature),
        "not text": Message(body + b"\xff", signature),
    }


@pytest.mark.parametrize("case", remade({}, "any"))
def test_what_stripe_did_not_sign_just_now_leaves_no_trace(till: Till, case: str) -> None:
    message = remade(paid_event(till), till.endpoint.secret)[case]

    status = till.post(message)

    assert status == 400
    assert WebhookEventTrigger.objects.count() == Event.objects.count() == 0
    assert CreditTransaction.objects.count() == 0


def test_ten_megabytes_are_refused_before_they_are_read(till: Till) -> None:
    status = till.post(Message(b" " * LARGE, "t=1,v1=0"))

    assert status == 413
    assert WebhookEventTrigger.objects.count() == 0


def test_a_message_that_comes_again_changes_nothing(till: Till) -> None:
    message = signed(paid_event(till), till.endpoint.secret)

    statuses = [till.post(message) for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert CreditTransaction.objects.count() == 1


def test_a_message_about_nothing_of_ours_is_accepted(till: Till) -> None:
    customer = till.peer.account.create_customer({"email": "a@example.com"}, live=False)
    till.peer.account.tell("price.nobody_knows", customer)

    assert till.deliver_all() == [200]
    assert CreditTransaction.objects.count() == 0


def test_refunds_and_disputes_of_payments_without_an_intent_are_none_of_ours(till: Till) -> None:
    account = till.peer.account
    common = {"payment_intent": None, "amount": 5, "currency": "usd", "charge": None}
    refund = account.add("re", "refund", live=False, status="succeeded", **common)
    dispute = account.add(
        "dp", "dispute", live=False, status="lost", balance_transactions=[], **common
    )
    account.tell("refund.created", refund)
    account.tell("charge.dispute.closed", dispute)

    assert till.deliver_all() == [200, 200]
    assert CreditTransaction.objects.count() == 0


def test_an_unknown_address_is_not_found(till: Till) -> None:
    message = signed(paid_event(till), till.endpoint.secret)
    elsewhere = "/stripe/webhook/00000000-0000-0000-0000-000000000000"

    answer = Client().post(
        elsewhere,
        message.body,
        content_type="application/json",
        headers={"Stripe-Signature": message.signature},
    )

    assert answer.status_code == 404


def test_both_forms_of_the_address_answer(till: Till) -> None:
    message = signed(paid_event(till), till.endpoint.secret)

    answer = Client().post(
        f"{till.address}/",
        message.body,
        content_type="application/json",
        headers={"Stripe-Signature": message.signature},
    )

    assert answer.status_code == 200


def test_the_webhook_only_takes_posts(till: Till) -> None:
    assert Client().get(till.address).status_code == 405


def test_a_header_can_not_choose_the_secret(till: Till, settings: Settings) -> None:
    settings.DEBUG = True
    message = signed(paid_event(till), "whsec_mine")

    status = till.post(message, **{"X-Djstripe-Webhook-Secret": "whsec_mine"})

    assert status == 400
    assert CreditTransaction.objects.count() == 0


def test_the_header_with_a_secret_is_dropped_from_a_true_message(
    till: Till, settings: Settings
) -> None:
    settings.DEBUG = True
    message = signed(paid_event(till), till.endpoint.secret)

    status = till.post(message, **{"X-Djstripe-Webhook-Secret": "whsec_mine"})

    assert status == 200
    assert "webhook-secret" not in str(WebhookEventTrigger.objects.get().headers).lower()


def test_more_than_the_limit_a_minute_is_put_off(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MOST_A_MINUTE", 2)
    event = paid_event(till)

    statuses = till.deliver(event, event, event)

    assert statuses == [200, 200, 429]
    assert WebhookEventTrigger.objects.count() == 2


def test_a_message_that_failed_is_worked_on_when_it_comes_again(till: Till) -> None:
    event = paid_event(till)
    intent = event["data"]["object"]["id"]
    till.peer.fail("GET", f"/v1/payment_intents/{intent}")

    first = till.deliver(event)
    credited = CreditTransaction.objects.count()
    second = till.deliver(event)

    assert (first, credited, second) == ([500], 0, [200])
    assert CreditTransaction.objects.count() == 1


def test_a_message_about_a_deleted_person_quarantines_their_payment(till: Till) -> None:
    user = make.user()
    till.pay(user)
    services.close_account(user)

    statuses = till.deliver_all()

    assert set(statuses) == {200}
    assert Purchase.objects.get().status == PurchaseStatus.QUARANTINED
    assert balance_of(user) == 0


def test_messages_are_forgotten_after_a_week(till: Till) -> None:
    till.deliver(paid_event(till))
    now = timezone.now()
    WebhookEventTrigger.objects.update(created=now - timedelta(days=6, hours=23))
    kept = copies.prune()
    WebhookEventTrigger.objects.update(created=now - timedelta(days=7, hours=1))

    pruned = copies.prune()

    assert (kept, pruned) == (0, 1)
    assert WebhookEventTrigger.objects.count() == 0


def test_what_the_messages_said_is_forgotten_after_a_month(till: Till) -> None:
    till.deliver(paid_event(till))
    copies.prune()
    kept = Event.objects.count()
    Event.objects.update(djstripe_created=timezone.now() - timedelta(days=30, hours=1))

    copies.prune()

    assert (kept, Event.objects.count()) == (1, 0)


def test_a_site_registers_its_webhook_once(till: Till) -> None:
    again = webhooks.register()

    assert again == till.endpoint
    assert till.peer.count("POST", "/v1/webhook_endpoints") == 1
    assert again.secret
