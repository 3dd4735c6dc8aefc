"""What no message of Stripe's ever told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import reconciler
from billing.checkout import send_to_checkout
from billing.models import Purchase, PurchaseRefund
from billing.plans import CREATOR
from billing.queries import balance_of
from billing.refunds import refund_purchase
from billing.states import PurchaseStatus, RefundStatus
from dubber.errors import UserError
from tests import make
from tests.billing.paying import Till, way_back
from tests.peers.stripe_account import SLOW, Refusal

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.usefixtures("peer", "adds_up"),
]


def age(**ago: float) -> None:
    """Let every purchase and refund be that old."""
    then = timezone.now() - timedelta(**ago)
    Purchase.objects.update(created_at=then)
    PurchaseRefund.objects.update(updated_at=then)


def test_a_payment_nobody_told_of_is_credited_once(till: Till) -> None:
    user = make.user()
    till.pay(user)
    age(minutes=3)

    first, second = reconciler.run(), reconciler.run()

    assert (first.purchases, second.purchases) == (0, 0)
    assert (first.failures, balance_of(user)) == (0, 50)


def test_a_checkout_page_nobody_told_of_is_credited(till: Till) -> None:
    user = make.user()
    purchase, _ = send_to_checkout(user, plan=CREATOR, back=way_back)
    till.peer.click(str(purchase.checkout_session_id), "pm_card_visa")
    age(minutes=3)

    reconciler.run()

    assert balance_of(user) == 50


def test_a_fresh_purchase_is_left_to_its_customer(till: Till) -> None:
    till.pay(make.user())

    tally = reconciler.run()

    assert tally.failures == 0
    assert Purchase.objects.get().status == PurchaseStatus.OPEN


def test_an_abandoned_purchase_is_cancelled_so_that_nobody_pays_it_later(till: Till) -> None:
    purchase = till.open(make.user())
    age(hours=25)

    reconciler.run()

    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.CANCELLED
    with pytest.raises(Refusal):
        till.peer.pay(str(purchase.stripe_payment_intent_id))


def test_an_abandoned_page_is_closed(till: Till) -> None:
    purchase, _ = send_to_checkout(make.user(), plan=CREATOR, back=way_back)
    age(hours=25)

    reconciler.run()

    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.CANCELLED
    assert till.peer.account.objects[str(purchase.checkout_session_id)]["status"] == "expired"


def test_a_payment_that_wins_against_its_cancelling_is_credited(till: Till) -> None:
    user = make.user()
    purchase = till.open(user)
    purchase.move_to(PurchaseStatus.CANCELLED)
    till.peer.pay(str(purchase.stripe_payment_intent_id))

    till.deliver_all("payment_intent.succeeded")

    assert balance_of(user) == 50


def test_one_impossible_row_does_not_stop_the_others(till: Till) -> None:
    first, second = make.user(), make.user()
    unlucky = till.pay(first)
    till.pay(second)
    age(minutes=3)
    till.peer.fail("GET", f"/v1/payment_intents/{unlucky.stripe_payment_intent_id}")

    tally = reconciler.run()
    seen = (balance_of(first), balance_of(second))
    reconciler.run()

    assert (tally.failures, seen) == (1, (0, 50))
    assert balance_of(first) == 50


def test_purchases_that_stay_open_keep_none_from_being_looked_at(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "MOST_AT_ONCE", 1)
    till.open(make.user())
    user = make.user()
    till.pay(user)
    age(minutes=3)

    reconciler.run()
    reconciler.run()

    assert balance_of(user) == 50


def test_a_purchase_that_never_reached_stripe_is_cancelled_in_the_end(till: Till) -> None:
    user = make.user()
    Purchase.objects.create(
        user=user, plan="creator", credits=50, amount_cents=2900, currency="usd", customer="cus_x"
    )
    age(hours=25)

    reconciler.run()

    assert Purchase.objects.get().status == PurchaseStatus.CANCELLED


def test_a_refund_on_its_way_is_looked_after(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    refund = refund_purchase(purchase, credits=None, reason="Not happy", by=make.staff())
    PurchaseRefund.objects.filter(pk=refund.pk).update(status="pending")
    till.peer.account.fail_refund(till.peer.account.of_kind("refund")[0])
    age(minutes=3)

    reconciler.run()

    assert PurchaseRefund.objects.get().status == "failed"
    assert balance_of(user) == 50


def test_receipts_are_fetched(till: Till) -> None:
    purchase = till.buy(make.user())

    reconciler.run()

    purchase.refresh_from_db()
    assert purchase.receipt_url.startswith(till.peer.url)


def test_a_refund_that_is_refused_because_of_a_dispute_fails_for_good(till: Till) -> None:
    purchase = till.buy(make.user())
    till.peer.fail("POST", "/v1/refunds")
    with pytest.raises(UserError):
        refund_purchase(purchase, credits=None, reason="Asked", by=make.staff())
    till.peer.account.open_dispute(till.peer.account.of_kind("payment_intent")[0])
    age(minutes=3)

    tally = reconciler.run()

    assert tally.failures == 0
    assert PurchaseRefund.objects.get().status == RefundStatus.FAILED
    assert balance_of(purchase.user) == 50


def test_a_payment_that_takes_its_bank_days_is_waited_for(till: Till) -> None:
    user = make.user()
    purchase, _ = send_to_checkout(user, plan=CREATOR, back=way_back)
    till.peer.click(str(purchase.checkout_session_id), SLOW)
    age(hours=50)

    tally = reconciler.run()
    till.peer.account.arrive(till.peer.account.of_kind("payment_intent")[0])
    reconciler.run()

    assert tally.failures == 0
    assert balance_of(user) == 50
