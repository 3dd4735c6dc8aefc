"""How vendors that cost money are called: how many at once, how often again, and when not at all.

The rules are pure functions over `Health`. `PacedCalls` obeys them with the help of `Accounts`:
whatever all callers of one vendor account share. Here that is the memory of one process; workers
share rows of the database.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol, TypeVar

from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Answer, Bill
from jobs.pipeline.program import Stop

Told = TypeVar("Told")

NAMES = {"deepgram": "Deepgram", "openai": "OpenAI", "polly": "Amazon Polly"}
PLACES: Mapping[tuple[str, str], int] = MappingProxyType(
    {  # calls at once, as the vendors allow them to a new account
        ("deepgram", "recognition"): 50,
        ("deepgram", "speech"): 15,
        ("openai", "speech"): 8,
        ("openai", "translation"): 16,
        ("polly", "speech"): 8,
    }
)
OTHER_PLACES = 4  # for a server of one's own, which has one machine

RETRIED = frozenset({"VENDOR_BUSY", "ENGINE_FAILED"})  # where the same call may go well next time
DEAR = frozenset({"recognition"})  # what was paid for in vain isn't bought again at once
FIRST_WAIT = 0.5  # seconds at most before the first retry; every further bound is twice as long
LONGEST_WAIT = 20.0

FAILURES_IN_A_ROW = 8  # then the vendor is left alone for a while
PAUSE = 10.0  # seconds of that, twice as long after every failed trial
LONGEST_PAUSE = 160.0
TRIAL = 60.0  # seconds that one trial call keeps all others waiting
SPARE_RETRIES = 10.0  # retries that may follow each other, however many calls fail
EARNED = 0.1  # of a retry, by every call that went well: so at most every tenth call is a retry
OVERTIME = 1.1  # times its timeout that a call is waited for: its own timeout says more
LOOK = 10.0  # seconds after which whoever waits looks whether the work is still wanted
LEAST = 1.0  # seconds that a call gets whose place came at the last moment


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often one kind of call is tried; times in seconds.

    attempt is for one call, queue for the first free place; total, from then on, for all calls and
    whatever is waited for between.
    """

    attempt: float
    total: float
    queue: float
    retries: int

    @property
    def longest(self) -> float:
        """The most seconds from asking for a place to the answer, or to the last failure."""
        return self.queue + self.total * OVERTIME


PATIENCE: Mapping[str, Patience] = MappingProxyType(
    {
        "recognition": Patience(attempt=600, total=1200, queue=600, retries=2),
        "translation": Patience(attempt=300, total=600, queue=600, retries=3),
        "speech": Patience(attempt=60, total=150, queue=600, retries=3),
    }
)


class Spoiled(ProviderFailed):
    """An answer that can't be used but has to be paid for."""

    def __init__(self, code: str, /, *, bill: Bill, detail: str, engine: str) -> None:
        """Carry the bill, so that it is recorded all the same."""
        super().__init__(code, detail=detail, engine=engine)
        self.bill = bill


class NoPlace(ProviderFailed):
    """All places at a vendor are taken by others: nothing failed, and nobody knows for how long."""

    def __init__(self, vendor: str) -> None:
        super().__init__("VENDOR_BUSY", engine=NAMES.get(vendor, vendor), detail="no free place")


@dataclass(frozen=True, slots=True)
class Health:
    """How the calls to one vendor went lately; times are seconds of its keeper's clock.

    failures in a row; shut_until: nobody calls before; trial_until: until then one call tries
    whether all is well again; spare: retries that may still be made.
    """

    failures: int = 0
    shut_until: float = 0.0
    trial_until: float = 0.0
    spare: float = SPARE_RETRIES


Rule = Callable[[Health, float], tuple[Health, Told]]  # of health and time: new health, an answer


def admit(health: Health, now: float) -> tuple[Health, float]:
    """May a call be made? The answer is the seconds to wait first; at 0 it may be made now."""
    if health.failures < FAILURES_IN_A_ROW:
        return health, 0.0
    wait = max(health.shut_until, health.trial_until) - now
    if wait > 0:
        return health, wait
    return replace(health, trial_until=now + TRIAL), 0.0


def went_well(health: Health, _now: float) -> tuple[Health, None]:
    """A call was answered."""
    return Health(spare=min(SPARE_RETRIES, health.spare + EARNED)), None


def went_wrong(health: Health, now: float) -> tuple[Health, None]:
    """A call failed. Those that were under way when the vendor was shut change nothing more."""
    if now < health.shut_until:
        return health, None
    failures = health.failures + 1
    if failures < FAILURES_IN_A_ROW:
        return replace(health, failures=failures), None
    pause = min(LONGEST_PAUSE, PAUSE * 2.0 ** min(failures - FAILURES_IN_A_ROW, 10))
    return replace(health, failures=failures, shut_until=now + pause, trial_until=0.0), None


def spend_retry(health: Health, _now: float) -> tuple[Health, bool]:
    """May a call be made again? Where all calls fail, retries would only add to the load."""
    if health.spare < 1:
        return health, False
    return replace(health, spare=health.spare - 1), True


def wait_before(retry: int, *, after: float | None, jitter: float) -> float:
    """Seconds to wait before retry number 1, 2, …; `jitter` is a random number from 0 to 1.

    Full jitter: anything up to a bound that doubles, on top of what the vendor asked for (`after`).
    """
    return (after or 0.0) + jitter * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (retry - 1))


def wanted() -> None:
    """Raise nothing: nobody stops this work."""


class Accounts(Protocol):
    """What all callers of the vendors share."""

    def place(
        self, vendor: str, kind: str, *, wait: float, lease: float, stop: Stop = wanted
    ) -> AbstractContextManager[None]:
        """Hold one of the vendor's places; raises NoPlace when none is free in `wait` seconds.

        Raises what `stop` raises meanwhile. When its holder dies, a place is free again after
        `lease` seconds at the latest.
        """

    def change(self, vendor: str, rule: Rule[Told]) -> Told:
        """Put a rule to a vendor's health, nobody else changing it meanwhile."""

    def record(self, vendor: str, kind: str, bill: Bill, seconds: float) -> None:
        """Keep the bill of a call that took `seconds`."""


class PacedCalls:
    """Calls to vendors, by the rules above."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        patience: Mapping[str, Patience] = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Use `accounts` for what is shared."""
        self.accounts = accounts
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._stop: Stop = wanted

    def obey(self, stop: Stop) -> None:
        """From now on make no call any more, and wait for none, once `stop` raises."""
        self._stop = stop

    def place(self, vendor: str, kind: str, call: Callable[[float], tuple[Answer, Bill]]) -> Answer:
        """What `call` gives; see `ports.Calls`."""
        patience, retry = self._patience[kind], 0
        lease = patience.attempt * OVERTIME
        wait, until = patience.queue, float("inf")
        earlier: ProviderFailed | None = None
        while True:
            try:
                with self.accounts.place(vendor, kind, wait=wait, lease=lease, stop=self._stop):
                    self._stop()
                    self._admit(vendor)
                    until = min(until, self._clock() + patience.total)
                    seconds = max(LEAST, min(patience.attempt, until - self._clock()))
                    try:
                        return self._made(vendor, kind, call, seconds)
                    except ProviderFailed as failed:
                        failure = earlier = failed
            except NoPlace:
                if earlier is None:
                    raise
                raise earlier from None  # it may have been paid for, and counts as an error
            retry += 1
            pause = wait_before(retry, after=failure.after, jitter=self._jitter())
            wait = until - self._clock() - pause
            if kind in DEAR and isinstance(failure, Spoiled):
                raise failure
            if retry > patience.retries or wait <= 0 or not self._again(vendor, failure):
                raise failure
            self._rest(pause)

    def _rest(self, seconds: float) -> None:
        """Sleep, unless the work is wanted no more."""
        while seconds > 0:
            self._stop()
            self._sleep(min(seconds, LOOK))
            seconds -= LOOK

    def _admit(self, vendor: str) -> None:
        wait = self.accounts.change(vendor, admit)
        if wait > 0:
            engine = NAMES.get(vendor, vendor)
            detail = "left alone after many failures"
            raise ProviderFailed("VENDOR_BUSY", engine=engine, detail=detail, after=wait)

    def _again(self, vendor: str, failure: ProviderFailed) -> bool:
        return failure.code in RETRIED and self.accounts.change(vendor, spend_retry)

    def _made(
        self,
        vendor: str,
        kind: str,
        call: Callable[[float], tuple[Answer, Bill]],
        seconds: float,
    ) -> Answer:
        started = self._clock()
        try:
            answer, bill = within(lambda: call(seconds), seconds * OVERTIME, vendor)
        except ProviderFailed as failure:
            if isinstance(failure, Spoiled):
                self.accounts.record(vendor, kind, failure.bill, self._clock() - started)
            if failure.code in RETRIED:
                self.accounts.change(vendor, went_wrong)
            elif failure.code == "ENGINE_REFUSED":  # this text, not the vendor
                self.accounts.change(vendor, went_well)
            raise
        self.accounts.record(vendor, kind, bill, self._clock() - started)
        self.accounts.change(vendor, went_well)
        return answer


def within(call: Callable[[], Answer], seconds: float, vendor: str) -> Answer:
    """What `call` returns, unless it takes longer: then its thread is left to its own end.

    The timeouts of HTTP libraries count silence only, so a byte a second would last for ever.
    """
    done: Future[Answer] = Future()

    def work() -> None:
        try:
            done.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            done.set_exception(error)

    threading.Thread(target=work, name=f"call-{vendor}", daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.done():  # its own TimeoutError
            raise
        engine = NAMES.get(vendor, vendor)
        raise ProviderFailed(
            "ENGINE_FAILED", engine=engine, detail=f"no whole answer in {seconds:.0f} s"
        ) from None


@dataclass(frozen=True, slots=True)
class Paid:
    """One recorded call."""

    vendor: str
    kind: str
    bill: Bill
    seconds: float


class InProcess:
    """Accounts for one process alone: the command line."""

    def __init__(
        self,
        places: Mapping[tuple[str, str], int] = PLACES,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with nothing paid and all vendors well; places by vendor and kind of call."""
        self.paid: list[Paid] = []
        self._clock = clock
        self._lock = threading.Lock()
        self._health: dict[str, Health] = {}
        self._most = places
        self._places: dict[tuple[str, str], threading.BoundedSemaphore] = {}

    @contextmanager
    def place(
        self, vendor: str, kind: str, *, wait: float, lease: float, stop: Stop = wanted
    ) -> Iterator[None]:
        """Hold a place; see `Accounts`. It ends with the process, so there is no lease."""
        del lease, stop  # nobody stops the command line but Ctrl-C
        with self._lock:
            most = self._most.get((vendor, kind), OTHER_PLACES)
            places = self._places.setdefault((vendor, kind), threading.BoundedSemaphore(most))
        if not places.acquire(timeout=wait):
            raise NoPlace(vendor)
        try:
            yield
        finally:
            places.release()

    def change(self, vendor: str, rule: Rule[Told]) -> Told:
        """Put a rule to a vendor's health."""
        with self._lock:
            health = self._health.get(vendor, Health())
            self._health[vendor], told = rule(health, self._clock())
        return told

    def record(self, vendor: str, kind: str, bill: Bill, seconds: float) -> None:
        """Keep a bill in `paid`."""
        self.paid.append(Paid(vendor, kind, bill, seconds))


def local_calls(places: Mapping[tuple[str, str], int] = PLACES) -> PacedCalls:
    """Calls for the command line; places by vendor and kind of call."""
    return PacedCalls(InProcess(places))
