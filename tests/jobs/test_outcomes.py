from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from billing.queries import balance_of, imbalances
from jobs import claims, outcomes, queue, refusals, steps, sweeper
from jobs.models import DubbingJob, JobEvent, Step
from jobs.pipeline.calls import NoPlace
from jobs.pipeline.errors import FAILURES, PipelineError, ProviderFailed, Stopped
from jobs.services import cancel_job
from jobs.states import STAGE_OF, JobStatus, Stage, StepKind, StepStatus
from jobs.workers import this_worker
from tests import make
from tests.engines import engines

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]

LONG_AGO = timedelta(days=2)


def test_steps_follow_one_another_until_the_job_is_complete() -> None:
    job = make.job(languages=["es"])

    kinds = []
    while (claim := claims.claim()) is not None:
        outcomes.begin(claim)
        kinds.append(claim.kind)
        outcomes.finish(claim, kept=[], write=lambda: None)

    job.refresh_from_db()
    assert kinds == list(STAGE_OF)
    assert job.status == JobStatus.COMPLETE
    assert job.tasks.get().stage == Stage.COMPLETE
    assert job.kept_until is not None


def test_the_stage_shows_what_runs() -> None:
    job = make.job(languages=["es"])

    stages = []
    for _ in STAGE_OF:
        claim = make.claim()
        stages.append(job.tasks.get().stage)
        outcomes.finish(claim, kept=[], write=lambda: None)

    assert stages == ["stt", "stt", "translating", "dubbing", "mixing", "exporting"]


def test_languages_are_ready_side_by_side_after_transcription() -> None:
    job = make.job(languages=["es", "fr", "de"])

    make.done(2)

    ready = job.steps.filter(status=StepStatus.READY)
    assert set(ready.values_list("kind", flat=True)) == {StepKind.TRANSLATE}
    assert ready.count() == 3


def test_every_ready_step_is_rung_for() -> None:
    make.job(languages=["es", "fr"])
    OrmQ.objects.all().delete()

    make.done(2)

    assert queue.waiting() == 1 + 2


def test_a_language_that_fails_is_refunded_alone() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es", "fr"])
    make.done(2)
    claim = make.claim()

    outcomes.fail(claim, PipelineError("ENGINE_REFUSED", engine="Pico"))

    failed = job.tasks.get(steps__pk=claim.step_id)
    assert (failed.stage, failed.error_code, failed.refunded) == ("failed", "ENGINE_REFUSED", 7)
    assert "Pico" in failed.error
    assert balance_of(person) == 93
    job.refresh_from_db()
    assert job.status == JobStatus.PROCESSING
    left = job.steps.filter(task=failed).exclude(status=StepStatus.FAILED)
    assert set(left.values_list("status", flat=True)) == {StepStatus.CANCELLED}


def test_a_job_with_one_language_left_is_complete() -> None:
    job = make.job(languages=["es", "fr"])
    make.done(2)
    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="Pico"))

    make.done(4)

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE


def test_a_recording_that_fails_fails_and_refunds_all_languages() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es", "fr"])

    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

    job.refresh_from_db()
    assert job.status == JobStatus.ERROR
    assert {task.error_code for task in job.tasks.all()} == {"NO_SPEECH"}
    assert balance_of(person) == 100
    assert imbalances() == []
    assert not claims.due().exists()


def test_an_error_worth_trying_again_is_put_off_ever_longer() -> None:
    make.job(languages=["es"])
    delays = []
    for _ in range(outcomes.MOST_ERRORS - 1):
        claim = make.claim()
        outcomes.after_error(claim, ProviderFailed("ENGINE_FAILED", engine="Pico"))
        step = Step.objects.get(pk=claim.step_id)
        delays.append(round((step.not_before - timezone.now()).total_seconds()))
        Step.objects.filter(pk=claim.step_id).update(not_before=timezone.now() - LONG_AGO)

    assert delays == [15, 60, 240, 900]


def test_after_five_errors_the_step_fails_and_says_that_nothing_is_tried_again() -> None:
    job = make.job(languages=["es"])
    for _ in range(outcomes.MOST_ERRORS):
        Step.objects.filter(job=job).update(not_before=timezone.now() - LONG_AGO)
        outcomes.after_error(make.claim(), ProviderFailed("ENGINE_FAILED", engine="Pico"))

    task = job.tasks.get()
    assert task.stage == Stage.FAILED
    assert "gave up" in task.error
    assert "We try again" not in task.error


@pytest.mark.parametrize("code", [code for code, row in FAILURES.items() if row.again])
def test_what_was_tried_in_vain_says_so_in_the_end_and_promises_nothing_before(code: str) -> None:
    error = PipelineError(code, engine="Pico")

    assert "try again" not in str(error)
    assert refusals.final_sentence(error) == f"{error} We tried several times and gave up."


def test_the_other_side_may_ask_for_more_patience() -> None:
    make.job(languages=["es"])
    claim = make.claim()

    outcomes.after_error(claim, ProviderFailed("VENDOR_BUSY", engine="it", after=300))

    step = Step.objects.get(pk=claim.step_id)
    assert 290 < (step.not_before - timezone.now()).total_seconds() <= 300


@pytest.mark.parametrize(
    ("after", "seconds"),
    [(2.3e9, 3600), (1e300, 3600), (float("inf"), 15), (float("nan"), 15), (-5.0, 15)],
)
def test_no_step_waits_for_ever_because_the_other_side_asks_for_it(
    after: float, seconds: int
) -> None:
    make.job(languages=["es"])
    claim = make.claim()

    outcomes.after_error(claim, ProviderFailed("VENDOR_BUSY", engine="it", after=after))

    step = Step.objects.get(pk=claim.step_id)
    assert seconds - 5 < (step.not_before - timezone.now()).total_seconds() <= seconds


def test_a_step_that_is_put_off_is_not_claimed_before_its_time() -> None:
    make.job(languages=["es"])

    outcomes.after_error(make.claim(), PipelineError("NO_SPACE"))

    assert claims.claim() is None


def test_a_vendor_account_is_waited_for_without_counting_errors() -> None:
    job = make.job(languages=["es"])
    for _ in range(outcomes.MOST_ERRORS + 1):
        Step.objects.filter(job=job).update(not_before=timezone.now() - LONG_AGO)
        outcomes.after_error(make.claim(), ProviderFailed("VENDOR_ACCOUNT", engine="it"))

    step = job.steps.get(kind=StepKind.INGEST)
    assert (step.status, step.reason, step.errors) == ("ready", "vendor_account", 0)


def test_a_place_at_a_vendor_is_waited_for_without_counting_errors() -> None:
    job = make.job(languages=["es"])
    for _ in range(outcomes.MOST_ERRORS + 1):
        Step.objects.filter(job=job).update(not_before=timezone.now() - LONG_AGO)
        outcomes.after_error(make.claim(), NoPlace("deepgram"))

    step = job.steps.get(kind=StepKind.INGEST)
    assert (step.status, step.reason, step.errors) == ("ready", "vendor_busy", 0)


def test_who_waits_for_a_place_after_an_account_does_not_wait_for_ever() -> None:
    job = make.job(languages=["es"])
    outcomes.after_error(make.claim(), ProviderFailed("VENDOR_ACCOUNT", engine="it"))
    past = timezone.now() - LONG_AGO
    Step.objects.filter(job=job).update(not_before=past, reason_since=past)

    outcomes.after_error(make.claim(), NoPlace("deepgram"))

    assert job.tasks.get().error_code == "VENDOR_BUSY"


@pytest.mark.parametrize(
    "error", [ProviderFailed("VENDOR_ACCOUNT", engine="it"), NoPlace("deepgram")]
)
def test_after_a_day_of_waiting_in_vain_the_language_is_refunded(error: ProviderFailed) -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"])
    outcomes.after_error(make.claim(), error)
    past = timezone.now() - LONG_AGO
    Step.objects.filter(job=job).update(not_before=past, reason_since=past)

    outcomes.after_error(make.claim(), error)

    assert job.tasks.get().error_code == error.code
    assert balance_of(person) == 100


def test_a_cancelled_step_can_not_be_finished() -> None:
    person = make.professional(credits=100)
    job = make.job(person)
    claim = make.claim()
    cancel_job(job, by=person)

    with pytest.raises(Stopped):
        outcomes.finish(claim, kept=[], write=lambda: None)

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_an_overtaken_worker_writes_nothing() -> None:
    make.job(languages=["es"])
    late = make.claim()
    Step.objects.filter(pk=late.step_id).update(lease_until=timezone.now() - LONG_AGO)
    claimed_again = make.claim()
    written = []

    with pytest.raises(Stopped):
        outcomes.finish(late, kept=[], write=lambda: written.append("late"))
    outcomes.finish(claimed_again, kept=[], write=lambda: written.append("again"))

    assert claimed_again.attempt == late.attempt + 1
    assert written == ["again"]


def test_three_deaths_are_poison() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"])
    for _ in range(claims.MOST_DEATHS):
        claims.give_up(make.claim())

    poisoned = claims.claim()
    assert poisoned is not None
    steps.run(poisoned, engines=engines)

    assert job.tasks.get().error_code == "STEP_DIED"
    assert balance_of(person) == 100


def test_staff_are_told_of_a_step_that_died_again_and_again(
    settings: Settings,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.ADMINS = [("Staff", "staff@example.com")]
    job = make.job(languages=["es"])
    for _ in range(claims.MOST_DEATHS):
        claims.give_up(make.claim())
    poisoned = claims.claim()
    assert poisoned is not None

    with django_capture_on_commit_callbacks(execute=True):
        steps.run(poisoned, engines=engines)

    [mail] = mailoutbox
    assert mail.to == ["staff@example.com"]
    assert job.public_id in str(mail.body)
    assert "Our staff was told." in job.tasks.get().error


def test_a_bug_comes_out_and_counts_as_a_death() -> None:
    job = make.job(languages=["es"])
    claim = claims.claim()
    assert claim is not None

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        steps.run(claim, engines=broken)  # type: ignore[arg-type]

    again = claims.claim()
    assert again is not None
    assert again.deaths == 1
    assert job.steps.get(pk=claim.step_id).status == StepStatus.RUNNING


def test_engines_that_are_missing_fail_the_step_with_their_sentence() -> None:
    job = make.job(languages=["es"])
    claim = claims.claim()
    assert claim is not None

    def missing() -> None:
        raise PipelineError("MODEL_MISSING", model="speech", command="make setup")

    steps.run(claim, engines=missing)  # type: ignore[arg-type]

    assert job.tasks.get().error_code == "MODEL_MISSING"


def test_the_sweeper_rings_for_steps_that_no_message_waits_for() -> None:
    make.job(languages=["es"])
    OrmQ.objects.all().delete()

    rung = [sweeper.sweep(), sweeper.sweep()]

    assert rung == [1, 0]


def test_what_happened_is_recorded_without_customers_words() -> None:
    person = make.professional()
    job = make.job(person, languages=["es"], title="My secret film")
    cancel_job(job, by=person)

    events = JobEvent.objects.filter(job=job)

    assert list(events.values_list("kind", flat=True)) == [
        "job_created",
        "language_cancelled",
        "job_ended",
    ]
    assert "secret" not in str(list(events.values_list("details", flat=True)))


def test_a_step_that_ran_is_never_claimed_again() -> None:
    make.job(languages=["es"])
    make.done(6)

    assert claims.claim() is None
    assert DubbingJob.objects.get().status == JobStatus.COMPLETE


def test_staff_are_told_once_about_a_vendors_account(
    settings: Settings,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.ADMINS = [("Staff", "staff@example.com")]
    make.job(languages=["es"])

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            outcomes.after_error(make.claim(), ProviderFailed("VENDOR_ACCOUNT", engine="Deepgram"))
            Step.objects.update(not_before=timezone.now() - LONG_AGO)

    [mail] = mailoutbox
    assert mail.to == ["staff@example.com"]
    assert "Deepgram needs attention" in str(mail.body)


def test_of_many_steps_that_wait_for_one_account_staff_hear_once(
    settings: Settings,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.ADMINS = [("Staff", "staff@example.com")]
    for _ in range(4):
        make.job(languages=["es"])

    with django_capture_on_commit_callbacks(execute=True):
        for engine in ("Deepgram", "Deepgram", "OpenAI", "Deepgram"):
            outcomes.after_error(make.claim(), ProviderFailed("VENDOR_ACCOUNT", engine=engine))

    told = [str(mail.body).partition(" needs attention")[0] for mail in mailoutbox]
    assert told == ["Deepgram", "OpenAI"]


def test_the_day_that_an_account_is_waited_for_does_not_begin_anew_after_another_error(
    settings: Settings,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.ADMINS = [("Staff", "staff@example.com")]
    job = make.job(languages=["es"])
    past = timezone.now() - LONG_AGO

    with django_capture_on_commit_callbacks(execute=True):
        outcomes.after_error(make.claim(), ProviderFailed("VENDOR_ACCOUNT", engine="it"))
        Step.objects.filter(job=job).update(not_before=past, reason_since=past)
        outcomes.after_error(make.claim(), ProviderFailed("VENDOR_BUSY", engine="it"))
        Step.objects.filter(job=job).update(not_before=past)
        outcomes.after_error(make.claim(), ProviderFailed("VENDOR_ACCOUNT", engine="it"))

    assert job.tasks.get().error_code == "VENDOR_ACCOUNT"
    assert len(mailoutbox) == 1


def test_a_claim_knows_who_was_at_its_step_before() -> None:
    make.job()
    first = claims.claim()
    assert first is not None
    claims.give_up(first)

    second = claims.claim()

    assert second is not None
    assert (first.before, second.before) == ("", this_worker())
