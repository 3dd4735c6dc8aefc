"""What workers of all machines share of a vendor's account. Only PostgreSQL shows it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries, Settings

from jobs.models import JobEvent, Step, VendorCall, VendorHealth, VendorPlace
from jobs.pipeline.calls import (
    FAILURES_IN_A_ROW,
    PAUSE,
    NoPlace,
    Spoiled,
    admit,
    went_well,
    went_wrong,
)
from jobs.pipeline.errors import ProviderFailed, Stopped
from jobs.pipeline.ports import Bill
from jobs.states import StepKind, StepStatus
from jobs.vendor_calls import SharedAccounts, calls, change, record, release, take
from jobs.workers import neighbourhood, this_worker
from tests import make

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

Answer = TypeVar("Answer")

BILL = Bill("aura-2", "characters", 5, 150, "request-1")
SPEECH = ("deepgram", "speech")


@pytest.fixture
def step() -> Step:
    return Step.objects.filter(job=make.job()).order_by("pk")[0]


@pytest.fixture
def accounts(step: Step) -> Iterator[SharedAccounts]:
    with SharedAccounts(step.job, step) as shared:
        yield shared


def together(many: int, act: Callable[[], Answer]) -> list[Answer]:
    """Do something in so many threads that start together."""
    start = threading.Barrier(many)

    def one(_number: int) -> Answer:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(one, range(many)))


def hold(number: int, most: int = 3) -> bool:
    """Take a place, on the second look where the places have to be made first."""
    return any(take(*SPEECH, most, f"holder-{number}", 60) for _ in range(2))


def test_no_more_places_are_held_than_there_are() -> None:
    names = iter(range(20))
    lock = threading.Lock()

    def act() -> bool:
        with lock:
            number = next(names)
        return any(take(*SPEECH, 5, f"holder-{number}", 60) for _ in range(10))

    held = together(20, act)

    assert held.count(True) == 5
    assert VendorPlace.objects.filter(lease_until__gt=Now()).count() == 5


def test_many_workers_never_call_more_often_at_once_than_allowed(step: Step) -> None:
    steps = iter(Step.objects.filter(job=step.job).order_by("pk")[:5])
    running, most, lock = 0, 0, threading.Lock()

    def call(_seconds: float) -> tuple[None, Bill]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1
        return None, BILL

    def worker() -> None:
        with lock:
            mine = next(steps)
        with SharedAccounts(step.job, mine, places={SPEECH: 2}) as shared:
            for _ in range(3):
                calls(shared).place(*SPEECH, call)

    together(5, worker)

    assert most == 2
    assert VendorCall.objects.count() == 15


def test_a_place_whose_holder_died_is_free_after_its_lease() -> None:
    assert all(hold(number) for number in range(3))
    assert not hold(3)

    VendorPlace.objects.filter(holder="holder-1").update(lease_until=Now() - timedelta(seconds=1))

    assert hold(3)


def test_who_comes_back_too_late_frees_nobody_elses_place() -> None:
    hold(0, most=1)
    VendorPlace.objects.update(lease_until=Now() - timedelta(seconds=1))
    hold(1, most=1)

    release("holder-0")

    assert not hold(2, most=1)


def test_a_place_is_free_as_soon_as_its_call_has_ended(accounts: SharedAccounts) -> None:
    for _ in range(3):
        with accounts.place(*SPEECH, wait=5, lease=60):
            assert VendorPlace.objects.filter(lease_until__gt=Now()).count() == 1

    assert not VendorPlace.objects.filter(lease_until__gt=Now()).exists()


def test_nobody_waits_longer_than_told_for_a_place(step: Step) -> None:
    with SharedAccounts(step.job, step, places={SPEECH: 1}) as shared:
        with shared.place(*SPEECH, wait=5, lease=60), pytest.raises(NoPlace) as failed:
            shared.place(*SPEECH, wait=0.05, lease=60).__enter__()

        assert failed.value.code == "VENDOR_BUSY"


def test_a_setting_says_how_many_places_there_are(step: Step, settings: Settings) -> None:
    settings.VENDOR_PLACES = {"deepgram-speech": 1}

    with (
        SharedAccounts(step.job, step) as shared,
        shared.place(*SPEECH, wait=5, lease=60),
        pytest.raises(ProviderFailed) as failed,
    ):
        shared.place(*SPEECH, wait=0.05, lease=60).__enter__()

    assert failed.value.code == "VENDOR_BUSY"


def test_who_waits_for_a_place_goes_when_the_work_is_not_wanted_any_more(step: Step) -> None:
    left = threading.Event()

    def stop() -> None:
        if left.is_set():
            raise Stopped

    def wait(shared: SharedAccounts) -> None:
        with pytest.raises(Stopped):
            shared.place(*SPEECH, wait=600, lease=60, stop=stop).__enter__()

    with (
        SharedAccounts(step.job, step, places={SPEECH: 1}) as shared,
        ThreadPoolExecutor(2) as threads,
    ):
        with shared.place(*SPEECH, wait=5, lease=60):
            waiting = [threads.submit(wait, shared) for _ in range(2)]
            left.set()
            for each in waiting:
                each.result(timeout=30)

        with shared.place(*SPEECH, wait=0, lease=60):
            assert VendorPlace.objects.filter(lease_until__gt=Now()).count() == 1


def holders(shared: SharedAccounts, calls_at_once: int = 2) -> list[str]:
    """Who held the only place while each of some calls was made that were placed together."""
    seen: list[str] = []
    start = threading.Barrier(calls_at_once)

    def one(_number: int) -> None:
        start.wait(timeout=10)
        with shared.place(*SPEECH, wait=10, lease=60):
            try:
                seen.append(VendorPlace.objects.get(lease_until__gt=Now()).holder)
                threading.Event().wait(0.3)  # the other one is waiting by then
            finally:
                connections.close_all()

    with ThreadPoolExecutor(calls_at_once) as threads:
        list(threads.map(one, range(calls_at_once)))
    return seen


def test_a_call_that_ends_leaves_its_place_to_the_next_one_of_its_step(step: Step) -> None:
    with SharedAccounts(step.job, step, places={SPEECH: 1}) as shared:
        first, second = holders(shared)

    assert first == second
    assert not VendorPlace.objects.filter(lease_until__gt=Now()).exists()


def test_a_place_that_was_kept_long_enough_goes_back_to_all(step: Step) -> None:
    with SharedAccounts(step.job, step, places={SPEECH: 1}, kept=0) as shared:
        first, second = holders(shared)

    assert first != second


def at_work() -> list[Step]:
    """The dubbing of three languages of one job, under way."""
    job = make.job(languages=["es", "fr", "de"])
    dubs = Step.objects.filter(job=job, kind=StepKind.DUB).order_by("pk")
    lease = Now() + timedelta(seconds=60)
    dubs.update(status=StepStatus.RUNNING, attempt=1, worker="a worker", lease_until=lease)
    return list(dubs)


def test_a_free_place_goes_to_the_first_language_that_wants_one() -> None:
    dubs = at_work()
    served: list[int] = []

    def one(step: Step) -> None:
        try:
            with (
                SharedAccounts(step.job, step, places={SPEECH: 1}) as shared,
                shared.place(*SPEECH, wait=20, lease=60),
            ):
                served.append(step.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        assert hold(0, most=1)
        waiting = [threads.submit(one, step) for step in reversed(dubs)]
        threading.Event().wait(1)  # by now each has looked, the last language most often
        release("holder-0")
        for each in waiting:
            each.result(timeout=30)

    assert served == [step.pk for step in dubs]


def test_a_later_language_takes_what_the_earlier_ones_leave_free() -> None:
    last = at_work()[-1]

    with (
        SharedAccounts(last.job, last, places={SPEECH: 1}) as shared,
        shared.place(*SPEECH, wait=20, lease=60),
    ):
        assert VendorPlace.objects.get(lease_until__gt=Now()).holder.startswith(f"{last.pk}-")


GONE = f"{neighbourhood()}4194305:1"  # no system has so many processes


def places_left(step: Step, *, before: str) -> int:
    """How many of three places are free for the second attempt at a step whose first one held one.

    Another step holds one, too.
    """
    other = Step.objects.filter(job=step.job).order_by("pk")[1]
    for holder in (f"{step.pk}-1-a", f"{other.pk}-1-a"):
        assert any(take(*SPEECH, 3, holder, 600) for _ in range(2))
    step.attempt = 2
    with (
        SharedAccounts(step.job, step, places={SPEECH: 3}, before=before) as shared,
        ExitStack() as held,
    ):
        for number in range(3):
            try:
                held.enter_context(shared.place(*SPEECH, wait=0.2, lease=60))
            except ProviderFailed:
                return number
    return 3


def test_whoever_takes_a_step_up_again_frees_what_its_dead_worker_held(step: Step) -> None:
    assert places_left(step, before=GONE) == 2


def test_calls_that_were_under_way_when_a_worker_died_are_on_record(step: Step) -> None:
    places_left(step, before=GONE)

    event = JobEvent.objects.get(kind=JobEvent.Kind.CALLS_LOST)
    assert (event.job, event.step, event.details) == (step.job, step, {"calls": 1})


@pytest.mark.parametrize(
    "before", [this_worker(), "elsewhere:boot:1:2:3"], ids=["alive", "elsewhere"]
)
def test_an_attempt_that_was_overtaken_keeps_its_places_while_it_may_call(
    step: Step, before: str
) -> None:
    assert places_left(step, before=before) == 1
    assert not JobEvent.objects.filter(kind=JobEvent.Kind.CALLS_LOST).exists()


def test_a_bill_is_kept_although_the_connection_was_cut_meanwhile(
    accounts: SharedAccounts,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [ours] = cursor.fetchone()

    def call(_seconds: float) -> tuple[str, Bill]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
                [ours],
            )
        connection.close()
        return "answer", BILL

    assert calls(accounts).place(*SPEECH, call) == "answer"
    assert VendorCall.objects.get().request_id == "request-1"


def test_a_bill_that_is_written_again_is_there_once(step: Step) -> None:
    key = uuid4()

    for _ in range(2):
        record(step.job, step, "deepgram", BILL, 1.0, key)

    assert VendorCall.objects.count() == 1


def test_no_transaction_is_open_while_a_vendor_is_called(accounts: SharedAccounts) -> None:
    states: list[str] = []

    def call(_seconds: float) -> tuple[None, Bill]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT state FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            states.extend(str(state) for (state,) in cursor.fetchall())
        connection.close()
        return None, BILL

    calls(accounts).place(*SPEECH, call)

    assert "idle" in states
    assert not [state for state in states if "transaction" in state]


def test_failures_of_all_workers_count_together() -> None:
    together(FAILURES_IN_A_ROW - 1, lambda: change("deepgram", went_wrong))

    assert VendorHealth.objects.get().failures == FAILURES_IN_A_ROW - 1
    assert change("deepgram", admit) == 0
    change("deepgram", went_wrong)
    assert PAUSE - 5 < change("deepgram", admit) <= PAUSE


def test_of_all_workers_one_tries_a_shut_vendor() -> None:
    for _ in range(FAILURES_IN_A_ROW):
        change("deepgram", went_wrong)
    VendorHealth.objects.update(shut_until=Now() - timedelta(seconds=1))

    waits = together(12, lambda: change("deepgram", admit))

    assert waits.count(0) == 1


def test_a_well_vendor_costs_one_look(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    change("deepgram", went_wrong)
    change("deepgram", went_well)

    with django_assert_num_queries(2):
        change("deepgram", admit)
        change("deepgram", went_well)


def test_a_call_is_recorded_once_under_its_job_and_step(
    accounts: SharedAccounts, step: Step
) -> None:
    calls(accounts).place(*SPEECH, lambda seconds: (None, BILL))

    call = VendorCall.objects.get()
    assert (call.job, call.step, call.vendor, call.model) == (step.job, step, "deepgram", "aura-2")
    assert (call.units, call.unit, call.cost_microdollars) == (5, "characters", 150)
    assert call.request_id == "request-1"


def test_seconds_are_recorded_in_milliseconds(accounts: SharedAccounts) -> None:
    bill = Bill("nova-3", "seconds", 61.234, 11430, "request-2")

    calls(accounts).place("deepgram", "recognition", lambda seconds: (None, bill))

    assert (VendorCall.objects.get().units, VendorCall.objects.get().unit) == (61234, "ms")


def test_what_was_paid_for_in_vain_is_recorded(accounts: SharedAccounts) -> None:
    def call(_seconds: float) -> tuple[None, Bill]:
        raise Spoiled("ENGINE_REFUSED", bill=BILL, detail="", engine="Deepgram")

    with pytest.raises(Spoiled):
        calls(accounts).place(*SPEECH, call)

    assert VendorCall.objects.get().cost_microdollars == 150
