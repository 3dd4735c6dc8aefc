"""Paid calls of workers: limits, health and bills in rows that all machines share.

No transaction is open while a vendor is called. A place is leased for as long as its call may take,
by the database's clock, so a worker that dies frees its places by itself.
"""

import random
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from jobs.models import DubbingJob, Step, VendorCall, VendorHealth, VendorPlace
from jobs.pipeline.calls import OTHER_PLACES, PLACES, PacedCalls, Rule, Told, busy
from jobs.pipeline.ports import Bill

Found = TypeVar("Found")

LOOK_AGAIN = (0.02, 0.1)  # seconds between two looks for a free place
TOLERANCE = 10.0  # seconds that a place is leased beyond its call's time
MILLISECONDS = 1000


class SharedAccounts:
    """The vendors' accounts as one step uses them; see `jobs.pipeline.calls.Accounts`.

    All its database work is done by one thread of its own, for calls are made from many threads
    that shall not keep a connection each.
    """

    def __init__(
        self, job: DubbingJob, step: Step, *, places: Mapping[tuple[str, str], int] = PLACES
    ) -> None:
        """Record bills under `job` and `step`; places by vendor and kind of call."""
        self._job, self._step = job, step
        self._most = places
        self._keeper = ThreadPoolExecutor(1, "vendor-accounts")
        self._turns: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._keeper.submit(hang_up)
        self._keeper.shutdown()

    @contextmanager
    def place(self, vendor: str, kind: str, *, wait: float, lease: float) -> Iterator[None]:
        """Hold one of the vendor's places for at most `lease` seconds; raises VENDOR_BUSY."""
        holder = secrets.token_hex(16)
        self._take(vendor, kind, holder, wait, lease + TOLERANCE)
        try:
            yield
        finally:
            self._ask(lambda: release(holder))

    def change(self, vendor: str, rule: Rule[Told]) -> Told:
        """Put a rule to a vendor's health, nobody else changing it meanwhile."""
        return self._ask(lambda: change(vendor, rule))

    def record(self, vendor: str, kind: str, bill: Bill, seconds: float) -> None:
        """Keep a bill for good, whether or not what was bought is still wanted."""
        self._ask(lambda: record(self._job, self._step, vendor, bill, seconds))

    def _take(self, vendor: str, kind: str, holder: str, wait: float, lease: float) -> None:
        most = self._most.get((vendor, kind), OTHER_PLACES)
        until = time.monotonic() + wait
        turn = self._turns[vendor, kind]  # of many threads, one looks
        if not turn.acquire(timeout=wait):
            raise busy(vendor, detail="no free place")
        try:
            while not self._ask(lambda: take(vendor, kind, most, holder, lease)):
                if time.monotonic() > until:
                    raise busy(vendor, detail="no free place")
                time.sleep(random.uniform(*LOOK_AGAIN))  # noqa: S311 - no secret
        finally:
            turn.release()

    def _ask(self, work: Callable[[], Found]) -> Found:
        return self._keeper.submit(work).result()


def hang_up() -> None:
    """Close the connection of the thread that this is called in."""
    connection.close()


def calls(accounts: SharedAccounts) -> PacedCalls:
    """Calls for one step of a worker."""
    return PacedCalls(accounts)


@transaction.atomic
def take(vendor: str, kind: str, most: int, holder: str, seconds: float) -> bool:
    """Take a free place, of those that there are, for so many seconds."""
    places = VendorPlace.objects.filter(vendor=vendor, kind=kind, number__lt=most)
    free = _free(places).select_for_update(skip_locked=True).order_by("number").first()
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


def record(job: DubbingJob, step: Step, vendor: str, bill: Bill, seconds: float) -> None:
    """Keep a bill: seconds as whole milliseconds, everything else as it is counted."""
    in_time = bill.unit == "seconds"
    VendorCall(
        job=job,
        step=step,
        vendor=vendor,
        model=bill.model,
        unit="ms" if in_time else bill.unit,
        units=round(bill.units * (MILLISECONDS if in_time else 1)),
        cost_microdollars=bill.cost_microusd,
        request_id=bill.request_id[:120],
        took_ms=round(seconds * MILLISECONDS),
    ).save()


def _free(places: QuerySet[VendorPlace]) -> QuerySet[VendorPlace]:
    return places.filter(lease_until__lte=Now())


def _furnish(vendor: str, kind: str, most: int) -> None:
    rows = [VendorPlace(vendor=vendor, kind=kind, number=number) for number in range(most)]
    VendorPlace.objects.bulk_create(rows, ignore_conflicts=True)


def _seconds(now: datetime) -> float:
    return now.timestamp()
