import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.models.functions import Now

from jobs import claims
from jobs.models import Step
from jobs.workers import group_of, is_dead, neighbourhood, this_worker
from tests import make


def child() -> "subprocess.Popen[bytes]":
    """A process of a group of its own, that ends when its input does."""
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )


def name_of(pid: int) -> str:
    """The name that process goes by."""
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{neighbourhood()}{pid}:{start}"


def test_this_process_is_alive() -> None:
    assert not is_dead(this_worker())
    assert group_of(this_worker()) == os.getpgrp()


def test_a_process_that_ended_is_dead() -> None:
    process = child()
    name = name_of(process.pid)
    assert not is_dead(name)
    assert group_of(name) == process.pid

    process.communicate()

    assert is_dead(name)
    assert group_of(name) is None


def test_a_pid_that_was_given_to_another_process_is_dead() -> None:
    assert is_dead(f"{neighbourhood()}{os.getpid()}:1")


def test_of_another_machine_we_know_nothing() -> None:
    assert not is_dead("elsewhere:boot:1:1:1")
    assert group_of("elsewhere:boot:1:1:1") is None


@pytest.mark.django_db
def test_the_lease_of_a_dead_neighbour_ends_at_once_and_others_stay() -> None:
    job = make.job(languages=["es", "fr"])
    make.done(2)
    dead, alive = make.claim(), make.claim()
    Step.objects.filter(pk=dead.step_id).update(worker=f"{neighbourhood()}{os.getpid()}:1")

    ended = claims.expire_dead()

    assert ended == 1
    assert claims.due().get().pk == dead.step_id
    assert job.steps.filter(pk=alive.step_id, lease_until__gt=Now()).exists()


@pytest.mark.django_db
def test_a_step_handed_back_is_ready_and_nobody_died() -> None:
    make.job(languages=["es"])
    claim = make.claim()

    claims.hand_back([(claim.step_id, claim.attempt)])

    again = claims.claim()
    assert again is not None
    assert (again.attempt, again.deaths) == (claim.attempt + 1, 0)
