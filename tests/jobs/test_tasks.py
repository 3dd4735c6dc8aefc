"""What one message makes a worker do."""

import pytest

from jobs import tasks
from jobs.models import Step
from jobs.states import JobStatus, StepStatus
from tests import make

pytestmark = [pytest.mark.ffmpeg, pytest.mark.django_db(transaction=True)]


def test_a_message_is_enough_for_everything_that_is_ready() -> None:
    jobs = [make.job(languages=["es"]) for _ in range(2)]  # their uploads are no sound at all

    tasks.run_step(0)

    for job in jobs:
        job.refresh_from_db()
        assert job.status == JobStatus.ERROR


def test_a_message_for_which_nothing_is_left_does_nothing() -> None:
    make.job(languages=["es"])
    make.claim()

    tasks.run_step(0)

    assert Step.objects.get(kind="ingest").status == StepStatus.RUNNING
