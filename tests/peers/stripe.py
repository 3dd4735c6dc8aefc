"""A server that speaks Stripe's wire format: payments, Checkout pages, refunds, disputes, webhooks.

Requests are made safe to repeat by their idempotency keys, as Stripe does it. Events are kept, so
that a test can deliver them in any order and number; `deliver_by_itself` sends them to the webhooks
that were registered, again and again until they are accepted.
"""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tests.peers import stripe_book
from tests.peers.stripe_account import GOOD_CARD, Account, Refusal
from tests.peers.stripe_forms import parsed
from tests.peers.stripe_mail import send_until_heard
from tests.peers.stripe_page import page_of

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]

LISTED = {
    "payment_intents": "payment_intent",
    "customers": "customer",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "events": "event",
    "payment_methods": "payment_method",
    "webhook_endpoints": "webhook_endpoint",
}


@dataclass
class Call:
    """One request as it came in."""

    method: str
    path: str
    form: Object
    live: bool
    key: str = ""


@dataclass
class Fault:
    """What goes wrong with the next requests to a path. lost: done, but never answered."""

    method: str
    path: str
    times: int = 1
    lost: bool = False


class ConnectionLost(Exception):
    """The answer never arrives."""


@dataclass
class StripePeer:
    """The server, by default on a free port of this machine, and its one account.

    book is the file in which the account is kept, if it is.
    """

    port: int = 0
    book: Path | None = None
    account: Account = field(default_factory=Account)
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    slow_seconds: float | None = None
    _answers: dict[str, tuple[str, Object, int, Object]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", self.port), type("Handler", (StripeHandler,), {"peer": self})
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        if self.book:
            self.account = stripe_book.read(self.book)
        self.account.url = self.url

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which a site takes this for Stripe."""
        return {
            "STRIPE_API_BASE": self.url,
            "STRIPE_SECRET_KEY": "sk_test_" + "stand0in" * 3,
            "STRIPE_PUBLIC_KEY": "pk_test_" + "stand0in" * 3,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, method: str, path: str, *, times: int = 1, lost: bool = False) -> None:
        """Let the next requests to a path fail: before they are done, or (lost) afterwards."""
        self.faults.append(Fault(method, path, times, lost))

    def count(self, method: str, path: str) -> int:
        """How many requests to that path came in."""
        return sum(call.method == method and call.path == path for call in self.calls)

    def pay(self, intent: str, card: str = GOOD_CARD, *, live: bool = False) -> Object:
        """Pay as the customer's browser does. Raises Refusal."""
        with self._lock:
            found = self.account.get(intent, live=live, kind="payment_intent")
            return self.account.confirm(found, card)

    def events(self, *names: str) -> list[Object]:
        """The events of those types, or all of them."""
        return [event for event in self.account.events if not names or event["type"] in names]

    def forget_keys(self) -> None:
        """Forget what was asked with which idempotency key, as Stripe does after a day."""
        self._answers.clear()

    def answer(self, call: Call) -> tuple[int, Object]:
        """Do what a request asks for, once for each idempotency key."""
        with self._lock:
            self.calls.append(call)
            fault = self._fault(call)
            if fault and not fault.lost:
                return 500, {"error": {"type": "api_error", "message": "Something went wrong."}}
            answer = self._once(call)
            self._keep()
        if fault:
            raise ConnectionLost
        return answer

    def _fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            if fault.times and (fault.method, fault.path) == (call.method, call.path):
                fault.times -= 1
                return fault
        return None

    def _once(self, call: Call) -> tuple[int, Object]:
        earlier = self._answers.get(call.key) if call.key else None
        if earlier is None:
            status, body = self._work(call)
            body = json.loads(json.dumps(body))
            if call.key and status < 500:
                self._answers[call.key] = (call.path, call.form, status, body)
            return status, body
        path, form, status, body = earlier
        if (path, form) != (call.path, call.form):
            message = "Keys for idempotent requests can only be used with the same parameters."
            return 400, {"error": {"type": "idempotency_error", "message": message}}
        return status, body

    def _work(self, call: Call) -> tuple[int, Object]:
        try:
            return 200, self._route(call)
        except Refusal as refusal:
            return refusal.status, {"error": refusal.error}

    def _route(self, call: Call) -> Object:
        account, live, form = self.account, call.live, call.form
        kind, *rest = call.path.removeprefix("/v1/").removeprefix("checkout/").split("/")
        if kind in {"account", "accounts"}:
            return {"id": "acct_peer", "object": "account", "livemode": live, "metadata": {}}
        makers: dict[str, Callable[..., Object]] = {
            "customers": account.create_customer,
            "payment_intents": account.create_intent,
            "sessions": account.create_session,
            "refunds": account.create_refund,
            "webhook_endpoints": self._create_endpoint,
        }
        if call.method == "POST" and not rest:
            return makers[kind](form, live=live)
        if not rest:
            return self._list(LISTED[kind], form, live=live)
        found = account.get(rest[0], live=live, kind=LISTED.get(kind, "checkout.session"))
        if call.method == "POST":
            return self._act(found, rest[1:], form)
        return self._expanded(found, form)

    def _act(self, found: Object, verbs: list[str], form: Object) -> Object:
        match [found["object"], *verbs]:
            case ["payment_intent", "confirm"]:
                return self.account.confirm(found, form.get("payment_method", GOOD_CARD))
            case ["payment_intent", "cancel"]:
                return self.account.cancel(found)
            case ["checkout.session", "expire"]:
                return self.account.expire(found)
            case _:
                raise Refusal(404, "unknown_url", "Unrecognized request URL.")

    def _list(self, kind: str, form: Object, *, live: bool) -> Object:
        wanted = {name: form[name] for name in ("payment_intent", "customer") if name in form}
        found = [
            one
            for one in self.account.objects.values()
            if (one["object"], one["livemode"]) == (kind, live)
            and all(one.get(name) == value for name, value in wanted.items())
        ]
        newest = list(reversed(found))[: int(form.get("limit", 10))]
        return {"object": "list", "data": newest, "has_more": False, "url": ""}

    def _expanded(self, found: Object, form: Object) -> Object:
        names = [name for name in form.get("expand", []) if found.get(name)]
        return {**found, **{name: self.account.objects[found[name]] for name in names}}

    def _create_endpoint(self, form: Object, *, live: bool) -> Object:
        return self.account.add(
            "we",
            "webhook_endpoint",
            live=live,
            url=form["url"],
            enabled_events=form["enabled_events"],
            api_version=form.get("api_version"),
            metadata=form.get("metadata", {}),
            secret="whsec_peer",
            status="enabled",
            application=None,
            description=None,
        )

    def page(self, session_id: str) -> str:
        """The Checkout page that a browser can click."""
        session = self.account.objects[session_id]
        return page_of(session, self.account.objects.get(session["payment_intent"]))

    def click(self, session_id: str, card: str) -> str:
        """Press a button of the Checkout page; the address that it leads to."""
        session = self.account.objects[session_id]
        with self._lock:
            if card == "cancel":
                return str(session["cancel_url"])
            if card == "deny":
                self.account.fail_confirmation(self.account.objects[session["payment_intent"]])
            else:
                with suppress(Refusal):
                    self._pay(session, card)
            self._keep()
            if session["status"] == "open":
                return f"{self.url}/c/pay/{session_id}"
        return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session_id)

    def _pay(self, session: Object, card: str) -> None:
        paid = self.account.pay_session(session, card)
        if paid["status"] == "processing" and self.slow_seconds is not None:
            timer = threading.Timer(self.slow_seconds, self.arrive, [paid["id"]])
            timer.daemon = True
            timer.start()

    def arrive(self, intent: str) -> None:
        """Let the money of a slow bank come."""
        with self._lock:
            self.account.arrive(self.account.objects[intent])
            self._keep()

    def _keep(self) -> None:
        if self.book:
            stripe_book.write(self.book, self.account)

    def deliver_by_itself(self, *, slow_seconds: float = 8.0) -> None:
        """Send every event to the registered webhooks as it happens; slow banks take so long."""
        self.slow_seconds = slow_seconds
        self.account.happened = self._send

    def _send(self, event: Object) -> None:
        for endpoint in [*self.account.objects.values()]:
            wanted = endpoint.get("enabled_events", [])
            if endpoint["object"] == "webhook_endpoint" and {"*", event["type"]} & set(wanted):
                where = {"url": endpoint["url"], "secret": endpoint["secret"]}
                threading.Thread(
                    target=send_until_heard, args=(event,), kwargs=where, daemon=True
                ).start()


class StripeHandler(BaseHTTPRequestHandler):
    """One connection to the peer."""

    peer: StripePeer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.startswith("/c/pay/"):
            self._send(200, self.peer.page(path.rpartition("/")[2]).encode(), "text/html")
        else:
            self._api("GET", path, query)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        if path.startswith("/c/pay/"):
            where = self.peer.click(path.rpartition("/")[2], parsed(body).get("card", "cancel"))
            self._send(303, b"", "text/html", Location=where)
        else:
            self._api("POST", path, body)

    def _api(self, method: str, path: str, text: str) -> None:
        secret = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secret.startswith(("sk_test_", "sk_live_")):
            error = {"type": "invalid_request_error", "message": "Invalid API Key provided"}
            self._send(401, json.dumps({"error": error}).encode())
            return
        key = self.headers.get("Idempotency-Key", "")
        live = secret.startswith("sk_live_")
        try:
            status, answer = self.peer.answer(Call(method, path, parsed(text), live, key))
        except ConnectionLost:
            self.close_connection = True
            return
        self._send(status, json.dumps(answer).encode())

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        sent = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
