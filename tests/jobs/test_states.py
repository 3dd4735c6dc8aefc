import pytest
from django.db import IntegrityError, transaction

from dubber.errors import Conflict
from jobs.models import DubbingJob, JobEvent, LanguageTask, RecordIsFinal, Step
from jobs.states import (
    BEFORE,
    JOB_NEXT,
    ON_DEMAND,
    STAGE_NEXT,
    STAGE_OF,
    STEP_NEXT,
    JobStatus,
    Stage,
    StepKind,
    StepStatus,
)
from tests import make

pytestmark = pytest.mark.django_db


def test_every_status_has_its_moves() -> None:
    assert set(JOB_NEXT) == set(JobStatus)
    assert set(STAGE_NEXT) == set(Stage)
    assert set(STEP_NEXT) == set(StepStatus)
    assert set(BEFORE) == set(STAGE_OF) == set(StepKind) - set(ON_DEMAND)


def test_a_row_that_moved_in_the_meantime_can_not_be_moved() -> None:
    job = make.job()
    stale = DubbingJob.objects.get(pk=job.pk)
    job.move_to(JobStatus.PROCESSING)

    with pytest.raises(Conflict):
        stale.move_to(JobStatus.PROCESSING)


def test_a_move_that_is_not_in_the_table_is_refused() -> None:
    job = make.job()

    with pytest.raises(Conflict):
        job.move_to(JobStatus.COMPLETE)

    job.refresh_from_db()
    assert job.status == JobStatus.PENDING


def test_a_step_whose_attempt_was_raised_can_not_be_moved_by_the_earlier_reader() -> None:
    job = make.job()
    make.claim()
    stale = job.steps.get(kind=StepKind.INGEST)
    Step.objects.filter(pk=stale.pk).update(attempt=stale.attempt + 1)

    with pytest.raises(Conflict):
        stale.move_to(StepStatus.DONE)


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "asleep"},
        {"status": "running"},
        {"status": "failed"},
        {"kind": "dub"},
    ],
)
def test_the_database_refuses_a_step_that_makes_no_sense(columns: dict[str, str]) -> None:
    job = make.job()

    with pytest.raises(IntegrityError), transaction.atomic():
        job.steps.filter(kind=StepKind.INGEST).update(**columns)


def test_the_database_refuses_to_refund_more_than_was_charged() -> None:
    task = make.job().tasks.first()
    assert task is not None

    with pytest.raises(IntegrityError), transaction.atomic():
        LanguageTask.objects.filter(pk=task.pk).update(refunded=task.credits + 1)


def test_a_second_step_of_a_kind_is_refused() -> None:
    job = make.job()

    with pytest.raises(IntegrityError), transaction.atomic():
        Step.objects.create(job=job, kind=StepKind.INGEST)


def test_events_can_not_be_changed() -> None:
    event = JobEvent.objects.filter(job=make.job()).first()
    assert event is not None

    with pytest.raises(RecordIsFinal):
        event.save()
    with pytest.raises(RecordIsFinal):
        JobEvent.objects.all().delete()
