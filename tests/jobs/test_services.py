from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import User
from billing.models import CreditTransaction
from billing.queries import balance_of, imbalances
from dubber.errors import Conflict, PermissionRefused, UserError
from jobs import outcomes
from jobs.models import DubbingJob, Upload
from jobs.pipeline.errors import PipelineError
from jobs.services import cancel_job, create_job, retry_language
from jobs.states import JobStatus, Stage, StepKind, StepStatus
from tests import make
from tests.engines import engines

pytestmark = pytest.mark.django_db


def failed_job(person: User) -> DubbingJob:
    """A job whose Spanish failed and whose French is done."""
    job = make.job(person)
    make.done(2)
    translations = {claim.task_id: claim for claim in (make.claim(), make.claim())}
    spanish = job.tasks.get(language="es")
    outcomes.fail(translations[spanish.pk], PipelineError("ENGINE_REFUSED", engine="it"))
    french = job.tasks.get(language="fr")
    outcomes.finish(translations[french.pk], kept=[], write=lambda: None)
    make.done(3)
    job.refresh_from_db()
    return job


def test_a_job_is_written_with_its_steps_and_one_charge_for_each_language() -> None:
    person = make.professional(credits=100)

    job = make.job(person, languages=["es", "ja"], seconds=61.0)

    assert [(task.language, task.credits) for task in job.tasks.all()] == [("es", 7), ("ja", 8)]
    assert balance_of(person) == 85
    assert job.steps.count() == 2 + 2 * 4
    assert job.steps.get(status=StepStatus.READY).kind == StepKind.INGEST
    assert OrmQ.objects.count() == 1


def test_without_enough_credits_nothing_is_written() -> None:
    person = make.professional(credits=13)
    voice = make.upload(person)

    with pytest.raises(UserError) as refused:
        create_job(person, voice=voice, background=None, languages=["es", "fr"], engines=engines)

    assert refused.value.code == "insufficient_credits"
    assert refused.value.details == {"required": 14, "balance": 13, "shortfall": 1}
    assert not DubbingJob.objects.exists()
    assert not OrmQ.objects.exists()
    assert balance_of(person) == 13


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"languages": []}, "validation_error"),
        ({"languages": ["es", "es-MX"]}, "language_twice"),
        ({"languages": ["xx"]}, "language_unknown"),
        ({"languages": ["ko"]}, "language_unavailable"),
        ({"languages": ["es"], "source_language": "es"}, "validation_error"),
        ({"languages": ["es"], "options": {"louder": True}}, "validation_error"),
        ({"languages": ["es"], "options": {"keep_original_db": 3}}, "validation_error"),
        ({"languages": ["es"], "options": {"voices": {"es": {"0": "nobody"}}}}, "validation_error"),
        ({"languages": ["es"], "options": {"speech": {"es": "polly"}}}, "language_unavailable"),
        ({"languages": ["es"], "options": {"speech": {"es": "nobody"}}}, "validation_error"),
        ({"languages": ["es"], "options": {"speech": {"fr": "pico"}}}, "validation_error"),
        ({"languages": ["es"], "options": {"translation": {"es": "qwen"}}}, "language_unavailable"),
        ({"languages": ["es"], "options": {"translation": {"es": []}}}, "validation_error"),
        ({"languages": ["es"], "options": {"translation": "qwen"}}, "validation_error"),
    ],
)
def test_what_can_not_be_made_is_refused_before_anything_is_charged(
    choices: dict[str, object], code: str
) -> None:
    person = make.professional()

    with pytest.raises(UserError) as refused:
        make.job(person, engines=lambda: engines(without=["ko"]), **choices)  # type: ignore[arg-type]

    assert refused.value.code == code
    assert balance_of(person) == 1000


def test_a_plan_limits_languages() -> None:
    person = make.user(credits=100)

    with pytest.raises(PermissionRefused) as refused:
        make.job(person, languages=["es", "fr", "de"])

    assert refused.value.code == "plan_limit"


def test_a_premium_voice_costs_double_and_needs_the_plan() -> None:
    choice = {"voices": {"es": {"0": "grand-hum"}}}

    job = make.job(make.professional(), languages=["es"], options=choice)
    with pytest.raises(PermissionRefused) as refused:
        make.job(make.user(credits=100), languages=["es"], options=choice)

    assert job.tasks.get().credits == 13
    assert refused.value.code == "plan_required"


def test_voice_and_background_of_different_length_are_refused() -> None:
    person = make.professional()
    voice = make.upload(person, seconds=60)
    background = make.upload(person, seconds=61.1, role=Upload.Role.BACKGROUND)

    with pytest.raises(UserError) as refused:
        create_job(person, voice=voice, background=background, languages=["es"], engines=engines)

    assert refused.value.code == "duration_mismatch"
    assert refused.value.details == {"voice_duration": 60.0, "background_duration": 61.1}


def test_an_upload_makes_one_job_only() -> None:
    person = make.professional()
    voice = make.upload(person)
    create_job(person, voice=voice, background=None, languages=["es"], engines=engines)

    with pytest.raises(Conflict):
        create_job(person, voice=voice, background=None, languages=["fr"], engines=engines)

    assert DubbingJob.objects.count() == 1


def test_somebody_elses_upload_is_not_there() -> None:
    voice = make.upload(make.professional())

    with pytest.raises(Conflict) as refused:
        create_job(
            make.professional(), voice=voice, background=None, languages=["es"], engines=engines
        )

    assert refused.value.code == "upload_missing"


def test_cancelling_twice_refunds_once() -> None:
    person = make.professional(credits=100)
    job = make.job(person)

    cancel_job(job, by=person)
    again = cancel_job(job, by=person)

    assert again.status == JobStatus.CANCELLED
    assert balance_of(person) == 100
    assert CreditTransaction.objects.filter(kind="refund").count() == 2
    assert set(job.steps.values_list("status", flat=True)) == {StepStatus.CANCELLED}
    assert imbalances() == []


def test_cancelling_keeps_what_is_finished() -> None:
    person = make.professional(credits=100)
    job = make.job(person)
    make.done(2)
    one = make.claim()
    outcomes.finish(one, kept=[], write=lambda: None)
    task = job.tasks.get(steps__pk=one.step_id)
    while job.tasks.filter(pk=task.pk).exclude(stage=Stage.COMPLETE).exists():
        claim = make.claim()
        if claim.task_id == one.task_id:
            outcomes.finish(claim, kept=[], write=lambda: None)

    ended = cancel_job(job, by=person)

    assert ended.status == JobStatus.COMPLETE
    assert balance_of(person) == 93


def test_a_job_that_ended_can_not_be_cancelled() -> None:
    person = make.professional()
    job = make.job(person, languages=["es"])
    make.done(6)

    with pytest.raises(Conflict):
        cancel_job(job, by=person)


def test_a_failed_language_is_retried_for_its_price() -> None:
    person = make.professional(credits=100)
    job = failed_job(person)
    assert balance_of(person) == 93

    task = retry_language(job, language="es", by=person)
    make.done(4)

    job.refresh_from_db()
    task.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert (task.stage, task.runs, task.credits, task.refunded) == (Stage.COMPLETE, 2, 14, 7)
    assert balance_of(person) == 86
    assert imbalances() == []


def test_staff_retry_for_nothing(adds_up: None) -> None:
    person = make.professional(credits=100)
    job = failed_job(person)

    retry_language(job, language="es", by=make.staff(), free=True)
    make.done(4)

    job.refresh_from_db()
    assert (job.status, balance_of(person)) == (JobStatus.COMPLETE, 93)
    assert not CreditTransaction.objects.filter(reference=f"{job.public_id}:es:2").exists()


def test_a_present_that_fails_again_gives_nothing_back(adds_up: None) -> None:
    person = make.professional(credits=100)
    job = failed_job(person)
    retry_language(job, language="es", by=make.staff(), free=True)

    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

    assert (job.tasks.get(language="es").stage, balance_of(person)) == (Stage.FAILED, 93)


def test_a_customer_can_not_retry_for_nothing() -> None:
    person = make.professional()
    job = failed_job(person)

    with pytest.raises(PermissionRefused):
        retry_language(job, language="es", by=person, free=True)


def test_only_a_failed_language_is_retried() -> None:
    person = make.professional()
    job = failed_job(person)

    with pytest.raises(Conflict):
        retry_language(job, language="fr", by=person)


def test_after_its_time_a_job_can_not_be_retried() -> None:
    person = make.professional()
    job = failed_job(person)
    DubbingJob.objects.filter(pk=job.pk).update(kept_until=timezone.now() - timedelta(hours=1))

    with pytest.raises(UserError) as refused:
        retry_language(job, language="es", by=person)

    assert refused.value.code == "files_expired"


def test_a_retry_without_credits_changes_nothing() -> None:
    person = make.professional(credits=14)
    job = failed_job(person)
    make.job(person, languages=["es"])

    with pytest.raises(UserError):
        retry_language(job, language="es", by=person)

    assert job.tasks.get(language="es").stage == Stage.FAILED


def test_after_a_failed_recording_every_language_can_be_retried() -> None:
    person = make.professional(credits=100)
    job = make.job(person)
    outcomes.fail(make.claim(), PipelineError("CORRUPT_AUDIO"))
    job.refresh_from_db()
    assert job.status == JobStatus.ERROR
    assert balance_of(person) == 100

    retry_language(job, language="es", by=person)
    retry_language(job, language="fr", by=person)
    make.done(10)

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert balance_of(person) == 86
