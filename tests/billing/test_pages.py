"""The pages of money: what they show, and every way to the bank and back."""

import csv
import io
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from billing import gateway, ledger, services
from billing.models import CreditTransaction, Purchase, UserCredits
from billing.plans import CREATOR
from billing.queries import balance_of
from billing.refunds import note_dispute
from billing.sheets import cell
from tests import make
from tests.billing.paying import Till
from tests.peers.stripe import StripePeer
from tests.peers.stripe_account import GOOD_CARD, NEEDS_CONFIRMATION, SLOW

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.usefixtures("adds_up"),
]

MOST_QUERIES = 12


@pytest.fixture
def user(client: Client) -> User:
    person = make.user()
    client.force_login(person)
    return person


def shown(client: Client, url: str = "/billing") -> str:
    response = client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


def buy(client: Client, *, back: str = "", plan: str = "creator") -> Any:
    """Press a pack's button, as the page has it."""
    once = re.findall(r'name="once" value="([^"]+)"', shown(client))[0]
    return client.post("/billing/buy", {"plan": plan, "once": once, "next": back})


def pay(client: Client, peer: StripePeer, card: str = GOOD_CARD, *, back: str = "") -> str:
    """Buy a pack at Stripe's page; where that leads back to, without the host."""
    address = buy(client, back=back)["Location"]
    return peer.click(address.rpartition("/")[2], card).removeprefix("http://localhost:8000")


def way_back(peer: StripePeer) -> str:
    """Where the newest page of Stripe's leads when somebody leaves it."""
    session = peer.account.of_kind("checkout.session")[-1]
    return str(session["cancel_url"]).removeprefix("http://localhost:8000")


def test_a_newcomer_without_keys_reads_that_buying_is_off_and_takes_the_starter_pack(
    client: Client, user: User
) -> None:
    before = shown(client)
    after = client.post("/billing/starter", follow=True).content.decode()

    assert "Buying is off on this site" in before
    assert "Take 20 free credits" in before
    assert "Get 50 credits" not in before
    assert "20 credits are there." in after
    assert "Take 20 free credits" not in after
    assert balance_of(user) == 20
    assert "Make a dub" in after


def test_a_second_starter_pack_is_refused_in_plain_words(client: Client, user: User) -> None:
    client.post("/billing/starter")

    page = client.post("/billing/starter", follow=True).content.decode()

    assert "You have had your free Starter pack already." in page
    assert balance_of(user) == 20


def test_the_page_lists_packs_entries_and_payments(client: Client, user: User, till: Till) -> None:
    till.buy(user, CREATOR)
    job = make.job(user, languages=["es"])

    page = shown(client)

    assert "Get 250 credits for $99" in page
    assert "recordings of up to 30 minutes" in page
    assert f'<a href="/jobs/{job.public_id}">Dub: Spanish</a>' in page
    assert "\N{MINUS SIGN}7" in page
    assert "+50" in page
    assert "$29" in page


def test_long_lists_are_paged_and_ask_no_more_than_short_ones(
    client: Client, user: User, till: Till
) -> None:
    till.buy(user)
    few = queries(client, "/billing")
    for number in range(45):
        ledger.grant(user, credits=1, reference=f"many:{number}", reason="Many", by=None)
        if number < 25:
            till.open(user)

    many = queries(client, "/billing")

    assert many == few
    assert many <= MOST_QUERIES
    assert shown(client).count("Granted") == 20
    assert "Page 1 of 3" in shown(client)
    assert shown(client, "/billing?page=3").count("Granted") == 5
    assert "Page 2 of 2" in shown(client, "/billing?payments=2")


def test_ones_own_page_holds_nothing_of_others(client: Client, user: User, till: Till) -> None:
    bought = till.buy(make.user())

    assert shown(client).count("+50") == 0
    for address in ("", "/state"):
        assert client.get(f"/billing/purchases/{bought.pk}{address}").status_code == 404
    for verb in ("pay", "cancel"):
        page = client.post(f"/billing/purchases/{bought.pk}/{verb}", follow=True).content.decode()
        assert "We can&#x27;t find this purchase." in page


def test_a_paid_pack_is_there_on_the_way_back_and_leads_to_where_one_was(
    client: Client, user: User, peer: StripePeer
) -> None:
    back = pay(client, peer, back="/jobs/new?draft=7")

    page = shown(client, back)

    assert "50 credits are there" in page
    assert '<a class="button" href="/jobs/new?draft=7">' in page
    assert balance_of(user) == 50


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_way_back_to_another_site_is_forgotten(
    client: Client, user: User, peer: StripePeer, back: str
) -> None:
    page = shown(client, pay(client, peer, back=back))

    assert "50 credits are there" in page
    assert "evil" not in page
    assert "alert(1)" not in page


def test_two_clicks_on_one_button_are_one_purchase(
    client: Client, user: User, peer: StripePeer
) -> None:
    once = re.findall(r'name="once" value="([^"]+)"', shown(client))[0]
    form = {"plan": "creator", "once": once}

    first, second = (client.post("/billing/buy", form)["Location"] for _ in range(2))
    peer.click(first.rpartition("/")[2], GOOD_CARD)
    client.get(way_back(peer))
    third = client.post("/billing/buy", form)["Location"]

    assert first == second
    assert third.endswith(f"/billing/purchases/{Purchase.objects.get().pk}")
    assert balance_of(user) == 50


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("cancel", "You have not paid yet."),
        ("pm_card_chargeDeclined", "Your bank refused the card. Nothing was charged"),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            "There isn&#x27;t enough money on this card. Nothing was charged.",
        ),
        (NEEDS_CONFIRMATION, "Your bank wants you to confirm the payment first."),
    ],
)
def test_who_comes_back_without_paying_reads_why_and_can_pay_after_all(
    client: Client, user: User, peer: StripePeer, card: str, words: str
) -> None:
    pay(client, peer, card)

    page = shown(client, way_back(peer))
    purchase = Purchase.objects.get()
    again = client.post(f"/billing/purchases/{purchase.pk}/pay")["Location"]
    peer.click(again.rpartition("/")[2], GOOD_CARD)

    assert words in page
    assert "Pay $29 for 50 credits" in page
    assert "50 credits are there" in shown(client, way_back(peer))
    assert balance_of(user) == 50


def test_who_is_refused_by_their_banks_question_reads_so(
    client: Client, user: User, peer: StripePeer
) -> None:
    pay(client, peer, NEEDS_CONFIRMATION)
    session = peer.account.of_kind("checkout.session")[-1]
    peer.click(session["id"], "deny")

    page = shown(client, way_back(peer))

    assert "Your bank couldn&#x27;t confirm that it was you." in page


def test_a_payment_at_a_slow_bank_is_waited_for_and_comes_by_itself(
    client: Client, user: User, peer: StripePeer
) -> None:
    back = pay(client, peer, SLOW)
    state = back.partition("?")[0] + "/state"

    page, waiting = shown(client, back), client.get(state).json()
    peer.account.arrive(peer.account.of_kind("payment_intent")[0])
    arrived = client.get(state).json()

    assert "Your bank is still working on it. Your credits come by themselves." in page
    assert f'data-coming="{state}"' in page
    assert (waiting, arrived) == ({"coming": True}, {"coming": False})
    assert balance_of(user) == 50


def test_a_silent_stripe_is_waited_for(client: Client, user: User, peer: StripePeer) -> None:
    back = pay(client, peer)
    session = peer.account.of_kind("checkout.session")[0]
    peer.fail("GET", f"/v1/checkout/sessions/{session['id']}")

    silent, heard = shown(client, back), shown(client, back)

    assert "If you paid, your credits come by themselves." in silent
    assert "50 credits are there" in heard


def test_a_page_looked_at_again_and_again_asks_stripe_only_so_often(
    client: Client, user: User, peer: StripePeer
) -> None:
    back = pay(client, peer, SLOW)
    for _ in range(30):
        client.get(back)

    session = peer.account.of_kind("checkout.session")[0]

    assert peer.count("GET", f"/v1/checkout/sessions/{session['id']}") == 20
    assert "Your payment is on its way" in shown(client, back)


def test_a_purchase_given_up_can_be_paid_no_more(
    client: Client, user: User, peer: StripePeer
) -> None:
    pay(client, peer, "cancel")
    purchase = Purchase.objects.get()

    page = client.post(f"/billing/purchases/{purchase.pk}/cancel", follow=True).content.decode()
    afterwards = shown(client, f"/billing/purchases/{purchase.pk}")

    assert "Given up. Nothing was charged." in page
    assert "This payment was cancelled. Nothing was charged." in afterwards
    assert "Get 50 credits for $29 after all" in afterwards
    assert peer.account.of_kind("checkout.session")[0]["status"] == "expired"


def test_a_refused_card_on_an_abandoned_page_ends_with_the_page(
    client: Client, user: User, peer: StripePeer
) -> None:
    pay(client, peer, "pm_card_chargeDeclined")
    peer.account.expire(peer.account.of_kind("checkout.session")[0])

    page = shown(client, way_back(peer))

    assert "This payment was cancelled. Nothing was charged." in page
    assert Purchase.objects.get().status == "cancelled"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"plan": "starter"},
        {"plan": "all-of-it"},
        {"plan": "creator", "once": "x", "amount": "1", "credits": "9999"},
    ],
)
def test_what_is_no_pack_is_refused(
    client: Client, user: User, peer: StripePeer, form: dict[str, str]
) -> None:
    page = client.post("/billing/buy", form, follow=True).content.decode()

    assert "Choose one of the packs." in page
    assert Purchase.objects.count() == 0


def test_prices_and_credits_in_a_form_are_ignored(
    client: Client, user: User, peer: StripePeer
) -> None:
    once = re.findall(r'name="once" value="([^"]+)"', shown(client))[0]
    form = {"plan": "creator", "once": once, "amount": "1", "credits": "9999", "user_id": "1"}

    client.post("/billing/buy", form)

    purchase = Purchase.objects.get()
    assert (purchase.amount_cents, purchase.credits, purchase.user) == (2900, 50, user)


def test_buying_without_keys_is_refused_in_plain_words(client: Client, user: User) -> None:
    form = {"plan": "creator", "once": "0190a6a0-0000-4000-8000-000000000000"}

    page = client.post("/billing/buy", form, follow=True).content.decode()

    assert "Buying credits is off on this site." in page


def test_what_is_owed_is_told_with_its_reason(client: Client, user: User, till: Till) -> None:
    bought = till.buy(user)
    make.job(user, languages=["es"])
    intent = str(bought.stripe_payment_intent_id)
    note_dispute(dispute_id="dp_1", intent=intent, cents=2900, status="needs_response")
    disputed = shown(client)

    note_dispute(dispute_id="dp_1", intent=intent, cents=2900, status="lost")
    owing = shown(client)

    assert "Your bank questions one of your payments." in disputed
    assert "You owe 7 credits" in owing
    assert "Payment taken back by the bank" in owing


def test_an_account_on_hold_is_told_so(client: Client, user: User) -> None:
    services.freeze(user, reason="Looks odd", by=make.staff())

    page = shown(client)

    assert "Your account is on hold." in page
    assert "Looks odd" not in page


def test_only_the_pages_that_lead_to_stripe_let_forms_end_there(
    client: Client, user: User, settings: Settings
) -> None:
    policies = {url: client.get(url)["Content-Security-Policy"] for url in ("/billing", "/jobs")}

    assert "form-action 'self' https://checkout.stripe.com;" in policies["/billing"]
    assert "form-action 'self';" in policies["/jobs"]


def test_ones_ledger_can_be_taken_along_as_a_table(client: Client, user: User) -> None:
    ledger.grant(user, credits=20, reference="one", reason="Present", by=None)
    ledger.charge(user, credits=7, reference="two", description="=HYPERLINK(1)")

    response = client.get("/billing/transactions.csv")
    rows = list(csv.reader(io.StringIO(response.getvalue().decode())))

    assert response["Content-Disposition"] == 'attachment; filename="dubber-transactions.csv"'
    assert [row[1:] for row in rows[1:]] == [
        ["job_consumption", "'=HYPERLINK(1)", "-7", "13"],
        ["grant", "Granted", "20", "20"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_a_text_in_a_table_is_never_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-7, 0, 1.5, None, "a-b", "talk = cheap", ""])
def test_numbers_and_other_texts_stay_as_they_are(value: object) -> None:
    assert cell(value) == value


def test_a_closed_account_buys_nothing(client: Client, user: User, peer: StripePeer) -> None:
    ledger.open_account(user)
    services.close_account(user)

    page = buy(client)

    assert page["Location"] == "/billing"
    assert not CreditTransaction.objects.filter(user=user).exists()
    assert UserCredits.objects.get(user=user).balance == 0
    assert gateway.is_enabled()
