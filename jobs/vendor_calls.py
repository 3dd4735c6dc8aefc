"""Paid calls of workers: limits, health and bills in rows that all machines share.

No transaction is open while a vendor is called. A place is leased for as long as its call may take,
by the database's clock, so a worker that dies frees its places by itself, sooner where it is known
to be dead when its step is taken up again.
"""

import random
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Self, TypeVar
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs import events, vendors
from jobs.clerk import Clerk
from jobs.models import DubbingJob, JobEvent, Step, VendorCall, VendorHealth, VendorPlace
from jobs.pipeline.calls import LOOK, OTHER_PLACES, NoPlace, PacedCalls, Rule, Told, wanted
from jobs.pipeline.ports import Bill
from jobs.pipeline.program import Stop
from jobs.states import StepStatus
from jobs.workers import is_dead

Found = TypeVar("Found")

LOOK_AGAIN = (0.02, 0.1)  # seconds between two looks for a free place
HEAD_START = 0.25  # seconds that a free place is left to each earlier language, which looks sooner
TOLERANCE = 10.0  # seconds that a place is leased beyond its call's time
KEPT = 60.0  # seconds that a place goes from call to call of a step; then others get a chance
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """A place that a step holds; until (time.monotonic) it may go on to another of its calls."""

    holder: str
    until: float


class Shelf:
    """The places at one vendor that a step holds and no call of it uses, and how many wait for one.

    A call that ends leaves its place to the next one of the same step: that costs the database
    nothing.
    """

    def __init__(self) -> None:
        """Hold nothing."""
        self.turn = threading.Lock()  # of many threads that wait, one looks
        self._changed = threading.Condition()
        self._waiting = 0
        self._places: list[Held] = []

    def queue(self) -> None:
        """Count one more that waits, until `pick` gave it a place or it gave up."""
        with self._changed:
            self._waiting += 1

    def pick(self, seconds: float) -> Held | None:
        """A place that was left within so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._places, seconds):
                return None
            self._waiting -= 1
            return self._places.pop()

    def leave(self, place: Held) -> bool:
        """Put a place there for whoever waits; False when nobody does."""
        with self._changed:
            wanted = self._waiting > len(self._places)
            if wanted:
                self._places.append(place)
                self._changed.notify()
            return wanted

    def give_up(self) -> Held | None:
        """Wait no longer; the place that is too much now, if there is one."""
        with self._changed:
            self._waiting -= 1
            return self._places.pop() if len(self._places) > self._waiting else None


class SharedAccounts:
    """The vendors' accounts as one step uses them; see `jobs.pipeline.calls.Accounts`.

    A free place goes to the first language of a job that wants one, so that languages are spoken
    one after the other and the first can be mixed early, not all at once and late. Its database
    work is done by a clerk, for calls are made from many threads.
    """

    def __init__(
        self,
        job: DubbingJob,
        step: Step,
        *,
        places: Mapping[tuple[str, str], int] | None = None,
        kept: float = KEPT,
        before: str = "",
    ) -> None:
        """Record bills under `job` and `step`; places by vendor and kind of call, None: as set.

        kept is for how many seconds a place goes from call to call; before is the worker of the
        step's attempt before.
        """
        self._job, self._step = job, step
        self._most = vendors.places() if places is None else places
        self._kept = kept
        self._before = before
        self._clerk = Clerk()
        self._shelves: defaultdict[tuple[str, str], Shelf] = defaultdict(Shelf)
        self._began: float | None = None  # when the first place was looked for

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clerk.close()

    @contextmanager
    def place(
        self, vendor: str, kind: str, *, wait: float, lease: float, stop: Stop = wanted
    ) -> Iterator[None]:
        """Hold one of the vendor's places for at most `lease` seconds.

        Raises NoPlace, and what `stop` raises.
        """
        shelf = self._shelves[vendor, kind]
        look = partial(self._look, vendor, kind, lease + self._kept + TOLERANCE)
        place = self._taken(shelf, look, wait, stop)
        if place is None:
            raise NoPlace(vendor)
        try:
            yield
        finally:
            if time.monotonic() > place.until or not shelf.leave(place):
                self._free(place)

    def change(self, vendor: str, rule: Rule[Told]) -> Told:
        """Put a rule to a vendor's health, nobody else changing it meanwhile."""
        return self._clerk.ask(lambda: change(vendor, rule))

    def record(self, vendor: str, kind: str, bill: Bill, seconds: float) -> None:
        """Keep a bill for good, whether or not what was bought is still wanted."""
        key = uuid4()  # by which it is known when it has to be written again
        self._clerk.ask(lambda: record(self._job, self._step, vendor, bill, seconds, key))

    def _taken(
        self, shelf: Shelf, look: Callable[[], Held | None], wait: float, stop: Stop
    ) -> Held | None:
        """A place that another call of this step left, or a free one of the vendor's."""
        place = None
        shelf.queue()
        try:
            place = self._awaited(shelf, look, time.monotonic() + wait, stop)
        finally:
            if place is None and (spare := shelf.give_up()):
                self._free(spare)
        return place

    def _awaited(
        self, shelf: Shelf, look: Callable[[], Held | None], until: float, stop: Stop
    ) -> Held | None:
        while not shelf.turn.acquire(timeout=min(LOOK, max(0.0, until - time.monotonic()))):
            stop()
            if time.monotonic() >= until:
                return None
        try:
            pause = 0.0
            while (place := shelf.pick(pause)) is None:
                stop()
                if free := look():
                    if not shelf.leave(free):  # a call of ours ended meanwhile and left its own
                        self._free(free)
                elif time.monotonic() > until:
                    return None
                pause = random.uniform(*LOOK_AGAIN)  # noqa: S311 - no secret
            return place
        finally:
            shelf.turn.release()

    def _free(self, place: Held) -> None:
        self._clerk.ask(lambda: release(place.holder))

    def _look(self, vendor: str, kind: str, lease: float) -> Held | None:
        """Take a free place, where there is one."""
        holder = f"{self._holder(self._step.attempt)}{secrets.token_hex(6)}"
        most = self._most.get((vendor, kind), OTHER_PLACES)

        def taken() -> bool:
            began = self._begun()
            patience = HEAD_START * self._earlier()
            if time.monotonic() - began < patience:
                return False
            return take(vendor, kind, most, holder, lease, free_for=patience)

        return Held(holder, time.monotonic() + self._kept) if self._clerk.ask(taken) else None

    def _begun(self) -> float:
        """When this step first looked; whatever an attempt that died before held is free then."""
        if self._began is None:
            self._began = time.monotonic()
            if is_dead(self._before):
                self._bury()
        return self._began

    @transaction.atomic
    def _bury(self) -> None:
        """Free the places of the attempt before, and record that many calls as lost.

        Nobody knows what these cost. An attempt whose worker may live frees its places itself.
        """
        step = self._step
        left = VendorPlace.objects.filter(holder__startswith=self._holder(step.attempt - 1))
        if lost := left.update(holder="", lease_until=Now()):
            kind = JobEvent.Kind.CALLS_LOST
            events.record(kind, job=self._job, task=step.task, step=step, calls=lost)

    def _holder(self, attempt: int) -> str:
        """How the names begin by which an attempt at the step holds places."""
        return f"{self._step.pk}-{attempt}-"

    def _earlier(self) -> int:
        """How many earlier languages of the job are at the same work now."""
        beside = Step.objects.filter(job=self._job, kind=self._step.kind, pk__lt=self._step.pk)
        return beside.filter(status=StepStatus.RUNNING).count()


def calls(accounts: SharedAccounts) -> PacedCalls:
    """Calls for one step of a worker."""
    return PacedCalls(accounts)


@transaction.atomic
def take(
    vendor: str, kind: str, most: int, holder: str, seconds: float, *, free_for: float = 0.0
) -> bool:
    """Take a place, of those that there are, for so many seconds.

    Only one that nobody has taken for `free_for` seconds.
    """
    places = VendorPlace.objects.filter(vendor=vendor, kind=kind, number__lt=most)
    free = _free(places, free_for).select_for_update(skip_locked=True).order_by("number").first()
    if free is None:
        if places.count() < most:
            _furnish(vendor, kind, most)
        return False
    lease = Now() + timedelta(seconds=seconds)
    taken = _free(VendorPlace.objects.filter(pk=free.pk))
    return bool(taken.update(holder=holder, lease_until=lease))


def release(holder: str) -> None:
    """Free a place, unless its lease ended and another holds it."""
    VendorPlace.objects.filter(holder=holder).update(holder="", lease_until=Now())


def change(vendor: str, rule: Rule[Told]) -> Told:
    """Put a rule to a vendor's health; nothing is locked where it changes nothing."""
    row = VendorHealth.objects.annotate(now=Now()).filter(vendor=vendor).first()
    if row is not None:
        health, told = rule(row.health, _seconds(row.now))
        if health == row.health:
            return told
    with transaction.atomic():
        VendorHealth.objects.get_or_create(vendor=vendor)
        row = VendorHealth.objects.annotate(now=Now()).select_for_update().get(vendor=vendor)
        health, told = rule(row.health, _seconds(row.now))
        if health != row.health:
            row.keep(health)
        return told


def record(
    job: DubbingJob, step: Step, vendor: str, bill: Bill, seconds: float, key: UUID | None = None
) -> None:
    """Keep a bill: seconds as whole milliseconds, everything else as it is counted.

    With a key that was written before nothing is.
    """
    in_time = bill.unit == "seconds"
    call = VendorCall(
        key=key,
        job=job,
        step=step,
        vendor=vendor,
        model=bill.model,
        unit="ms" if in_time else bill.unit,
        units=round(bill.units * (MILLISECONDS if in_time else 1)),
        cost_microdollars=bill.cost_microusd,
        request_id=bill.request_id[:120],
        took_ms=round(seconds * MILLISECONDS),
    )
    VendorCall.objects.bulk_create([call], ignore_conflicts=True)


def _free(places: QuerySet[VendorPlace], seconds: float = 0.0) -> QuerySet[VendorPlace]:
    return places.filter(lease_until__lte=Now() - timedelta(seconds=seconds))


def _furnish(vendor: str, kind: str, most: int) -> None:
    rows = [VendorPlace(vendor=vendor, kind=kind, number=number) for number in range(most)]
    VendorPlace.objects.bulk_create(rows, ignore_conflicts=True)


def _seconds(now: datetime) -> float:
    return now.timestamp()
