"""What staff can do about money, each after a question."""

import csv
import io
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import ledger
from billing.models import CreditTransaction, Purchase, UserCredits
from billing.plans import CREATOR
from billing.purchases import ask_for_payment, confirm_payment
from billing.queries import balance_of
from tests import make
from tests.peers.stripe import StripePeer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]

CREDITS = "admin:billing_usercredits_changelist"
ENTRIES = "admin:billing_credittransaction_changelist"
PURCHASES = "admin:billing_purchase_changelist"
ONCE = "5f0f8f6e-6f0b-4f0e-9f43-0c3f7a5cf111"


@pytest.fixture
def staff(client: Client) -> User:
    person = make.staff()
    make.sign_in(client, person)
    return person


def choose(client: Client, page: str, action: str, pk: Any, **told: str) -> str:
    """Choose an action for one row; what the next page says."""
    form = {"action": action, ACTION_CHECKBOX_NAME: [str(pk)], **told}
    return client.post(reverse(page), form, follow=True).content.decode()


def bought(peer: StripePeer, user: User) -> Purchase:
    purchase, _ = ask_for_payment(user, plan=CREATOR)
    intent = str(purchase.stripe_payment_intent_id)
    peer.pay(intent)
    return confirm_payment(user, intent=intent).purchase


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("page", [CREDITS, PURCHASES, "admin:billing_credittransaction_changelist"])
def test_staff_can_read_every_list(client: Client, peer: StripePeer, page: str) -> None:
    bought(peer, make.user(credits=5))

    assert client.get(reverse(page)).status_code == 200


@pytest.mark.usefixtures("staff")
def test_staff_read_what_can_be_refunded(client: Client, peer: StripePeer) -> None:
    purchase = bought(peer, make.user())

    page = client.get(reverse("admin:billing_purchase_change", args=[purchase.pk]))

    assert "credits that can be refunded" in page.content.decode().lower()


def test_a_grant_asks_first_and_then_happens_once(client: Client, staff: User) -> None:
    user = make.user(credits=1)
    told = {"confirmed": "yes", "credits": "30", "reason": "Sorry", "once": ONCE}

    question = choose(client, CREDITS, "grant", user.pk)
    before = balance_of(user)
    for _ in range(2):
        choose(client, CREDITS, "grant", user.pk, **told)

    assert "Give credits to these people?" in question
    assert (before, balance_of(user)) == (1, 31)
    entry = CreditTransaction.objects.get(reference=f"gift:{ONCE}:{user.pk}")
    assert (entry.by, entry.reason) == (staff, "Sorry")
    assert LogEntry.objects.filter(user=staff, change_message__contains="grant: Sorry").exists()


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("credits", ["", "0", "-5", "1e309", "NaN", "10001"])
def test_a_grant_of_nonsense_asks_again(client: Client, credits: str) -> None:
    user = make.user(credits=1)
    told = {"confirmed": "yes", "credits": credits, "reason": "Sorry", "once": ONCE}

    page = choose(client, CREDITS, "grant", user.pk, **told)

    assert "Give credits to these people?" in page
    assert balance_of(user) == 1


@pytest.mark.usefixtures("staff")
def test_a_grant_needs_a_reason(client: Client) -> None:
    user = make.user(credits=1)
    told = {"confirmed": "yes", "credits": "30", "reason": " ", "once": ONCE}

    choose(client, CREDITS, "grant", user.pk, **told)

    assert balance_of(user) == 1


@pytest.mark.usefixtures("staff")
def test_staff_hold_and_release_an_account(client: Client) -> None:
    user = make.user(credits=1)

    choose(client, CREDITS, "hold", user.pk, confirmed="yes", reason="Stolen card?")
    held = UserCredits.objects.get(user=user).frozen
    choose(client, CREDITS, "release", user.pk, confirmed="yes")

    assert (held, UserCredits.objects.get(user=user).frozen) == ("Stolen card?", "")


@pytest.mark.usefixtures("staff")
def test_staff_refund_part_of_a_purchase_and_then_the_rest(
    client: Client, peer: StripePeer
) -> None:
    user = make.user()
    purchase = bought(peer, user)

    told = {"confirmed": "yes", "reason": "Asked"}
    choose(client, PURCHASES, "refund", purchase.pk, **told, credits="10")
    after_part = balance_of(user)
    choose(client, PURCHASES, "refund", purchase.pk, **told)

    assert (after_part, balance_of(user)) == (40, 0)
    assert [one["amount"] for one in peer.account.of_kind("refund")] == [580, 2320]


@pytest.mark.usefixtures("staff")
def test_what_is_impossible_is_told(client: Client, peer: StripePeer) -> None:
    purchase = bought(peer, make.user())

    page = choose(client, PURCHASES, "credit", purchase.pk, confirmed="yes")

    assert "Only a quarantined purchase can be released." in page


@pytest.mark.parametrize("action", ["grant", "hold", "release"])
def test_staff_without_the_right_are_not_even_asked(client: Client, action: str) -> None:
    user = make.user(credits=1)
    helper = User.objects.create_user("helper@example.com", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_usercredits"))
    make.sign_in(client, helper)

    told = {"confirmed": "yes", "credits": "30", "reason": "Mine", "once": ONCE}
    page = choose(client, CREDITS, action, user.pk, **told)

    assert "these people" not in page
    assert balance_of(user) == 1
    assert UserCredits.objects.get(user=user).frozen == ""


@pytest.mark.parametrize("action", ["refund", "credit"])
def test_staff_who_may_only_look_move_no_money(
    client: Client, peer: StripePeer, action: str
) -> None:
    purchase = bought(peer, make.user())
    helper = User.objects.create_user("helper@example.com", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_purchase"))
    make.sign_in(client, helper)

    choose(client, PURCHASES, action, purchase.pk, confirmed="yes", reason="Mine")

    assert balance_of(purchase.user) == 50
    assert peer.account.of_kind("refund") == []


@pytest.mark.parametrize("page", [CREDITS, PURCHASES])
def test_customers_find_no_way_in(client: Client, page: str) -> None:
    client.force_login(make.user())

    assert client.get(reverse(page)).status_code == 302


def test_entries_are_exported_after_a_question_without_formulas(
    client: Client, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    user = make.user()
    entry = ledger.grant(user, credits=5, reference="one", reason="=cmd|' /C calc'!A0", by=staff)
    form = {"action": "export", ACTION_CHECKBOX_NAME: [str(entry.pk)]}

    asked = client.post(reverse(ENTRIES), form).content.decode()
    with caplog.at_level("INFO", "audit"):
        table = client.post(reverse(ENTRIES), form | {"confirmed": "yes"})

    rows = list(csv.reader(io.StringIO(table.getvalue().decode())))
    assert "Take 1 row along as a table?" in asked
    assert dict(zip(*rows, strict=True))["reason"] == "'=cmd|' /C calc'!A0"
    assert f"export: 1 rows of entries by {staff.pk}" in caplog.text
    assert LogEntry.objects.filter(user=staff, change_message__contains="export").count() == 1


def test_all_purchases_of_a_list_are_exported_not_only_those_on_its_page(
    client: Client, staff: User, peer: StripePeer
) -> None:
    user = make.user()
    for _ in range(3):
        ask_for_payment(user, plan=CREATOR)
    one = str(Purchase.objects.earliest("created_at").pk)
    form = {"action": "export", ACTION_CHECKBOX_NAME: [one], "select_across": "1"}

    asked = client.post(reverse(PURCHASES), form).content.decode()
    table = client.post(reverse(PURCHASES), form | {"confirmed": "yes"})

    assert '<input type="hidden" name="select_across" value="1">' in asked
    assert len(table.getvalue().decode().splitlines()) == 1 + 3


def test_the_books_leave_only_with_those_who_may_change_them(client: Client) -> None:
    entry = ledger.grant(make.user(), credits=5, reference="one", reason="Present", by=None)
    helper = User.objects.create_user("helper@example.com", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_credittransaction"))
    make.sign_in(client, helper)

    page = choose(client, ENTRIES, "export", entry.pk, confirmed="yes")

    assert "balance_after" not in page
    assert "Export as a table" not in page
