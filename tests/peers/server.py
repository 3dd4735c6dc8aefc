"""One HTTP server that is Deepgram, OpenAI and Amazon Polly.

It answers by rules that tests can repeat, with real speech, keeps a log of every call, takes as
long as it is told to, and fails by plan. `python -m tests.peers` runs it by itself.
"""

import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Protocol, Self

import soundfile

from tests.peers import deepgram, faults, openai_wire, polly
from tests.peers.exchange import JSON, Answer, Request
from tests.peers.faults import STATUS, Fault, Plan
from tests.peers.handler import PeerServer
from tests.peers.script import Script, steady

PLACES = {("deepgram", "recognition"): 50, ("deepgram", "speech"): 15, ("polly", "speech"): 18}
LOOKS: dict[str, tuple[str, Callable[[Request], Answer]]] = {
    "/v1/projects": ("deepgram", deepgram.projects),
    "/v1/models": ("openai", openai_wire.models),
    "/v1/voices": ("polly", polly.voices),
}


class Vendor(Protocol):
    """What the modules of all vendors have."""

    def failed(self, request: Request, fault: Fault) -> Answer:
        """The error that a fault is."""

    def spoke(self, request: Request, fault: Fault | None) -> Answer:
        """The speech for a text."""


VENDORS: dict[str, Vendor] = {"deepgram": deepgram, "openai": openai_wire, "polly": polly}
KEYS = {  # what a key with one of these words in it is good for
    "refused": Fault.WRONG_KEY,
    "limited": Fault.FORBIDDEN,
}
PAGE = Answer(b"<html><body><h1>Bad gateway</h1></body></html>", type="text/html")


@dataclass(frozen=True)
class Latency:
    """Seconds that an answer takes: so many, and more for every second of sound in or out."""

    recognition: tuple[float, float] = (0.0, 0.0)
    translation: float = 0.0
    speech: tuple[float, float] = (0.0, 0.0)

    def of(self, kind: str, seconds: float) -> float:
        """How long an answer of a kind takes."""
        if kind == "translation":
            return self.translation
        fixed, each = self.recognition if kind == "recognition" else self.speech
        return fixed + each * seconds


REAL = Latency(recognition=(1.0, 0.02), translation=2.0, speech=(0.6, 0.05))


class VendorPeer:
    """The server; by default on a free port, answering at once and never failing.

    `script` says what it hears in a sound of so many seconds, `model` how it translates.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        plan: Plan = faults.never,
        latency: Latency | None = None,
        log: Callable[[Request], None] | None = None,
    ) -> None:
        self.calls: list[Request] = []
        self.plan = plan
        self.latency = latency or Latency()
        self.retry_after = "1"
        self.trickle = 1.0  # seconds between two bytes
        self.script: Script = steady
        self.model: openai_wire.Model = openai_wire.by_rule
        self.most_at_once: Counter[tuple[str, str]] = Counter()
        self.thought: Counter[str] = Counter()  # milliseconds that answers took, by kind of call
        self._log = log
        self._lock = threading.Lock()
        self.arrived: Counter[tuple[str, str]] = Counter()  # calls, with those dropped unread
        self._running: Counter[tuple[str, str]] = Counter()
        self._ended = threading.Event()
        self._server = PeerServer((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The base URL of Deepgram and Polly."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def openai_url(self) -> str:
        """The base URL of OpenAI."""
        return f"{self.url}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which everything of the vendors' comes from here."""
        return {
            "DEEPGRAM_API_KEY": "stand-in",
            "DEEPGRAM_BASE_URL": self.url,
            "OPENAI_API_KEY": "stand-in",
            "OPENAI_BASE_URL": self.openai_url,
            "DUBBER_TRANSLATION_API": "responses",
            "DUBBER_POLLY": "true",
            "DUBBER_POLLY_ACCESS_KEY_ID": "stand-in",
            "DUBBER_POLLY_SECRET_ACCESS_KEY": "stand-in",
            "AWS_ENDPOINT_URL_POLLY": self.url,
        }

    def count(self, vendor: str, kind: str) -> int:
        """How many calls of a kind came in."""
        return sum((call.vendor, call.kind) == (vendor, kind) for call in self.calls)

    def reset(self) -> None:
        """Forget all calls, end those under way, and behave well again."""
        self._ended.set()
        self._ended = threading.Event()
        self.calls.clear()
        self.plan, self.script, self.latency = faults.never, steady, Latency()
        self.model = openai_wire.by_rule
        self.retry_after, self.trickle = "1", 1.0
        self.arrived.clear()
        self.most_at_once.clear()

    def serve(self) -> None:
        """Serve until interrupted."""
        self._server.serve_forever()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fault(self, vendor: str, kind: str) -> tuple[int, Fault | None]:
        """The number of the next call of a kind, and how it fails."""
        with self._lock:
            number = self.arrived[vendor, kind]
            self.arrived[vendor, kind] += 1
        return number, self.plan(vendor, kind, number)

    def look(self, request: Request) -> Answer:
        """What is told about the account, to try a key with."""
        if request.path not in LOOKS:
            return Answer(b"{}", status=404)
        vendor, told = LOOKS[request.path]
        fault = _fault_of_key(request)
        return VENDORS[vendor].failed(request, fault) if fault else told(request)

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        """What goes back, after as long as it takes."""
        with self._lock:
            self.calls.append(request)
        if self._log is not None:
            self._log(request)
        with self._place(request) as free:
            answer = self._answer(request, fault if free else Fault.BUSY)
            self.wait(answer.takes)
        with self._lock:
            self.thought[request.kind] += round(answer.takes * 1000)
        return answer

    def wait(self, seconds: float) -> bool:
        """Let time pass; says whether the call is to be given up."""
        return self._ended.wait(seconds) if seconds else False

    @contextmanager
    def _place(self, request: Request) -> Iterator[bool]:
        """Count what runs at once, as the vendors do who allow so many calls and no more."""
        key = (request.vendor, request.kind)
        with self._lock:
            self._running[key] += 1
            now = self._running[key]
            self.most_at_once[key] = max(now, self.most_at_once[key])
        try:
            yield now <= PLACES.get(key, 1000)
        finally:
            with self._lock:
                self._running[key] -= 1

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        vendor = VENDORS[request.vendor]
        fault = _fault_of_key(request) or fault
        if fault is not None and fault in STATUS:
            answer = vendor.failed(request, fault)
            after = {"Retry-After": self.retry_after} if fault is Fault.BUSY_UNTIL else {}
            return replace(answer, headers={**answer.headers, **after})
        if fault is Fault.HTML:
            return PAGE
        answer = self._well(request, fault)
        if fault is Fault.CUT_JSON and answer.type == JSON:
            answer = replace(answer, body=answer.body[: len(answer.body) // 2])
        return answer

    def _well(self, request: Request, fault: Fault | None) -> Answer:
        if request.path == "/v1/listen":
            heard = self.script(request.seconds)
            answer, seconds = deepgram.listened(request, heard, fault), request.seconds
        elif request.kind == "translation":
            answer, seconds = openai_wire.translated(request, fault, self.model), 0.0
        else:
            answer = VENDORS[request.vendor].spoke(request, fault)
            seconds = _seconds(answer)
        return replace(answer, takes=self.latency.of(request.kind, seconds))


def _fault_of_key(request: Request) -> Fault | None:
    sent = request.headers.get("authorization", "")
    return next((fault for word, fault in KEYS.items() if word in sent), None)


def _seconds(answer: Answer) -> float:
    if answer.status != 200:
        return 0.0
    if answer.type == "audio/wav":  # which may not know its length
        rate = struct.unpack_from("<I", answer.body, 24)[0] if len(answer.body) > 44 else 1
        return len(answer.body) / 2 / float(rate)
    return float(soundfile.info(BytesIO(answer.body)).duration) if answer.body else 0.0
