"""`manage.py work` as it really runs: processes, signals, the queue and the database file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django_q.models import OrmQ

from billing.queries import balance_of
from jobs.incoming import incoming_folder
from jobs.models import Step
from jobs.states import JobStatus, StepStatus
from jobs.workers import neighbourhood
from tests import make

pytestmark = [pytest.mark.worker, pytest.mark.ffmpeg, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def work() -> Iterator[psutil.Popen]:
    """A supervisor with its workers, and nothing left of them afterwards."""
    process = psutil.Popen(
        [sys.executable, "manage.py", "work", "--grace", "2"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DUBBER_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
    )
    yield process
    family = family_of(process)
    if process.is_running():
        process.kill()
        process.wait()
    for member in family:
        if member.is_running():
            member.kill()


@pytest.fixture
def undeletable() -> Iterator[Path]:
    """Something among the files on their way in that is none, and can't be deleted as one."""
    odd = incoming_folder() / "0.part"
    odd.mkdir(parents=True)
    yield odd
    odd.rmdir()


def family_of(process: psutil.Process) -> list[psutil.Process]:
    """Everything that the supervisor started."""
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def wait_for(fact: Callable[[], object], *, seconds: float = 60) -> bool:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if fact():
            return True
        time.sleep(0.1)
    return False


def gone(processes: list[psutil.Process]) -> bool:
    """Have all of them ended?"""
    return not [one for one in processes if one.is_running() and one.status() != "zombie"]


def started(work: psutil.Popen) -> list[psutil.Process]:
    """The family, once it is complete: main process, sentinel, worker, monitor and pusher."""
    assert wait_for(lambda: len(family_of(work)) >= 5)
    return family_of(work)


@pytest.mark.usefixtures("undeletable", "work")
def test_a_file_that_can_not_be_deleted_stops_nobodys_work() -> None:
    job = make.job(languages=["es"])

    assert wait_for(lambda: job.tasks.filter(stage="failed"))


def test_a_message_makes_a_worker_work_and_a_failed_job_is_refunded(work: psutil.Popen) -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"])  # its upload is no sound at all

    assert wait_for(lambda: not OrmQ.objects.exists() and job.tasks.filter(stage="failed"))

    job.refresh_from_db()
    assert job.status == JobStatus.ERROR
    assert balance_of(person) == 100
    assert work.is_running()


def test_killing_the_supervisor_ends_its_workers(work: psutil.Popen) -> None:
    family = started(work)

    work.kill()
    work.wait()

    assert wait_for(lambda: gone(family), seconds=10)


def test_a_supervisor_that_is_told_to_stop_ends_with_all_of_its_workers(work: psutil.Popen) -> None:
    family = started(work)

    work.send_signal(signal.SIGTERM)

    assert work.wait(30) == 0
    assert gone(family)


def test_workers_that_end_by_themselves_are_started_again(work: psutil.Popen) -> None:
    family = started(work)

    family[0].kill()

    assert wait_for(lambda: gone(family), seconds=10)
    assert wait_for(lambda: len(family_of(work)) >= 5)


def test_a_step_whose_worker_died_is_taken_up_at_the_next_start(work: psutil.Popen) -> None:
    job = make.job(languages=["es"])
    claim = make.claim()
    OrmQ.objects.all().delete()
    Step.objects.filter(pk=claim.step_id).update(worker=f"{neighbourhood()}{os.getpid()}:1")

    assert wait_for(lambda: job.steps.filter(pk=claim.step_id, status=StepStatus.FAILED))

    assert work.is_running()
    assert job.steps.get(pk=claim.step_id).deaths == 1


def test_the_workers_answer_the_canary_which_goes_with_its_supervisor(work: psutil.Popen) -> None:
    canary = Path(settings.SCRATCH) / f"canary-{work.pid}"
    answered = wait_for(canary.exists)

    work.send_signal(signal.SIGTERM)
    work.wait(30)

    assert answered
    assert not canary.exists()
