"""Buying a pack, whichever road tells of the payment first."""

import itertools

import pytest
from pytest_django import Settings

from billing import services
from billing.checkout import look_at_checkout, send_to_checkout
from billing.models import CreditTransaction, Purchase
from billing.plans import CREATOR, PROFESSIONAL
from billing.purchases import (
    ask_for_payment,
    cancel_purchase,
    confirm_payment,
    release_from_quarantine,
)
from billing.queries import balance_of, imbalances, plan_of
from billing.states import PurchaseStatus
from dubber.errors import Conflict, NotFound, UserError
from tests import make
from tests.billing.paying import Till, way_back
from tests.peers.stripe import StripePeer
from tests.peers.stripe_account import NEEDS_CONFIRMATION, Refusal

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.usefixtures("peer", "adds_up"),
]

ROADS = ("confirm", "payment_intent.succeeded", "charge.succeeded")


def intent_of(purchase: Purchase) -> str:
    return str(purchase.stripe_payment_intent_id)


def test_a_confirmed_payment_brings_credits_and_the_plan(till: Till) -> None:
    user = make.user()
    purchase = till.pay(user, CREATOR)

    confirmation = confirm_payment(user, intent=intent_of(purchase))

    assert (confirmation.credits_added, confirmation.message) == (50, "")
    assert balance_of(user) == 50
    assert plan_of(user) == CREATOR


@pytest.mark.parametrize("order", list(itertools.permutations(ROADS)))
def test_a_payment_is_credited_once_whatever_the_order_of_roads(
    till: Till, order: tuple[str, ...]
) -> None:
    user = make.user()
    purchase = till.pay(user)

    for road in [*order, *order]:
        if road == "confirm":
            assert confirm_payment(user, intent=intent_of(purchase)).credits_added == 50
        else:
            assert till.deliver_all(road) == [200]

    assert balance_of(user) == 50
    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.PAID
    assert CreditTransaction.objects.get(user=user).reference == purchase.reference


def test_a_payment_is_credited_with_no_call_of_the_browser_at_all(till: Till) -> None:
    user = make.user()
    till.pay(user)

    assert set(till.deliver_all()) == {200}

    assert balance_of(user) == 50


def test_the_messages_of_a_checkout_page_credit_once_in_any_order(till: Till) -> None:
    events = ("payment_intent.succeeded", "checkout.session.completed")
    for order in itertools.permutations(events):
        user = make.user()
        purchase, _ = send_to_checkout(user, plan=CREATOR, back=way_back)
        till.peer.account.events.clear()
        till.peer.click(str(purchase.checkout_session_id), "pm_card_visa")

        for name in [*order, *order]:
            assert till.deliver_all(name) == [200]

        assert balance_of(user) == 50
        purchase.refresh_from_db()
        assert purchase.stripe_payment_intent_id
    assert imbalances() == []


def test_the_way_back_from_a_checkout_page_credits_at_once(till: Till) -> None:
    user = make.user()
    purchase, _ = send_to_checkout(user, plan=CREATOR, back=way_back)
    till.peer.click(str(purchase.checkout_session_id), "pm_card_visa")

    confirmation = look_at_checkout(purchase)

    assert confirmation.credits_added == 50
    assert balance_of(user) == 50


def test_a_page_that_was_left_unpaid_says_so(till: Till) -> None:
    user = make.user()
    purchase, _ = send_to_checkout(user, plan=CREATOR, back=way_back)

    confirmation = look_at_checkout(purchase)

    assert (confirmation.credits_added, confirmation.message) == (0, "You have not paid yet.")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("pm_card_chargeDeclined", "Your bank refused the card"),
        ("pm_card_chargeDeclinedInsufficientFunds", "isn't enough money"),
        ("pm_card_chargeDeclinedExpiredCard", "has expired"),
    ],
)
def test_a_refused_card_is_told_in_plain_words(till: Till, card: str, words: str) -> None:
    user = make.user()
    purchase = till.open(user)
    with pytest.raises(Refusal):
        till.peer.pay(intent_of(purchase), card)

    confirmation = confirm_payment(user, intent=intent_of(purchase))

    assert words in confirmation.message
    assert confirmation.credits_added == balance_of(user) == 0


def test_a_card_refused_first_can_pay_afterwards(till: Till) -> None:
    user = make.user()
    purchase = till.open(user)
    with pytest.raises(Refusal):
        till.peer.pay(intent_of(purchase), "pm_card_chargeDeclined")
    till.peer.pay(intent_of(purchase))

    assert set(till.deliver_all()) == {200}

    assert balance_of(user) == 50


def test_a_payment_that_waits_for_the_bank_says_so_and_then_arrives(till: Till) -> None:
    user = make.user()
    purchase = till.open(user)
    till.peer.pay(intent_of(purchase), NEEDS_CONFIRMATION)
    waiting = confirm_payment(user, intent=intent_of(purchase))
    till.peer.pay(intent_of(purchase), NEEDS_CONFIRMATION)

    arrived = confirm_payment(user, intent=intent_of(purchase))

    assert waiting.message == "Your bank wants you to confirm the payment first."
    assert (waiting.credits_added, arrived.credits_added) == (0, 50)


def test_a_failed_question_of_the_bank_is_told(till: Till) -> None:
    user = make.user()
    purchase = till.open(user)
    intent = till.peer.pay(intent_of(purchase), NEEDS_CONFIRMATION)
    till.peer.account.fail_confirmation(intent)

    confirmation = confirm_payment(user, intent=intent_of(purchase))

    assert "couldn't confirm that it was you" in confirmation.message


def test_a_purchase_that_is_given_up_can_not_be_paid_any_more(till: Till) -> None:
    user = make.user()
    purchase = till.open(user)

    cancelled = cancel_purchase(user, purchase_id=purchase.pk)

    assert cancelled.status == PurchaseStatus.CANCELLED
    with pytest.raises(Refusal):
        till.peer.pay(intent_of(purchase))


def test_a_paid_purchase_can_not_be_given_up(till: Till) -> None:
    user = make.user()
    purchase = till.pay(user)

    with pytest.raises(Conflict):
        cancel_purchase(user, purchase_id=purchase.pk)

    assert confirm_payment(user, intent=intent_of(purchase)).credits_added == 50


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        ({"amount": 100}, "amount"),
        ({"currency": "jpy"}, "currency"),
        ({"customer": "cus_somebody"}, "customer"),
    ],
)
def test_a_payment_that_differs_from_our_row_is_quarantined(
    till: Till, changed: dict[str, object], doubt: str
) -> None:
    user = make.user()
    purchase = till.open(user)
    till.peer.account.objects[intent_of(purchase)].update(changed)
    till.peer.pay(intent_of(purchase))

    confirmation = confirm_payment(user, intent=intent_of(purchase))

    assert confirmation.purchase.status == PurchaseStatus.QUARANTINED
    assert doubt in confirmation.purchase.doubt
    assert balance_of(user) == 0


def test_staff_release_a_quarantined_payment_once(till: Till) -> None:
    user, staff = make.user(), make.staff()
    purchase = till.open(user)
    till.peer.account.objects[intent_of(purchase)]["amount"] = 2800
    till.peer.pay(intent_of(purchase))
    purchase = confirm_payment(user, intent=intent_of(purchase)).purchase

    release_from_quarantine(purchase, by=staff)
    with pytest.raises(Conflict):
        release_from_quarantine(purchase, by=staff)

    assert balance_of(user) == 50


def test_a_payment_after_deletion_is_quarantined(till: Till) -> None:
    user = make.user()
    purchase = till.pay(user)
    services.close_account(user)

    till.deliver_all("payment_intent.succeeded")

    purchase.refresh_from_db()
    assert (purchase.status, purchase.doubt) == (PurchaseStatus.QUARANTINED, "account deleted")
    assert balance_of(user) == 0


def test_somebody_elses_payment_can_not_be_confirmed(till: Till) -> None:
    purchase = till.pay(make.user())
    stranger = make.user()

    with pytest.raises(NotFound):
        confirm_payment(stranger, intent=intent_of(purchase))

    assert balance_of(stranger) == 0


def test_a_payment_of_test_mode_is_unknown_in_live_mode(till: Till, settings: Settings) -> None:
    user = make.user()
    purchase = till.pay(user)
    settings.STRIPE_SECRET_KEY = "sk_live_" + "only4tests" * 3
    settings.STRIPE_LIVE_MODE = True

    with pytest.raises(NotFound):
        confirm_payment(user, intent=intent_of(purchase))

    assert balance_of(user) == 0


def test_a_second_pack_of_less_keeps_the_better_plan(till: Till) -> None:
    user = make.user()
    till.buy(user, PROFESSIONAL)

    till.buy(user, CREATOR)

    assert plan_of(user) == PROFESSIONAL
    assert balance_of(user) == 300


def test_one_person_is_one_customer_at_stripe(till: Till) -> None:
    user = make.user()

    first, second = till.open(user), till.open(user)

    assert first.customer == second.customer
    assert till.peer.count("POST", "/v1/customers") == 1


def test_a_lost_answer_leaves_nothing_charged(till: Till) -> None:
    user = make.user()
    till.peer.fail("POST", "/v1/payment_intents", lost=True)

    with pytest.raises(UserError, match="Nothing was charged") as refused:
        ask_for_payment(user, plan=CREATOR)

    assert (refused.value.code, refused.value.status) == ("service_busy", 503)
    assert balance_of(user) == 0


def test_buying_is_off_without_keys(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    with pytest.raises(UserError) as refused:
        ask_for_payment(make.user(), plan=CREATOR)

    assert (refused.value.code, refused.value.status) == ("buying_off", 503)
    assert Purchase.objects.count() == 0


def test_the_receipt_is_linked(till: Till) -> None:
    purchase = till.buy(make.user())

    till.deliver_all("charge.succeeded")

    purchase.refresh_from_db()
    assert purchase.receipt_url.startswith(f"{till.peer.url}/receipts/")


def test_a_receipt_that_comes_before_its_payment_is_linked_too(till: Till) -> None:
    purchase, _ = send_to_checkout(make.user(), plan=CREATOR, back=way_back)
    till.peer.click(str(purchase.checkout_session_id), "pm_card_visa")

    till.deliver_all("charge.succeeded")
    till.deliver_all("checkout.session.completed")

    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.PAID
    assert purchase.receipt_url.startswith(f"{till.peer.url}/receipts/")


def test_amounts_that_stripe_would_refuse_are_no_plan(peer: StripePeer) -> None:
    assert all(plan.price_cents >= 50 for plan in (CREATOR, PROFESSIONAL))
