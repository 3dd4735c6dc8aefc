"""A worker is killed while vendors speak: what was bought stays bought."""

from collections import Counter
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs.models import JobEvent, Step, Take, VendorCall
from jobs.states import JobStatus, StepKind
from tests.e2e.test_killed_worker import kill_all, wait_for, work
from tests.e2e.vendors import Worker, configure, order
from tests.peers.server import Latency, VendorPeer

pytestmark = [
    pytest.mark.worker,
    pytest.mark.ffmpeg,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]


PLACES = 2  # fewer than there are lines, so that some are always under way


@pytest.fixture
def peer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorPeer]:
    with VendorPeer() as running:
        configure(settings, running)
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def test_only_calls_under_way_when_the_worker_was_killed_are_made_again(
    peer: VendorPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBBER_VENDOR_PLACES", f"deepgram-speech={PLACES}")
    job = order(["es"], seconds=90)
    Worker().work(until=StepKind.DUB)
    peer.latency = Latency(speech=(0.4, 0.05))
    kept = Take.objects.filter(job=job, kind=StepKind.DUB)

    with work() as process:
        assert wait_for(lambda: kept.count() >= 3, seconds=120)
        kill_all(process)
    under_way = peer.count("deepgram", "speech") - kept.count()
    peer.latency = Latency()
    Step.objects.filter(job=job, kind=StepKind.DUB).update(lease_until="2026-01-01T00:00Z")
    with work():
        assert wait_for(lambda: job.tasks.filter(stage="complete"), seconds=240)

    job.refresh_from_db()
    bought = Counter(call.sha256 for call in peer.calls if call.kind == "speech")
    assert job.status == JobStatus.COMPLETE
    assert peer.count("deepgram", "recognition") == 1
    lost = JobEvent.objects.get(job=job, kind=JobEvent.Kind.CALLS_LOST).details["calls"]
    assert 1 <= lost <= PLACES
    assert (
        VendorCall.objects.filter(job=job, unit="characters").count() >= sum(bought.values()) - lost
    )
    assert max(bought.values()) <= 2
    assert sum(times == 2 for times in bought.values()) <= under_way
