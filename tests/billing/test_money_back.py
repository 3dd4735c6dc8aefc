"""Money that goes back: by staff, in Stripe itself, by a lost dispute."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import add_api_key
from billing import ledger, reconciler
from billing.models import Dispute, Purchase, PurchaseRefund, UserCredits
from billing.plans import CREATOR, PROFESSIONAL, STARTER
from billing.queries import balance_of, imbalances, plan_of
from billing.refunds import refund_purchase, refundable
from billing.states import DisputeStatus, PurchaseStatus, RefundStatus
from dubber.errors import Conflict, PermissionRefused, UserError
from dubber.reconcile import differences_found
from tests import make
from tests.billing.paying import Till

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.usefixtures("peer", "adds_up"),
]


def spend(user: User, credits: int) -> None:
    ledger.charge(user, credits=credits, reference=f"spent:{user.pk}", description="Dub: Spanish")


def owed_by(user: User) -> int:
    return UserCredits.objects.get(user=user).owed


def test_staff_refund_what_is_unspent_pro_rata(till: Till) -> None:
    user, staff = make.user(), make.staff()
    purchase = till.buy(user)
    spend(user, 20)

    refund = refund_purchase(purchase, credits=None, reason="Not happy", by=staff)

    assert (refund.credits, refund.cents, refund.status) == (30, 1740, RefundStatus.SUCCEEDED)
    assert balance_of(user) == 0
    purchase.refresh_from_db()
    assert (purchase.status, purchase.returned_credits) == (PurchaseStatus.PAID, 30)


def test_a_whole_refund_takes_the_plan_back(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user, PROFESSIONAL)

    refund_purchase(purchase, credits=None, reason="Not happy", by=make.staff())

    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.REFUNDED
    assert plan_of(user) == STARTER


def test_a_whole_refund_revokes_the_keys_of_the_plan(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user, PROFESSIONAL)
    add_api_key(user, name="Script")

    refund_purchase(purchase, credits=None, reason="Not happy", by=make.staff())

    assert not user.api_keys.filter(revoked_at=None).exists()


def test_refunds_in_parts_add_up_to_the_price(till: Till) -> None:
    user, staff = make.user(), make.staff()
    purchase = till.buy(user, PROFESSIONAL)

    parts = [
        refund_purchase(purchase, credits=credits, reason="Part", by=staff).cents
        for credits in (1, 3, 77, 169)
    ]

    assert sum(parts) == 9900
    assert balance_of(user) == 0


def test_the_oldest_credits_are_spent_first(till: Till) -> None:
    user = make.user(credits=10)
    first, second = till.buy(user), till.buy(user)

    spend(user, 25)

    assert (refundable(first), refundable(second)) == (35, 50)


def test_credits_given_back_for_a_language_are_unspent_again(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    spend(user, 20)

    ledger.refund(user, credits=20, reference="spent", description="Refund: Spanish")

    assert refundable(purchase) == 50


@pytest.mark.parametrize("credits", [0, -1, 51, 10**9])
def test_staff_can_not_refund_more_than_is_unspent(till: Till, credits: int) -> None:
    purchase = till.buy(make.user())

    with pytest.raises(UserError):
        refund_purchase(purchase, credits=credits, reason="Too much", by=make.staff())

    assert PurchaseRefund.objects.count() == 0


def test_spent_credits_can_not_be_refunded(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    spend(user, 50)

    with pytest.raises(Conflict):
        refund_purchase(purchase, credits=None, reason="Too late", by=make.staff())


def test_customers_can_not_refund_themselves(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)

    with pytest.raises(PermissionRefused):
        refund_purchase(purchase, credits=None, reason="Mine", by=user)


def test_a_refund_survives_a_crash_between_stripe_and_our_row(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    till.peer.fail("POST", "/v1/refunds", lost=True)
    with pytest.raises(UserError):
        refund_purchase(purchase, credits=None, reason="Not happy", by=make.staff())
    PurchaseRefund.objects.update(updated_at=timezone.now() - timedelta(minutes=5))

    reconciler.run()

    refund = PurchaseRefund.objects.get()
    assert refund.status == RefundStatus.SUCCEEDED
    assert [one["amount"] for one in till.peer.account.of_kind("refund")] == [2900]
    assert balance_of(user) == 0


def test_a_refund_that_stripe_never_heard_of_is_asked_for_again(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    till.peer.fail("POST", "/v1/refunds")
    with pytest.raises(UserError):
        refund_purchase(purchase, credits=None, reason="Not happy", by=make.staff())
    PurchaseRefund.objects.update(updated_at=timezone.now() - timedelta(minutes=5))

    reconciler.run()

    assert PurchaseRefund.objects.get().status == RefundStatus.SUCCEEDED
    assert len(till.peer.account.of_kind("refund")) == 1


def test_the_message_of_our_own_refund_takes_nothing_again(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    refund_purchase(purchase, credits=10, reason="Part", by=make.staff())

    till.deliver_all("refund.created")
    till.deliver_all("refund.created")

    assert balance_of(user) == 40
    assert PurchaseRefund.objects.count() == 1


def test_a_refund_that_stripe_refuses_gives_the_credits_back(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    intent = till.peer.account.objects[str(purchase.stripe_payment_intent_id)]
    till.peer.account.open_dispute(intent)

    with pytest.raises(Conflict, match="charge_disputed"):
        refund_purchase(purchase, credits=None, reason="Not happy", by=make.staff())

    purchase.refresh_from_db()
    assert (purchase.status, purchase.returned_cents) == (PurchaseStatus.PAID, 0)
    assert (balance_of(user), plan_of(user)) == (50, CREATOR)


def refunded_in_stripe(till: Till, purchase: Purchase, cents: int | None = None) -> None:
    """Refund in Stripe's own dashboard."""
    form = {"payment_intent": purchase.stripe_payment_intent_id}
    till.peer.account.create_refund(form | ({"amount": cents} if cents else {}), live=False)


def test_a_refund_made_in_stripe_takes_the_balance_and_the_rest_is_owed(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    spend(user, 20)
    refunded_in_stripe(till, purchase)

    till.deliver_all("refund.created", "charge.refunded")

    assert (balance_of(user), owed_by(user)) == (0, 20)
    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.REFUNDED


def test_the_next_purchase_pays_what_is_owed_first(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    spend(user, 20)
    refunded_in_stripe(till, purchase)
    till.deliver_all("refund.created")

    till.buy(user)

    assert (balance_of(user), owed_by(user)) == (30, 0)


def test_a_refund_in_parts_in_stripe_takes_all_credits_in_the_end(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    for cents in (999, 1, 1900):
        refunded_in_stripe(till, purchase, cents)

    till.deliver_all("refund.created")

    assert balance_of(user) == 0
    purchase.refresh_from_db()
    assert (purchase.returned_credits, purchase.status) == (50, PurchaseStatus.REFUNDED)


def test_a_refund_that_the_bank_sends_back_is_undone_in_any_order(till: Till) -> None:
    for order in itertools.permutations(("refund.created", "refund.failed")):
        user = make.user()
        purchase = till.buy(user)
        till.peer.account.events.clear()
        refunded_in_stripe(till, purchase)
        till.peer.account.fail_refund(till.peer.account.of_kind("refund")[-1])

        for name in [*order, *order]:
            assert till.deliver_all(name) == [200]

        purchase.refresh_from_db()
        assert (balance_of(user), plan_of(user)) == (50, CREATOR)
        assert (purchase.status, purchase.returned_cents) == (PurchaseStatus.PAID, 0)
    assert imbalances() == []


def test_a_refund_told_before_its_payment_ends_the_same(till: Till) -> None:
    user = make.user()
    purchase = till.pay(user)
    refunded_in_stripe(till, purchase)

    till.deliver_all("refund.created")
    till.deliver_all("payment_intent.succeeded")

    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.REFUNDED
    assert (balance_of(user), owed_by(user)) == (0, 0)


@pytest.mark.parametrize(("ending", "left"), [("won", 50), ("lost", 0)])
def test_a_dispute_takes_the_credits_only_when_it_is_lost(
    till: Till, ending: str, left: int
) -> None:
    user = make.user()
    purchase = till.buy(user)
    account = till.peer.account
    dispute = account.open_dispute(account.objects[str(purchase.stripe_payment_intent_id)])
    account.close_dispute(dispute, ending)

    for name in ("charge.dispute.closed", "charge.dispute.created", "charge.dispute.closed"):
        assert till.deliver_all(name) == [200]

    assert balance_of(user) == left
    assert Dispute.objects.get().status == DisputeStatus(ending)


def test_a_lost_dispute_over_spent_credits_is_owed(till: Till) -> None:
    user = make.user()
    purchase = till.buy(user)
    spend(user, 45)
    account = till.peer.account
    dispute = account.open_dispute(account.objects[str(purchase.stripe_payment_intent_id)])
    account.close_dispute(dispute, "lost")

    till.deliver_all("charge.dispute.closed")

    assert (balance_of(user), owed_by(user)) == (0, 45)


@pytest.mark.parametrize(("refunded", "disputed"), [(2900, 2900), (1450, 2900), (1450, 1450)])
def test_a_refund_that_fails_gives_back_nothing_that_the_bank_took(
    till: Till, refunded: int, disputed: int
) -> None:
    user = make.user()
    purchase = till.buy(user)
    account = till.peer.account
    refunded_in_stripe(till, purchase, refunded)
    dispute = account.open_dispute(account.objects[str(purchase.stripe_payment_intent_id)])
    dispute["amount"] = disputed  # the bank has not heard of the refund yet
    account.close_dispute(dispute, "lost")
    account.fail_refund(account.of_kind("refund")[-1])

    for name in ("refund.created", "charge.dispute.closed", "refund.failed", "refund.failed"):
        assert till.deliver_all(name) == [200]

    left = 50 - 50 * disputed // 2900
    purchase.refresh_from_db()
    assert (balance_of(user), purchase.returned_credits) == (left, 50 - left)
    assert Dispute.objects.get().credits == 50 - left
    assert plan_of(user) == (CREATOR if left else STARTER)
    assert [str(found) for found in differences_found(stripe=False)] == []


def test_a_quarantined_payment_that_is_refunded_brings_no_debt(till: Till) -> None:
    user = make.user()
    purchase = till.open(user)
    till.peer.account.objects[str(purchase.stripe_payment_intent_id)]["amount"] = 2800
    till.peer.pay(str(purchase.stripe_payment_intent_id))
    till.deliver_all("payment_intent.succeeded")
    refunded_in_stripe(till, purchase)

    till.deliver_all("refund.created")

    purchase.refresh_from_db()
    assert purchase.status == PurchaseStatus.REFUNDED
    assert (balance_of(user), owed_by(user)) == (0, 0)
