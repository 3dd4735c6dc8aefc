"""The API of money: its shapes, and what it refuses."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from billing import ledger
from billing.models import CreditTransaction, Purchase, UserCredits
from billing.queries import balance_of
from dubber.models import KeptAnswer
from tests import make
from tests.peers.stripe import StripePeer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]

PAYMENTS = "/api/payments"


def signed_in(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def post(client: APIClient, path: str, body: Any, **headers: str) -> Any:
    return client.post(path, body, format="json", headers=headers)


def test_a_job_is_priced_as_the_contract_says() -> None:
    body = {"languages": ["es", "ja", "hi"], "duration": 61}

    answer = post(signed_in(make.user()), f"{PAYMENTS}/calculate-job-cost", body)

    assert answer.json() == {
        "estimated_cost": 7 + 8 + 10,
        "languages": ["es", "ja", "hi"],
        "duration": 61.0,
        "breakdown": {
            "es": {
                "duration": 61.0,
                "rate_per_second": 0.1,
                "multiplier": 1.0,
                "cost": 7,
                "classification": "common",
            },
            "ja": {
                "duration": 61.0,
                "rate_per_second": 0.1,
                "multiplier": 1.2,
                "cost": 8,
                "classification": "uncommon",
            },
            "hi": {
                "duration": 61.0,
                "rate_per_second": 0.1,
                "multiplier": 1.5,
                "cost": 10,
                "classification": "rare",
            },
        },
        "bonus": 0,
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"languages": ["es"], "duration": 0}',
        '{"languages": ["es"], "duration": -61}',
        '{"languages": ["es"], "duration": NaN}',
        '{"languages": ["es"], "duration": "nan"}',
        '{"languages": ["es"], "duration": "inf"}',
        '{"languages": ["es"], "duration": 1e309}',
        '{"languages": ["es"], "duration": true}',
        '{"languages": ["es"], "duration": null}',
        '{"languages": ["es"]}',
        '{"languages": [], "duration": 61}',
        '{"languages": ["es", "es-MX"], "duration": 61}',
        '{"languages": ["xx"], "duration": 61}',
        '{"languages": "es", "duration": 61}',
        '{"languages": [["es"]], "duration": 61}',
        "[]",
        "61",
        "{",
        "",
    ],
)
def test_a_price_for_nonsense_is_refused(text: str) -> None:
    client = signed_in(make.user())

    answer = client.post(f"{PAYMENTS}/calculate-job-cost", text, content_type="application/json")

    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")


@pytest.mark.parametrize("languages", ["languages=es,fr", "languages=es&languages=fr"])
def test_affording_a_job_tells_what_is_missing(languages: str) -> None:
    client = signed_in(make.user(credits=10))

    answer = client.get(f"{PAYMENTS}/can-afford-job?{languages}&duration=61").json()

    assert answer.pop("cost_breakdown").keys() == {"es", "fr"}
    assert answer == {
        "can_afford": False,
        "current_balance": 10,
        "estimated_cost": 14,
        "shortfall": 4,
    }


def test_what_is_owed_counts_as_missing() -> None:
    user = make.user()
    ledger.take_back(user, credits=5, reference="dispute:1", description="Payment refunded")

    answer = signed_in(user).get(f"{PAYMENTS}/can-afford-job?languages=es&duration=61").json()

    assert (answer["current_balance"], answer["shortfall"]) == (0, 12)


@pytest.mark.parametrize("query", ["", "?languages=es", "?duration=61", "?languages=,&duration=61"])
def test_affording_nothing_is_refused(query: str) -> None:
    answer = signed_in(make.user()).get(f"{PAYMENTS}/can-afford-job{query}")

    assert answer.status_code == 400


def test_everybody_may_see_the_plans() -> None:
    answer = APIClient().get(f"{PAYMENTS}/pricing-plans").json()

    assert [(one["id"], one["credits"], one["price_cents"]) for one in answer["plans"]] == [
        ("starter", 20, 0),
        ("creator", 50, 2900),
        ("professional", 250, 9900),
    ]
    assert answer["plans"][0]["limits"] == {
        "longest_seconds": 180,
        "largest_bytes": 100 * 1024 * 1024,
        "languages": 2,
        "kept_hours": 48,
        "api_keys": False,
        "premium_voices": False,
    }


def test_the_starter_pack_is_granted_at_once_and_once() -> None:
    user = make.user()
    client = signed_in(user)

    first = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "starter"})
    second = post(client, f"{PAYMENTS}/create-payment-intent/", {"plan": "starter"})

    assert first.json() == {"client_secret": None, "payment_intent_id": None, "amount": 0}
    assert (second.status_code, second.json()["error"]) == (409, "conflict")
    assert balance_of(user) == 20


def test_an_address_that_is_not_verified_gets_no_starter_pack() -> None:
    user = make.user()
    User.objects.filter(pk=user.pk).update(email_verified_at=None)

    answer = post(signed_in(user), f"{PAYMENTS}/create-payment-intent", {"plan": "starter"})

    assert (answer.status_code, answer.json()["error"]) == (403, "email_unverified")


def test_a_pack_is_bought_by_intent_and_confirmation(peer: StripePeer) -> None:
    user = make.user()
    client = signed_in(user)
    asked = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"}).json()
    peer.pay(asked["payment_intent_id"])

    body = {"payment_intent_id": asked["payment_intent_id"]}
    answers = [post(client, f"{PAYMENTS}/confirm-payment", body).json() for _ in range(2)]

    assert asked["amount"] == 2900
    assert asked["client_secret"].startswith(asked["payment_intent_id"])
    told = {"success": True, "credits_added": 50, "new_balance": 50, "message": ""}
    assert answers == [told, told]


def test_a_payment_that_has_not_arrived_is_no_success(peer: StripePeer) -> None:
    client = signed_in(make.user())
    asked = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"}).json()

    body = {"payment_intent_id": asked["payment_intent_id"]}
    answer = post(client, f"{PAYMENTS}/confirm-payment", body)

    assert answer.status_code == 200
    assert answer.json() == {
        "success": False,
        "credits_added": 0,
        "new_balance": 0,
        "message": "You have not paid yet.",
    }


def test_a_body_sets_neither_price_nor_credits_nor_person(peer: StripePeer) -> None:
    user, victim = make.user(), make.user()
    body = {
        "plan": "creator",
        "amount": 1,
        "credits": 1_000_000,
        "currency": "jpy",
        "user_id": str(victim.pk),
        "price_cents": 1,
    }

    asked = post(signed_in(user), f"{PAYMENTS}/create-payment-intent", body).json()

    purchase = Purchase.objects.get()
    assert (purchase.user, purchase.amount_cents, purchase.credits) == (user, 2900, 50)
    assert peer.account.objects[asked["payment_intent_id"]]["amount"] == 2900
    assert peer.account.objects[asked["payment_intent_id"]]["currency"] == "usd"


@pytest.mark.parametrize("plan", ["", "free", "Creator", 5, None, True, ["creator"], {"id": 1}])
def test_a_plan_that_is_none_is_refused(peer: StripePeer, plan: Any) -> None:
    answer = post(signed_in(make.user()), f"{PAYMENTS}/create-payment-intent", {"plan": plan})

    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert Purchase.objects.count() == 0


@pytest.mark.parametrize("amount", [0, -2900, 1, 2901, 29.5, "x", None, [2900], 10**30])
def test_an_amount_that_is_no_price_is_refused(peer: StripePeer, amount: Any) -> None:
    client = signed_in(make.user())

    answer = post(client, "/api/billing/create-payment-intent", {"amount": amount})

    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert Purchase.objects.count() == 0


def test_the_front_ends_form_buys_by_the_exact_price(peer: StripePeer) -> None:
    client = signed_in(make.user())

    asked = post(client, "/api/billing/create-payment-intent", {"amount": 9900}).json()

    assert asked["amount"] == 9900
    assert Purchase.objects.get().plan == "professional"
    [listed] = client.get("/api/billing/transactions").json()
    assert listed["created_at"].endswith("Z")
    assert (listed["amount"], listed["currency"], listed["status"]) == (9900, "usd", "open")
    assert listed["description"] == "Professional: 250 credits"


@pytest.mark.parametrize("intent", ["", "pi_nobody", "cs_1", "pi_1/../../x", None, 7, {"id": 1}])
def test_a_payment_that_is_not_there_brings_nothing(peer: StripePeer, intent: Any) -> None:
    user = make.user()

    body = {"payment_intent_id": intent}
    answer = post(signed_in(user), f"{PAYMENTS}/confirm-payment", body)

    assert answer.status_code in {400, 404}
    assert balance_of(user) == 0


def test_somebody_elses_payment_is_not_found(peer: StripePeer) -> None:
    owner, stranger = make.user(), make.user()
    asked = post(signed_in(owner), f"{PAYMENTS}/create-payment-intent", {"plan": "creator"}).json()
    peer.pay(asked["payment_intent_id"])

    body = {"payment_intent_id": asked["payment_intent_id"]}
    answer = post(signed_in(stranger), f"{PAYMENTS}/confirm-payment", body)

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert balance_of(owner) == balance_of(stranger) == 0
    assert post(signed_in(owner), f"{PAYMENTS}/confirm-payment", body).json()["success"]


def test_the_same_key_asks_for_one_payment(peer: StripePeer) -> None:
    client = signed_in(make.user())
    path, key = f"{PAYMENTS}/create-payment-intent", {"Idempotency-Key": "one"}

    first = post(client, path, {"plan": "creator"}, **key).json()
    second = post(client, path, {"plan": "creator"}, **key).json()
    other = post(client, path, {"plan": "professional"}, **key)

    assert first == second
    assert other.status_code == 422
    assert Purchase.objects.count() == len(peer.account.of_kind("payment_intent")) == 1


def test_a_request_whose_answer_was_lost_asks_for_the_same_payment_again(
    peer: StripePeer,
) -> None:
    client = signed_in(make.user())
    peer.fail("POST", "/v1/payment_intents", lost=True)
    path, key = f"{PAYMENTS}/create-payment-intent", {"Idempotency-Key": "one"}

    first = post(client, path, {"plan": "creator"}, **key)
    second = post(client, path, {"plan": "creator"}, **key)

    assert (first.status_code, first.json()["error"]) == (503, "service_busy")
    assert second.status_code == 200
    assert Purchase.objects.count() == len(peer.account.of_kind("payment_intent")) == 1


def test_after_a_refusal_the_same_key_may_ask_for_another_plan(peer: StripePeer) -> None:
    client = signed_in(make.user())
    peer.fail("POST", "/v1/payment_intents", lost=True)
    path, key = f"{PAYMENTS}/create-payment-intent", {"Idempotency-Key": "one"}

    first = post(client, path, {"plan": "creator"}, **key)
    second = post(client, path, {"plan": "professional"}, **key)

    assert first.status_code == 503
    assert (second.status_code, second.json()["amount"]) == (200, 9900)


def test_a_key_of_long_ago_never_touches_a_payment_that_was_made(peer: StripePeer) -> None:
    user = make.user()
    client = signed_in(user)
    path, key = f"{PAYMENTS}/create-payment-intent", {"Idempotency-Key": "one"}
    asked = post(client, path, {"plan": "creator"}, **key).json()
    peer.pay(asked["payment_intent_id"])
    body = {"payment_intent_id": asked["payment_intent_id"]}
    post(client, f"{PAYMENTS}/confirm-payment", body)
    KeptAnswer.objects.all().delete()  # after a day

    answer = post(client, path, {"plan": "creator"}, **key)

    assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_mismatch")
    assert Purchase.objects.get().stripe_payment_intent_id == asked["payment_intent_id"]


def test_what_stripe_refuses_is_told_without_a_traceback(peer: StripePeer) -> None:
    client = signed_in(make.user())
    post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"})
    for customer in peer.account.of_kind("customer"):
        del peer.account.objects[customer["id"]]

    answer = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"})

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_buying_is_off_without_keys() -> None:
    client = signed_in(make.user())

    answer = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"})

    assert (answer.status_code, answer.json()["error"]) == (503, "buying_off")


def test_credits_and_transactions_are_ones_own(peer: StripePeer) -> None:
    user = make.user(credits=5)
    make.user(credits=99)
    client = signed_in(user)
    asked = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"}).json()
    peer.pay(asked["payment_intent_id"])
    post(client, f"{PAYMENTS}/confirm-payment", {"payment_intent_id": asked["payment_intent_id"]})

    credits = client.get(f"{PAYMENTS}/credits/").json()
    bought, granted = client.get(f"{PAYMENTS}/transactions").json()

    assert credits == {"balance": 55, "user_id": str(user.pk)}
    assert (bought["transaction_type"], bought["amount"]) == ("purchase", 50)
    assert bought["stripe_payment_intent_id"] == asked["payment_intent_id"]
    assert bought["description"] == "Bought: Creator"
    assert isinstance(bought["id"], str)
    assert bought["created_at"].endswith("Z")
    assert (granted["transaction_type"], granted["stripe_payment_intent_id"]) == ("grant", None)


def test_transactions_come_in_parts() -> None:
    user = make.user(credits=100)
    for number in range(4):
        ledger.charge(user, credits=1, reference=f"part:{number}", description="Dub")
    client = signed_in(user)

    part = client.get(f"{PAYMENTS}/transactions?limit=2&offset=3").json()

    assert [one["amount"] for one in part] == [-1, 100]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1"])
def test_an_impossible_part_is_refused(query: str) -> None:
    answer = signed_in(make.user()).get(f"{PAYMENTS}/transactions?{query}")

    assert answer.status_code == 400


def test_a_long_ledger_takes_no_more_queries(
    django_assert_max_num_queries: Any, peer: StripePeer
) -> None:
    user = make.user(credits=100)
    for number in range(40):
        ledger.charge(user, credits=1, reference=f"part:{number}", description="Dub")
    client = signed_in(user)

    with django_assert_max_num_queries(6):
        client.get(f"{PAYMENTS}/transactions")


def test_an_entry_tells_no_names(peer: StripePeer) -> None:
    user = make.user("jane.doe@example.com", credits=5)
    client = signed_in(user)
    asked = post(client, f"{PAYMENTS}/create-payment-intent", {"plan": "creator"}).json()
    peer.pay(asked["payment_intent_id"])
    post(client, f"{PAYMENTS}/confirm-payment", {"payment_intent_id": asked["payment_intent_id"]})

    entries = CreditTransaction.objects.filter(user=user).values_list(
        "reference", "description", "reason"
    )

    assert "jane" not in str(list(entries)).lower()
    assert UserCredits.objects.get(user=user).balance == 55
