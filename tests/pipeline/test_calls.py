"""Paid calls: what is retried and when, who is left alone, what is recorded."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.pipeline.calls import (
    EARNED,
    FAILURES_IN_A_ROW,
    LONGEST_PAUSE,
    LONGEST_WAIT,
    LOOK,
    OVERTIME,
    PATIENCE,
    PAUSE,
    SPARE_RETRIES,
    TRIAL,
    Health,
    InProcess,
    NoPlace,
    PacedCalls,
    Patience,
    Rule,
    Spoiled,
    admit,
    spend_retry,
    wait_before,
    wanted,
    went_well,
    went_wrong,
    within,
)
from jobs.pipeline.errors import ProviderFailed, Stopped
from jobs.pipeline.ports import Bill
from jobs.pipeline.program import Stop

BILL = Bill("model", "characters", 5, 150, "request-1")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Vendor:
    """A vendor that fails as told, then answers."""

    def __init__(self, *failures: ProviderFailed) -> None:
        self.failures = list(failures)
        self.allowed: list[float] = []

    def __call__(self, seconds: float) -> tuple[str, Bill]:
        self.allowed.append(seconds)
        if self.failures:
            raise self.failures.pop(0)
        return "answer", BILL


def failure(code: str, after: float | None = None) -> ProviderFailed:
    return ProviderFailed(code, engine="Vendor", after=after)


def paced(
    time_: Time, *, retries: int = 3, total: float = 100.0, accounts: InProcess | None = None
) -> PacedCalls:
    patience = Patience(attempt=30, total=total, queue=1, retries=retries)
    return PacedCalls(
        accounts or InProcess(clock=time_),
        patience={"speech": patience},
        clock=time_,
        sleep=time_.sleep,
        jitter=lambda: 1.0,
    )


def shut(now: float = 0.0) -> Health:
    health = Health()
    for _ in range(FAILURES_IN_A_ROW):
        health, _ = went_wrong(health, now)
    return health


def test_an_answer_is_given_and_its_bill_recorded_once() -> None:
    calls = paced(Time())

    answer = calls.place("deepgram", "speech", Vendor())

    assert answer == "answer"
    assert [paid.bill for paid in calls.accounts.paid] == [BILL]  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["VENDOR_BUSY", "ENGINE_FAILED"])
def test_what_may_go_well_next_time_is_tried_again(code: str) -> None:
    vendor = Vendor(failure(code), failure(code))

    assert paced(Time()).place("deepgram", "speech", vendor) == "answer"
    assert len(vendor.allowed) == 3


@pytest.mark.parametrize("code", ["VENDOR_ACCOUNT", "ENGINE_REFUSED"])
def test_what_will_not_change_by_itself_is_not_tried_again(code: str) -> None:
    vendor = Vendor(failure(code), failure(code))

    with pytest.raises(ProviderFailed) as failed:
        paced(Time()).place("deepgram", "speech", vendor)

    assert failed.value.code == code
    assert len(vendor.allowed) == 1


def test_after_all_retries_the_last_failure_is_raised() -> None:
    vendor = Vendor(*(failure("ENGINE_FAILED") for _ in range(10)))

    with pytest.raises(ProviderFailed):
        paced(Time(), retries=2).place("deepgram", "speech", vendor)

    assert len(vendor.allowed) == 3


def test_a_vendor_that_names_a_time_is_waited_for_as_long() -> None:
    time_ = Time()

    paced(time_).place("deepgram", "speech", Vendor(failure("VENDOR_BUSY", after=7)))

    assert len(time_.waits) == 1
    assert 7 <= time_.waits[0] <= 8


def test_a_time_beyond_the_deadline_is_left_to_the_step() -> None:
    time_ = Time()
    vendor = Vendor(failure("VENDOR_BUSY", after=500))

    with pytest.raises(ProviderFailed) as failed:
        paced(time_).place("deepgram", "speech", vendor)

    assert failed.value.after == 500
    assert (len(vendor.allowed), time_.waits) == (1, [])


def test_every_attempt_gets_what_is_left_of_the_deadline() -> None:
    vendor = Vendor(failure("VENDOR_BUSY", after=20), failure("VENDOR_BUSY", after=4))

    paced(Time(), total=40).place("deepgram", "speech", vendor)

    assert vendor.allowed[:2] == [30, pytest.approx(19.5)]
    assert vendor.allowed[2] == pytest.approx(14.5)


class Crowded(InProcess):
    """An account where a place is to be had after so many seconds, or at the last moment."""

    def __init__(self, time_: Time, *, after: float = float("inf")) -> None:
        super().__init__(clock=time_)
        self.time = time_
        self.after = after
        self.waits: list[float] = []

    @contextmanager
    def place(
        self, vendor: str, kind: str, *, wait: float, lease: float, stop: Stop = wanted
    ) -> Iterator[None]:
        self.waits.append(wait)
        self.time.now += min(wait, self.after)
        with super().place(vendor, kind, wait=wait, lease=lease, stop=stop):
            yield


def test_a_place_that_is_waited_for_again_counts_against_the_deadline() -> None:
    time_, vendor = Time(), Vendor(*(failure("ENGINE_FAILED") for _ in range(3)))
    accounts = Crowded(time_, after=15)

    paced(time_, total=60, accounts=accounts).place("deepgram", "speech", vendor)

    assert accounts.waits == [1, 59.5, 43.5, 26.5]
    assert vendor.allowed == [30, 30, pytest.approx(28.5), pytest.approx(11.5)]


class FullSoon(InProcess):
    """An account whose places are all taken after the first call."""

    @contextmanager
    def place(
        self, vendor: str, kind: str, *, wait: float, lease: float, stop: Stop = wanted
    ) -> Iterator[None]:
        if self.paid:
            raise NoPlace(vendor)
        with super().place(vendor, kind, wait=wait, lease=lease, stop=stop):
            yield


def test_a_call_that_failed_stays_a_failure_where_no_place_is_left_to_make_it_again() -> None:
    spoiled = Spoiled("ENGINE_FAILED", engine="Vendor", detail="cut off", bill=BILL)
    time_ = Time()

    with pytest.raises(ProviderFailed) as raised:
        paced(time_, accounts=FullSoon(clock=time_)).place("deepgram", "speech", Vendor(spoiled))

    assert raised.value is spoiled


def stopped_after(looks: int) -> Stop:
    """Work that is wanted for so many looks."""
    left = iter(range(looks))

    def stop() -> None:
        if next(left, None) is None:
            raise Stopped

    return stop


def test_nothing_is_called_that_is_not_wanted_any_more() -> None:
    calls, vendor = paced(Time()), Vendor()
    calls.obey(stopped_after(0))

    with pytest.raises(Stopped):
        calls.place("deepgram", "speech", vendor)

    assert vendor.allowed == []


def test_a_pause_before_a_retry_ends_when_the_work_is_not_wanted_any_more() -> None:
    time_, vendor = Time(), Vendor(failure("VENDOR_BUSY", after=50))
    calls = paced(time_)
    calls.obey(stopped_after(3))

    with pytest.raises(Stopped):
        calls.place("deepgram", "speech", vendor)

    assert len(vendor.allowed) == 1
    assert sum(time_.waits) == 2 * LOOK


@pytest.mark.parametrize("kind", PATIENCE)
def test_no_call_takes_longer_than_its_patience_says(kind: str) -> None:
    time_ = Time()
    calls = PacedCalls(Crowded(time_), clock=time_, sleep=time_.sleep, jitter=lambda: 1.0)
    began = time_.now

    def slow(seconds: float) -> tuple[str, Bill]:
        time_.now += seconds * OVERTIME
        raise failure("ENGINE_FAILED")

    with pytest.raises(ProviderFailed):
        calls.place("deepgram", kind, slow)

    assert time_.now - began <= PATIENCE[kind].longest


def test_an_answer_that_cannot_be_used_is_paid_for_all_the_same() -> None:
    calls = paced(Time())
    vendor = Vendor(Spoiled("ENGINE_FAILED", bill=BILL, detail="empty", engine="Vendor"))

    calls.place("deepgram", "speech", vendor)

    assert len(calls.accounts.paid) == 2  # type: ignore[attr-defined]


def test_a_vendor_that_fails_again_and_again_is_not_called() -> None:
    calls = paced(Time(), retries=0)
    broken = Vendor(*(failure("ENGINE_FAILED") for _ in range(FAILURES_IN_A_ROW)))
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(ProviderFailed):
            calls.place("deepgram", "speech", broken)
    well = Vendor()

    with pytest.raises(ProviderFailed) as refused:
        calls.place("deepgram", "speech", well)

    assert refused.value.code == "VENDOR_BUSY"
    assert refused.value.after == pytest.approx(PAUSE)
    assert well.allowed == []
    assert calls.place("polly", "speech", Vendor()) == "answer"


def test_when_everything_fails_retries_run_out() -> None:
    time_ = Time()
    calls = paced(time_, retries=3)
    made = 0
    for _ in range(60):
        vendor = Vendor(*(failure("VENDOR_BUSY") for _ in range(4)))
        with pytest.raises(ProviderFailed):
            calls.place("deepgram", "speech", vendor)
        made += len(vendor.allowed)
        time_.now += 1000  # the breaker lets one through again

    assert made <= 60 + SPARE_RETRIES


def test_no_more_calls_are_made_at_once_than_the_vendor_allows() -> None:
    calls = PacedCalls(InProcess({("deepgram", "speech"): 2}))
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=10)

    def call(_seconds: float) -> tuple[None, Bill]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()  # two are let in together
        with lock:
            running -= 1
        return None, BILL

    threads = [
        threading.Thread(target=calls.place, args=("deepgram", "speech", call)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 2


def test_a_caller_that_gets_no_place_is_told_that_the_vendor_is_busy() -> None:
    accounts = InProcess({("deepgram", "speech"): 1})

    with (
        accounts.place("deepgram", "speech", wait=1, lease=1),
        pytest.raises(ProviderFailed) as failed,
    ):
        accounts.place("deepgram", "speech", wait=0.01, lease=1).__enter__()

    assert failed.value.code == "VENDOR_BUSY"


def test_a_call_that_never_ends_is_left_to_itself() -> None:
    ended = threading.Event()

    with pytest.raises(ProviderFailed) as failed:
        within(lambda: ended.wait(20), 0.02, "deepgram")

    ended.set()
    assert failed.value.code == "ENGINE_FAILED"


@pytest.mark.parametrize("error", [TimeoutError("its own"), KeyError("a bug")])
def test_what_a_call_raises_comes_out_as_it_is(error: Exception) -> None:
    def call() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        within(call, 5, "deepgram")

    assert raised.value is error


def test_a_place_is_free_again_after_a_bug() -> None:
    calls = PacedCalls(InProcess({("deepgram", "speech"): 1}))

    def call(_seconds: float) -> tuple[None, Bill]:
        raise KeyError("a bug")

    for _ in range(3):
        with pytest.raises(KeyError):
            calls.place("deepgram", "speech", call)


def test_one_call_tries_whether_a_shut_vendor_is_well_again() -> None:
    health = shut()

    tried, wait = admit(health, PAUSE)
    _, others_wait = admit(tried, PAUSE + 1)

    assert (wait, others_wait) == (0.0, TRIAL - 1)


def test_a_trial_that_goes_well_opens_the_vendor_to_all() -> None:
    tried, _ = admit(shut(), PAUSE)

    well, _ = went_well(tried, PAUSE + 1)

    assert admit(well, PAUSE + 1) == (well, 0.0)


def test_a_trial_that_fails_doubles_the_pause() -> None:
    tried, _ = admit(shut(), PAUSE)

    failed, _ = went_wrong(tried, PAUSE + 1)

    assert admit(failed, PAUSE + 1)[1] == pytest.approx(2 * PAUSE)


def test_a_trial_whose_caller_died_makes_room_for_another() -> None:
    tried, _ = admit(shut(), PAUSE)

    assert admit(tried, PAUSE + TRIAL + 1)[1] == 0.0


def test_calls_under_way_when_a_vendor_is_shut_do_not_prolong_it() -> None:
    health = shut()

    for _ in range(50):
        health, _ = went_wrong(health, 1.0)

    assert admit(health, PAUSE)[1] == 0.0


def test_one_good_answer_forgives_the_failures_before_it() -> None:
    health = Health(failures=FAILURES_IN_A_ROW - 1)

    health, _ = went_well(health, 0.0)

    assert admit(went_wrong(health, 0.0)[0], 0.0)[1] == 0.0


@given(st.lists(st.booleans(), max_size=300))
def test_at_most_every_tenth_call_and_ten_more_are_retries(went: list[bool]) -> None:
    health, retries = Health(), 0
    for well in went:
        if well:
            health, _ = went_well(health, 0.0)
        else:
            health, allowed = spend_retry(health, 0.0)
            retries += allowed

    assert retries <= SPARE_RETRIES + EARNED * sum(went) + 1e-6


@given(st.lists(st.tuples(st.sampled_from(["admit", "wrong", "well"]), st.floats(0, 50))))
def test_a_vendor_is_never_shut_for_longer_than_the_longest_pause(
    events: list[tuple[str, float]],
) -> None:
    rules: dict[str, Rule[object]] = {
        "admit": admit,
        "wrong": went_wrong,
        "well": went_well,
    }
    health, now = Health(), 0.0
    for name, passed in events:
        now += passed
        health, _ = rules[name](health, now)

        assert admit(health, now)[1] <= max(LONGEST_PAUSE, TRIAL)


@given(st.integers(1, 50), st.floats(0, 1), st.none() | st.floats(0, 100))
def test_waits_are_bounded_and_never_shorter_than_asked(
    retry: int, jitter: float, after: float | None
) -> None:
    wait = wait_before(retry, after=after, jitter=jitter)

    assert (after or 0) <= wait <= (after or 0) + LONGEST_WAIT
