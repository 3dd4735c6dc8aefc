from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from jobs import claims
from jobs.desk import WorkerDesk
from jobs.heartbeat import Heartbeat
from jobs.models import DubbingJob, Step, Take
from jobs.pipeline.errors import PipelineError, Stopped
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> DubbingJob:
    return make.job(languages=["es"])


@pytest.fixture
def desk(job: DubbingJob) -> WorkerDesk:
    return desk_of(job)


def desk_of(job: DubbingJob, *, deadline: float = 1e12) -> WorkerDesk:
    """A desk for the next step."""
    claim = make.claim()
    return WorkerDesk(claim, job, Heartbeat(claim, deadline=deadline))


def speeches() -> Iterator[bytes]:
    """Something else each time it is bought."""
    return (f"speech {number}".encode() for number in range(9))


def test_what_was_bought_is_never_bought_again(desk: WorkerDesk) -> None:
    bought = speeches()

    heard = [desk.remember("hola", lambda: next(bought)) for _ in range(3)]

    assert heard == [b"speech 0"] * 3
    assert Take.objects.count() == 1


def test_another_attempt_finds_what_the_first_one_bought(job: DubbingJob, desk: WorkerDesk) -> None:
    bought = speeches()
    desk.remember("hola", lambda: next(bought))
    claims.give_up(desk.claim)

    heard = desk_of(job).remember("hola", lambda: next(bought))

    assert heard == b"speech 0"


def test_another_job_buys_for_itself(desk: WorkerDesk) -> None:
    bought = speeches()
    desk.remember("hola", lambda: next(bought))

    heard = desk_of(make.job(languages=["es"])).remember("hola", lambda: next(bought))

    assert heard == b"speech 1"


def test_a_take_that_was_damaged_in_storage_is_bought_again(desk: WorkerDesk) -> None:
    bought = speeches()
    desk.remember("hola", lambda: next(bought))
    Path(default_storage.path(Take.objects.get().object_key)).write_bytes(b"noise")

    heard = desk.remember("hola", lambda: next(bought))

    assert heard == b"speech 1"
    assert Take.objects.count() == 1


def test_a_worker_that_was_overtaken_keeps_nothing_and_stops(desk: WorkerDesk) -> None:
    Step.objects.filter(pk=desk.claim.step_id).update(attempt=desk.claim.attempt + 1)

    with pytest.raises(Stopped):
        desk.remember("hola", lambda: b"speech")

    assert not Take.objects.exists()
    with pytest.raises(Stopped):
        desk.stop()


def test_progress_is_shown_at_the_ends_of_a_stage_and_not_every_time(desk: WorkerDesk) -> None:
    shown = []
    for part in (0, 1, 2, 3):
        desk.progress("dub", part, 3)
        shown.append(Step.objects.values_list("part", "parts").get(pk=desk.claim.step_id))

    assert shown == [(0, 3), (0, 3), (0, 3), (3, 3)]


def test_progress_of_a_cancelled_step_stops_the_work(desk: WorkerDesk) -> None:
    Step.objects.filter(pk=desk.claim.step_id).update(status="cancelled", lease_until=None)

    desk.progress("dub", 0, 3)

    with pytest.raises(Stopped):
        desk.stop()


def test_after_its_deadline_a_step_is_out_of_time(job: DubbingJob) -> None:
    desk = desk_of(job, deadline=0)

    with pytest.raises(PipelineError) as error:
        desk.stop()

    assert error.value.code == "OUT_OF_TIME"
