"""Once per person, whatever account they come with."""

import uuid

import pytest
from djstripe.models import Customer

from accounts.models import User
from billing import services
from billing.models import Dispute, KnownPerson, Purchase
from billing.persons import normalised
from billing.queries import balance_of
from dubber.errors import Conflict
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Jane@Example.com", "jane@example.com"),
        ("jane+dub@example.com", "jane@example.com"),
        ("j.a.n.e+1@googlemail.com", "jane@gmail.com"),
        ("j.ane@example.com", "j.ane@example.com"),
        (" jane@example.com. ", "jane@example.com"),
    ],
)
def test_an_address_has_one_form(written: str, meant: str) -> None:
    assert normalised(written) == meant


def test_another_spelling_of_the_address_gets_no_second_pack() -> None:
    services.grant_starter(make.user("jane.doe@gmail.com"))
    again = make.user("janedoe+2@googlemail.com")

    with pytest.raises(Conflict):
        services.grant_starter(again)

    assert balance_of(again) == 0


def test_the_same_supabase_user_gets_no_second_pack_under_another_address() -> None:
    subject = uuid.uuid4()
    first, second = make.user(), make.user()
    User.objects.filter(pk=first.pk).update(supabase_id=subject)
    first.refresh_from_db()
    services.grant_starter(first)
    services.close_account(first)
    User.objects.filter(pk=first.pk).update(supabase_id=None)
    User.objects.filter(pk=second.pk).update(supabase_id=subject)
    second.refresh_from_db()

    with pytest.raises(Conflict):
        services.grant_starter(second)


def test_deleting_the_account_does_not_bring_a_new_pack() -> None:
    user = make.user("jane@example.com")
    services.grant_starter(user)
    services.close_account(user)
    User.objects.filter(pk=user.pk).update(email=f"{user.pk}@deleted.invalid")

    with pytest.raises(Conflict):
        services.grant_starter(make.user("jane@example.com"))


def test_a_changed_address_is_remembered_at_the_end_too() -> None:
    user = make.user("jane@example.com")
    services.grant_starter(user)
    User.objects.filter(pk=user.pk).update(email="jane@elsewhere.example")
    user.refresh_from_db()
    services.close_account(user)
    User.objects.filter(pk=user.pk).update(email=f"{user.pk}@deleted.invalid")

    with pytest.raises(Conflict):
        services.grant_starter(make.user("jane@elsewhere.example"))


def test_who_never_had_a_pack_may_come_back_for_it() -> None:
    user = make.user("jane@example.com")
    services.close_account(user)
    User.objects.filter(pk=user.pk).update(email=f"{user.pk}@deleted.invalid")

    entry = services.grant_starter(make.user("jane@example.com"))

    assert entry.amount == 20


def test_what_is_kept_names_nobody() -> None:
    services.grant_starter(make.user("jane@example.com"))

    [mark] = KnownPerson.objects.values()

    assert "jane" not in str(mark)
    assert set(mark) == {"id", "by", "digest", "created_at"}


def test_closing_forfeits_what_is_unspent_once() -> None:
    user = make.user(credits=30)

    first, second = services.close_account(user), services.close_account(user)

    assert (first, second) == (30, 0)
    assert balance_of(user) == 0


def test_closing_leaves_no_address_in_our_copy_of_the_customer() -> None:
    user = make.user("jane@example.com")
    told = {"id": "cus_1", "email": user.email, "metadata": {"name": "Jane"}}
    Customer.objects.create(
        id="cus_1", subscriber=user, email=user.email, metadata=told["metadata"], stripe_data=told
    )

    services.close_account(user)

    customer = Customer.objects.get(id="cus_1")
    assert (customer.email, customer.metadata, customer.stripe_data) == ("", {}, {})


def test_an_account_with_a_disputed_payment_can_not_be_closed() -> None:
    user = make.user(credits=30)
    purchase = Purchase.objects.create(
        user=user, plan="creator", credits=50, amount_cents=2900, currency="usd", customer="cus_1"
    )
    Dispute.objects.create(stripe_dispute_id="dp_1", purchase=purchase, cents=2900)

    with pytest.raises(Conflict):
        services.close_account(user)

    assert balance_of(user) == 30
