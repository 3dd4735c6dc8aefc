"""Every way in which a vendor fails, met by a whole job: nothing is lost, nothing stays unpaid."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing.queries import balance_of
from jobs.models import DubbingJob, Line, Step, VendorHealth
from jobs.outcomes import MOST_ERRORS, PATIENCE
from jobs.services import retry_language
from jobs.states import JobStatus, Stage, StepKind, StepStatus
from tests.e2e.vendors import RETRIES, Worker, configure, order
from tests.peers.faults import ACCOUNT, AUDIO, STATUS, TRANSPORT, WORDS, Fault, Plan
from tests.peers.server import VendorPeer

pytestmark = [
    pytest.mark.worker,
    pytest.mark.ffmpeg,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]

SECONDS = 12.0
CUT = (Fault.CUT_JSON,)
FAULTS: Mapping[tuple[str, str], tuple[Fault, ...]] = {
    ("deepgram", "recognition"): (*STATUS, *TRANSPORT, *CUT, Fault.TOO_LONG),
    ("openai", "translation"): (*STATUS, *TRANSPORT, *CUT, *WORDS),
    ("deepgram", "speech"): (*STATUS, *TRANSPORT, *AUDIO),
    ("polly", "speech"): (*STATUS, *TRANSPORT, *AUDIO),
    ("openai", "speech"): (*STATUS, *TRANSPORT, *AUDIO),
}
LANGUAGE = {("polly", "speech"): "ko", ("openai", "speech"): "it"}  # Spanish for all others
REFUSALS = frozenset({Fault.REFUSAL, Fault.CONTENT_FILTER})
BAD_LINES_ASKED_AGAIN = 2  # by the pipeline: what came back was an answer, but not to this


@pytest.fixture
def peer(settings: Settings) -> Iterator[VendorPeer]:
    with VendorPeer() as running:
        configure(settings, running)
        settings.SPEECH_MODEL, settings.SPEECH_ROUTES = "a-model", {"it": "openai"}
        yield running


def always(vendor: str, kind: str, fault: Fault) -> Plan:
    """Every call of one kind fails."""
    return lambda *call: fault if call[:2] == (vendor, kind) else None


def passing(fault: Fault) -> Plan:
    """Of every three calls of a kind the first fails."""
    return lambda _vendor, _kind, number: None if number % 3 else fault


def worker(fault: Fault) -> Worker:
    """Patient, except where an answer never comes."""
    return Worker(attempt=0.5) if fault is Fault.TRICKLE else Worker()


def heal() -> None:
    """Let some time pass: the vendor isn't left alone any more."""
    VendorHealth.objects.all().delete()


def most_for_one_text(peer: VendorPeer, vendor: str, kind: str) -> int:
    """How often the same was asked for at most, those dropped unread not among them."""
    asked = Counter(
        call.sha256 for call in peer.calls if (call.vendor, call.kind) == (vendor, kind)
    )
    return max(asked.values(), default=0)


def allowed(kind: str, fault: Fault) -> int:
    """Calls for one and the same text: one and its retries, in each of the attempts of its step.

    A step is tried MOST_ERRORS times, minutes apart, before its language is given up.
    """
    if fault in REFUSALS:
        return 1
    again = 1 + BAD_LINES_ASKED_AGAIN if fault is Fault.WRONG_IDS else 1 + RETRIES
    return MOST_ERRORS * again


def parts(job: DubbingJob, kind: str, fault: Fault) -> int:
    """Into how many calls the work goes: lines one by one, halves too, or all at once."""
    lines = job.segments.count()
    if kind == "translation":
        return 2 * lines if fault in WORDS else 1
    return lines if kind == "speech" else 1


def fail(job: DubbingJob, peer: VendorPeer, vendor: str, kind: str, fault: Fault) -> None:
    """Let every call of a kind fail until the language is given up, and see that no storm came."""
    peer.plan = always(vendor, kind, fault)
    worker(fault).work()

    task = job.tasks.get()
    assert task.stage == Stage.FAILED, fault
    assert task.refunded == task.credits, fault
    # Those that were dropped unread are known by their number only.
    assert most_for_one_text(peer, vendor, kind) <= allowed(kind, fault), fault
    assert 1 <= peer.arrived[vendor, kind] <= allowed(kind, fault) * parts(job, kind, fault), fault


def restart(job: DubbingJob, peer: VendorPeer) -> None:
    """Everything is well again, and the customer pays once more for what failed."""
    peer.reset()
    heal()
    for task in job.tasks.filter(stage=Stage.FAILED):
        retry_language(job, language=task.language, by=job.user)


@pytest.mark.parametrize(
    ("vendor", "kind", "fault"),
    [
        ("deepgram", "speech", Fault.BROKEN),
        ("openai", "translation", Fault.REFUSED),
        ("polly", "speech", Fault.RESET),
        ("openai", "translation", Fault.TRICKLE),
        ("openai", "speech", Fault.HTML),
        ("deepgram", "speech", Fault.EMPTY_AUDIO),
        ("openai", "translation", Fault.WRONG_IDS),
    ],
)
def test_one_fault_of_every_class_is_refunded_in_the_end(
    peer: VendorPeer, vendor: str, kind: str, fault: Fault
) -> None:
    job = order([LANGUAGE.get((vendor, kind), "es")], seconds=SECONDS)

    fail(job, peer, vendor, kind, fault)

    assert balance_of(job.user) == 1000


@pytest.mark.slow
@pytest.mark.parametrize(("vendor", "kind"), FAULTS)
def test_a_fault_that_stays_is_refunded_and_can_be_tried_again(
    peer: VendorPeer, vendor: str, kind: str
) -> None:
    job = order([LANGUAGE.get((vendor, kind), "es")], seconds=SECONDS)

    for fault in FAULTS[vendor, kind]:
        if fault in ACCOUNT:
            continue  # waits for our staff, see below
        fail(job, peer, vendor, kind, fault)
        restart(job, peer)

    Worker().work(until=StepKind.MIX)
    job.refresh_from_db()
    task = job.tasks.get()
    assert task.stage == Stage.DUBBING
    assert balance_of(job.user) == 1000 - task.price


REST = [pytest.param(fault, marks=pytest.mark.slow) for fault in ACCOUNT if fault != Fault.UNPAID]


@pytest.mark.parametrize("fault", [Fault.UNPAID, *REST])
@pytest.mark.parametrize(("vendor", "kind"), FAULTS)
def test_an_account_that_is_not_in_order_waits_for_our_staff_and_then_goes_on(
    peer: VendorPeer, vendor: str, kind: str, fault: Fault
) -> None:
    job = order([LANGUAGE.get((vendor, kind), "es")], seconds=SECONDS)
    peer.plan = always(vendor, kind, fault)

    Worker().work()

    waiting = Step.objects.get(job=job, status=StepStatus.READY)
    assert waiting.reason == "vendor_account"
    assert most_for_one_text(peer, vendor, kind) == 1
    assert not job.tasks.filter(stage=Stage.FAILED).exists()
    peer.plan = always(vendor, kind, fault) if kind == "speech" else passing(Fault.BUSY)
    since = timezone.now() - PATIENCE - timedelta(hours=1)
    past = timezone.now() - timedelta(seconds=1)
    Step.objects.filter(pk=waiting.pk).update(not_before=past, reason_since=since)
    Worker().work(until=StepKind.MIX)
    task = job.tasks.get()
    if kind == "speech":
        assert (task.stage, task.refunded) == (Stage.FAILED, task.credits)
    else:
        assert (task.stage, task.refunded) == (Stage.DUBBING, 0)


def test_faults_that_pass_cost_nothing_but_time(peer: VendorPeer) -> None:
    kinds = [
        Fault.BUSY_UNTIL,
        Fault.BROKEN,
        Fault.RESET,
        Fault.HALF_CLOSED,
        Fault.HTML,
        Fault.EMPTY_AUDIO,
        Fault.MP3,
    ]
    peer.plan = lambda _vendor, _kind, number: None if number % 3 else kinds[number // 3 % 7]
    job = order(["es", "ko", "it"], seconds=30)

    Worker().work()

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert not job.tasks.filter(refunded__gt=0).exists()
    flags = Line.objects.filter(task__job=job).values_list("flags", flat=True)
    assert "silent" not in {flag for each in flags for flag in each}


def test_no_line_falls_silent_because_some_calls_fail_for_a_while(peer: VendorPeer) -> None:
    VendorHealth.objects.create(vendor="deepgram", spare=0)  # too many failed: no call has retries
    job = order(["es"], seconds=60)
    peer.plan = lambda _vendor, kind, number: (
        Fault.BROKEN if kind == "speech" and number < 32 and number % 8 == 0 else None
    )

    Worker().work(until=StepKind.MIX)

    task = job.tasks.get()
    assert task.stage == Stage.DUBBING
    assert "silent" not in {flag for line in task.lines.all() for flag in line.flags}
    assert most_for_one_text(peer, "deepgram", "speech") > 1
