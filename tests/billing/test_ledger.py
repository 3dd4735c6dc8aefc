import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import ledger
from billing.models import CreditTransaction, EntryIsFinal, UserCredits
from billing.queries import balance_of, imbalances, plan_of
from billing.services import prepare_demo_account, set_plan
from dubber.errors import Conflict, UserError
from tests import make

pytestmark = pytest.mark.django_db


def test_a_charge_takes_credits_and_writes_one_entry() -> None:
    user = make.user(credits=10)

    entry = ledger.charge(user, credits=7, reference="job_1:es:1", description="Spanish, 61.0 s")

    assert (entry.kind, entry.amount, entry.balance_after) == ("job_consumption", -7, 3)
    assert balance_of(user) == 3


def test_a_charge_said_twice_is_one_charge() -> None:
    user = make.user(credits=10)

    first = ledger.charge(user, credits=4, reference="job_1:es:1", description="Spanish")
    second = ledger.charge(user, credits=4, reference="job_1:es:1", description="Spanish")

    assert second == first
    assert balance_of(user) == 6


def test_a_repeated_charge_needs_no_credits() -> None:
    user = make.user(credits=4)
    first = ledger.charge(user, credits=4, reference="job_1:es:1", description="Spanish")

    second = ledger.charge(user, credits=4, reference="job_1:es:1", description="Spanish")

    assert second == first


def test_a_reference_with_another_amount_is_refused() -> None:
    user = make.user(credits=10)
    ledger.charge(user, credits=4, reference="job_1:es:1", description="Spanish")

    with pytest.raises(Conflict):
        ledger.charge(user, credits=5, reference="job_1:es:1", description="Spanish")

    assert balance_of(user) == 6


def test_a_reference_of_somebody_else_is_refused() -> None:
    ledger.charge(make.user(credits=4), credits=4, reference="job_1:es:1", description="Spanish")
    stranger = make.user(credits=4)

    with pytest.raises(Conflict):
        ledger.charge(stranger, credits=4, reference="job_1:es:1", description="Spanish")

    assert balance_of(stranger) == 4


def test_a_charge_and_its_refund_may_share_a_reference() -> None:
    user = make.user(credits=10)

    ledger.charge(user, credits=4, reference="job_1:es:1", description="Spanish")
    ledger.refund(user, credits=4, reference="job_1:es:1", description="Spanish failed")

    assert balance_of(user) == 10


def test_too_few_credits_are_told_with_the_shortfall() -> None:
    user = make.user(credits=3)

    with pytest.raises(UserError) as caught:
        ledger.charge(user, credits=7, reference="job_1:es:1", description="Spanish")

    assert (caught.value.code, caught.value.status) == ("insufficient_credits", 402)
    assert caught.value.details == {"required": 7, "balance": 3, "shortfall": 4}
    assert balance_of(user) == 3


def test_a_person_without_a_row_has_no_credits() -> None:
    user = make.user()

    with pytest.raises(UserError, match="you have 0"):
        ledger.charge(user, credits=1, reference="job_1:es:1", description="Spanish")

    assert balance_of(user) == 0


def test_requiring_the_sum_names_the_whole_shortfall() -> None:
    user = make.user(credits=10)

    ledger.require(user, credits=10)
    with pytest.raises(UserError) as caught:
        ledger.require(user, credits=14)

    assert caught.value.details == {"required": 14, "balance": 10, "shortfall": 4}


@pytest.mark.parametrize("credits", [0, -1])
def test_an_entry_moves_at_least_one_credit(credits: int) -> None:
    user = make.user(credits=10)

    with pytest.raises(ValueError, match="at least one"):
        ledger.charge(user, credits=credits, reference="job_1:es:1", description="Spanish")


def test_credits_that_come_in_pay_what_is_owed_first() -> None:
    user = make.user()
    ledger.open_account(user)
    UserCredits.objects.filter(user=user).update(owed=6)

    ledger.refund(user, credits=4, reference="a", description="Spanish failed")
    entry = ledger.refund(user, credits=5, reference="b", description="French failed")

    row = UserCredits.objects.get(user=user)
    assert (row.owed, row.balance, entry.balance_after) == (0, 3, 3)


def test_a_grant_names_its_reason_and_who_gave_it() -> None:
    user, staff = make.user(), make.user()

    entry = ledger.grant(user, credits=5, reference="sorry-1", reason="Slow day", by=staff)

    assert (entry.kind, entry.reason, entry.by) == ("grant", "Slow day", staff)


def test_the_models_refuse_to_change_or_delete_an_entry() -> None:
    make.user(credits=5)
    entry = CreditTransaction.objects.get()
    entry.amount = 6

    with pytest.raises(EntryIsFinal):
        entry.save()
    with pytest.raises(EntryIsFinal):
        entry.delete()
    with pytest.raises(EntryIsFinal):
        CreditTransaction.objects.update(amount=6)
    with pytest.raises(EntryIsFinal):
        CreditTransaction.objects.all().delete()
    assert CreditTransaction.objects.get().amount == 5


@pytest.mark.parametrize(
    "columns",
    [
        {"amount": 0},
        {"kind": "job_consumption", "amount": 5},
        {"kind": "refund", "amount": -5},
        {"kind": "grant", "reason": ""},
        {"balance_after": -1},
        {"reference": ""},
    ],
)
def test_the_database_refuses_an_entry_that_makes_no_sense(columns: dict[str, object]) -> None:
    user = make.user()
    sound: dict[str, object] = {"kind": "refund", "amount": 5, "balance_after": 5, "reference": "r"}

    with pytest.raises(IntegrityError), transaction.atomic():
        CreditTransaction.objects.create(user=user, **{**sound, **columns})


@pytest.mark.parametrize(
    "columns", [{"balance": -1}, {"owed": -1}, {"balance": 1, "owed": 1}, {"plan": "gold"}]
)
def test_the_database_refuses_credits_that_make_no_sense(columns: dict[str, object]) -> None:
    user = make.user()
    ledger.open_account(user)

    with pytest.raises(IntegrityError), transaction.atomic():
        UserCredits.objects.filter(user=user).update(**columns)


def test_a_balance_that_left_its_entries_is_found() -> None:
    make.user(credits=5)
    wrong = make.user(credits=5)
    UserCredits.objects.filter(user=wrong).update(balance=6, updated_at=timezone.now())

    assert [(found.user_id, found.stored, found.entries) for found in imbalances()] == [
        (wrong.pk, 6, 5)
    ]


def test_everybody_starts_with_the_starter_plan() -> None:
    assert plan_of(make.user()).id == "starter"


def test_a_plan_can_be_set() -> None:
    user = make.user()

    set_plan(user, plan="creator")

    assert plan_of(user).id == "creator"


def test_the_demo_account_gets_its_credits_once() -> None:
    user = make.user()

    prepare_demo_account(user)
    prepare_demo_account(user)

    assert balance_of(user) == 1000
    assert plan_of(user).id == "professional"
    assert CreditTransaction.objects.filter(user=user).count() == 1
