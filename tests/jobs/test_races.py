"""What happens when many work at once. SQLite, with one writer at a time, hides it."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connection, connections
from django.db.models.functions import Now
from django.test import override_settings
from django_q.models import OrmQ

from accounts.models import User
from billing.models import CreditTransaction
from billing.queries import balance_of, imbalances
from dubber.errors import Conflict
from jobs import claims, outcomes, sweeper, tasks
from jobs.claims import Claim
from jobs.desk import WorkerDesk
from jobs.heartbeat import Heartbeat
from jobs.models import DubbingJob, Step, Take
from jobs.pipeline.errors import PipelineError, Stopped
from jobs.services import cancel_job, create_job, retry_language
from jobs.states import ENDED, JobStatus, StepKind, StepStatus
from tests import make
from tests.engines import engines

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]

Answer = TypeVar("Answer")

WORKERS = 20


def at_once(many: int, act: Callable[[int], Answer]) -> list[Answer | Exception]:
    """Do something in so many threads that start together; what came of each."""
    start = threading.Barrier(many)

    def one(number: int) -> Answer | Exception:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return act(number)
        except (Conflict, Stopped, PipelineError) as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(one, range(many)))


def expire(step_id: int) -> None:
    """Let a lease run out."""
    Step.objects.filter(pk=step_id).update(lease_until=Now() - timedelta(seconds=1))


def steps_for_claims(many: int) -> set[int]:
    """So many steps that are ready, of one job each ten languages."""
    languages = ["es", "fr", "de", "it", "pt", "ja", "ko", "ru", "ar", "hi"]
    person = make.professional(credits=100_000)
    for _ in range(many // 10):
        make.job(person, languages=languages, seconds=10)
    Step.objects.filter(kind__in=[StepKind.INGEST, StepKind.TRANSCRIBE]).update(
        status=StepStatus.DONE, finished_at=Now()
    )
    ready = Step.objects.filter(kind=StepKind.TRANSLATE)
    ready.update(status=StepStatus.READY)
    return set(ready.values_list("pk", flat=True))


def test_twenty_workers_claim_two_hundred_steps_each_exactly_once() -> None:
    steps = steps_for_claims(200)

    def work(_: int) -> list[int]:
        claimed = []
        misses = 0
        while misses < 3:
            taken = claims.claim()
            if taken is None:
                misses += 1
            else:
                claimed.append(taken.step_id)
        return claimed

    answers = at_once(WORKERS, work)

    counted = Counter(pk for answer in answers if isinstance(answer, list) for pk in answer)
    assert counted == Counter(steps)
    assert set(Step.objects.filter(pk__in=steps).values_list("attempt", flat=True)) == {1}


def test_of_twenty_messages_for_one_step_one_is_worked_on() -> None:
    make.job(languages=["es"])

    answers = at_once(WORKERS, lambda _: claims.claim())

    assert sum(isinstance(answer, Claim) for answer in answers) == 1


def test_an_expired_step_is_taken_over_once_and_the_late_result_is_refused() -> None:
    make.job(languages=["es"])
    late = make.claim()
    expire(late.step_id)

    answers = at_once(WORKERS, lambda _: claims.claim())

    claimed = [answer for answer in answers if isinstance(answer, Claim)]
    assert [one.attempt for one in claimed] == [late.attempt + 1]
    with pytest.raises(Stopped):
        outcomes.finish(late, kept=[], write=lambda: None)
    assert not claims.renew(late)
    assert claims.renew(claimed[0])


def test_a_step_is_finished_once_however_often_it_is_tried() -> None:
    job = make.job(languages=["es"])
    taken = make.claim()
    OrmQ.objects.all().delete()

    at_once(8, lambda _: outcomes.finish(taken, kept=[], write=lambda: None))

    assert job.steps.get(kind=StepKind.TRANSCRIBE).status == StepStatus.READY
    assert OrmQ.objects.count() == 1


def test_cancelling_against_completing_leaves_one_truth_and_the_right_balance() -> None:
    for _ in range(10):
        person = make.professional(credits=100)
        job = make.job(person, languages=["es"])
        make.done(5)
        last = make.claim()

        def either(
            number: int, last: Claim = last, job: DubbingJob = job, person: User = person
        ) -> None:
            if number % 2:
                cancel_job(job, by=person)
            else:
                outcomes.finish(last, kept=[], write=lambda: None)

        at_once(6, either)

        job.refresh_from_db()
        assert job.status in {JobStatus.COMPLETE, JobStatus.CANCELLED}
        assert balance_of(person) == (93 if job.status == JobStatus.COMPLETE else 100)
    assert imbalances() == []


def test_takes_are_kept_while_a_job_is_cancelled_without_a_deadlock() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"])
    taken = make.claim()

    def either(number: int) -> None:
        if number == 0:
            cancel_job(job, by=person)
            return
        desk = WorkerDesk(taken, job, Heartbeat(taken, deadline=1e12))
        for part in range(5):
            desk.remember(f"{number} {part}", lambda: b"speech")

    answers = at_once(8, either)

    assert {type(answer) for answer in answers} <= {type(None), Stopped}
    assert Take.objects.filter(job=job).count() <= 35
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_two_languages_that_end_at_once_end_the_job() -> None:
    for _ in range(10):
        job = make.job(languages=["es", "fr"])
        make.done(2)
        last: list[Claim] = []
        while len(last) < 2:
            taken = make.claim()
            if taken.kind == StepKind.EXPORT:
                last.append(taken)
            else:
                outcomes.finish(taken, kept=[], write=lambda: None)

        at_once(
            2,
            lambda number, last=last: outcomes.finish(  # type: ignore[misc]
                last[number], kept=[], write=lambda: None
            ),
        )

        job.refresh_from_db()
        assert job.status == JobStatus.COMPLETE


def test_a_language_that_fails_many_times_at_once_is_refunded_once() -> None:
    person = make.professional(credits=100)
    make.job(person, languages=["es"])
    taken = make.claim()

    at_once(8, lambda _: outcomes.fail(taken, PipelineError("NO_SPEECH")))

    assert balance_of(person) == 100
    assert CreditTransaction.objects.filter(kind="refund").count() == 1


def test_a_language_that_is_retried_many_times_at_once_is_charged_once() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

    at_once(8, lambda _: retry_language(job, language="es", by=person))

    assert balance_of(person) == 93
    assert job.tasks.get().runs == 2


def test_an_upload_makes_one_job_however_often_it_is_sent_at_once() -> None:
    person = make.professional(credits=100)
    voice = make.upload(person)

    at_once(
        8,
        lambda _: create_job(
            person, voice=voice, background=None, languages=["es"], engines=engines
        ),
    )

    assert DubbingJob.objects.count() == 1
    assert balance_of(person) == 93


def test_a_heartbeat_renews_until_it_is_overtaken() -> None:
    make.job(languages=["es"])
    with override_settings(LEASE_SECONDS=0.4):
        taken = make.claim()
        first = Step.objects.get(pk=taken.step_id).lease_until
        with Heartbeat(taken, deadline=1e12) as beat:
            renewed = wait_for(lambda: Step.objects.get(pk=taken.step_id).lease_until != first)
            Step.objects.filter(pk=taken.step_id).update(attempt=taken.attempt + 1)
            lost = beat.lost.wait(timeout=10)

    assert renewed
    assert lost


def test_a_heartbeat_stops_at_the_deadline_so_that_a_hung_step_expires() -> None:
    make.job(languages=["es"])
    with override_settings(LEASE_SECONDS=0.4):
        taken = make.claim()
        with Heartbeat(taken, deadline=0):
            expired = wait_for(lambda: claims.due().filter(pk=taken.step_id).exists())

    assert expired


def test_messages_that_are_doubled_or_lost_change_nothing() -> None:
    job = make.job(languages=["es", "fr"])

    def work(number: int) -> None:
        for _ in range(30):
            taken = claims.claim()
            if taken is not None:
                outcomes.begin(taken)
                outcomes.finish(taken, kept=[], write=lambda: None)
            if number == 0:
                OrmQ.objects.all().delete()
                sweeper.sweep()

    while job.tasks.exclude(stage__in=ENDED).exists():
        answers = at_once(4, work)
        assert not [answer for answer in answers if isinstance(answer, Exception)]

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert set(job.steps.values_list("attempt", flat=True)) == {1}


def test_better_plans_come_first_then_users_with_less_running() -> None:
    starter, busy, idle = make.user(credits=100), make.professional(), make.professional()
    first = make.job(starter, languages=["es"])
    second, third = make.job(busy, languages=["es"]), make.job(busy, languages=["es"])
    fourth = make.job(idle, languages=["es"])

    order = [claims.claim() for _ in range(4)]
    tasks.run_step(0)  # nothing is left, and that is no error

    assert [one and one.job_id for one in order] == [second.pk, fourth.pk, third.pk, first.pk]


def wait_for(fact: Callable[[], bool]) -> bool:
    """Look until it is so, for at most ten seconds."""
    ended = threading.Event()
    for _ in range(500):
        if fact():
            return True
        ended.wait(0.02)
    return False
