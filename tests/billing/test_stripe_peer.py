"""The Stripe of our own behaves like the real one where money depends on it."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.peers import stripe_mail
from tests.peers.stripe import StripePeer
from tests.peers.stripe_forms import parsed

KEY = "sk_test_" + "only4tests" * 3


def ask(peer: StripePeer, path: str, form: str = "", **headers: str) -> tuple[int, Any]:
    """Send a form to the peer, or look at something; status and answer."""
    sent = {"Authorization": f"Bearer {KEY}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    request = urllib.request.Request(peer.url + path, form.encode() or None, sent)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def intent_form(peer: StripePeer, amount: int = 2900) -> str:
    customer = ask(peer, "/v1/customers", "email=a%40example.com")[1]["id"]
    return f"amount={amount}&currency=usd&customer={customer}"


def test_a_form_is_nested_as_its_names_say() -> None:
    form = "a[b]=1&c[0][d]=2&c[1][d]=3&expand[]=x&plain=4"

    assert parsed(form) == {
        "a": {"b": "1"},
        "c": [{"d": "2"}, {"d": "3"}],
        "expand": ["x"],
        "plain": "4",
    }


def test_the_same_key_does_a_thing_once(peer: StripePeer) -> None:
    form = intent_form(peer)

    answers = [ask(peer, "/v1/payment_intents", form, Idempotency_Key="one") for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert len(peer.account.of_kind("payment_intent")) == 1


def test_a_key_can_not_be_used_for_something_else(peer: StripePeer) -> None:
    form = intent_form(peer)
    ask(peer, "/v1/payment_intents", form, Idempotency_Key="one")

    status, answer = ask(
        peer, "/v1/payment_intents", f"{form}&description=x", Idempotency_Key="one"
    )

    assert (status, answer["error"]["type"]) == (400, "idempotency_error")


def test_a_wrong_key_of_the_account_is_refused(peer: StripePeer) -> None:
    status, _ = ask(peer, "/v1/payment_intents", "amount=1", Authorization="Bearer wrong")

    assert status == 401


def test_the_other_mode_sees_nothing(peer: StripePeer) -> None:
    made = ask(peer, "/v1/payment_intents", intent_form(peer))[1]["id"]
    live = "Bearer sk_live_" + "only4tests" * 3

    status, answer = ask(peer, f"/v1/payment_intents/{made}", Authorization=live)

    assert (status, answer["error"]["code"]) == (404, "resource_missing")


def test_a_checkout_page_can_be_clicked_until_it_is_paid(peer: StripePeer) -> None:
    customer = ask(peer, "/v1/customers", "email=a%40example.com")[1]["id"]
    form = urllib.parse.urlencode(
        {
            "mode": "payment",
            "customer": customer,
            "success_url": f"{peer.url}/v1/account?paid={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{peer.url}/v1/account?cancelled",
            "line_items[0][quantity]": 1,
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": 2900,
            "line_items[0][price_data][product_data][name]": "<Creator>",
        }
    )
    session = ask(peer, "/v1/checkout/sessions", form)[1]

    with urllib.request.urlopen(session["url"]) as page:
        shown = page.read().decode()
    led = [peer.click(session["id"], card) for card in ("cancel", "pm_card_chargeDeclined")]
    paid = peer.click(session["id"], "pm_card_visa")

    assert "29.00 USD" in shown
    assert "&lt;Creator&gt;" in shown
    assert led == [session["cancel_url"], session["url"]]
    assert paid.endswith(f"?paid={session['id']}")
    assert ask(peer, f"/v1/checkout/sessions/{session['id']}")[1]["status"] == "complete"


def test_more_than_was_paid_can_not_be_refunded(peer: StripePeer) -> None:
    made = ask(peer, "/v1/payment_intents", intent_form(peer))[1]["id"]
    peer.pay(made)

    answers = [ask(peer, "/v1/refunds", f"payment_intent={made}&amount=2000") for _ in range(2)]

    assert [status for status, _ in answers] == [200, 400]


def test_an_event_is_sent_again_until_it_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_mail, "FIRST_PAUSE", 0.01)
    heard: list[str] = []

    class Deaf(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(self.headers["Stripe-Signature"])
            self.send_response(500 if len(heard) < 3 else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Deaf) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/"
        done = stripe_mail.send_until_heard({"id": "evt_1"}, url=url, secret="whsec_1")
        server.shutdown()
        thread.join()

    assert done
    assert len(heard) == 3
