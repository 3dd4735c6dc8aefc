from datetime import date

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from billing.queries import balance_of
from jobs import outcomes, vendor_calls, wiring
from jobs.glossary import glossary_of
from jobs.models import DubbingJob, LanguageTask, Step
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Bill
from jobs.providers import cards
from jobs.states import JobStatus, Stage
from tests import make

pytestmark = pytest.mark.django_db

JOBS = "admin:jobs_dubbingjob_changelist"
LANGUAGES = "admin:jobs_languagetask_changelist"


@pytest.fixture
def staff(client: Client) -> User:
    person = User.objects.create_superuser("staff@example.com", None)
    make.sign_in(client, person)
    return person


def choose(client: Client, page: str, action: str, pk: int, *, confirmed: bool) -> None:
    """Choose an action for one row, and say yes to its question."""
    form = {"action": action, ACTION_CHECKBOX_NAME: [pk]}
    answer = client.post(reverse(page), form | ({"confirmed": "yes"} if confirmed else {}))
    assert answer.status_code == (302 if confirmed else 200)


def failed_task(person: User) -> LanguageTask:
    """A language that failed."""
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))
    return job.tasks.get()


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    "model",
    [
        "dubbingjob",
        "languagetask",
        "step",
        "jobevent",
        "artifact",
        "vendorcall",
        "vendorhealth",
        "vendorplace",
        "glossaryentry",
    ],
)
def test_staff_can_read_every_list(client: Client, model: str) -> None:
    failed_task(make.professional())

    answer = client.get(reverse(f"admin:jobs_{model}_changelist"))

    assert answer.status_code == 200


@pytest.mark.usefixtures("staff")
def test_staff_read_a_job_with_languages_steps_and_events(client: Client) -> None:
    task = failed_task(make.professional())

    answer = client.get(reverse("admin:jobs_dubbingjob_change", args=[task.job_id]))

    assert answer.status_code == 200
    assert "NO_SPEECH" in answer.content.decode()
    assert "Language failed" in answer.content.decode()


@pytest.mark.usefixtures("staff")
def test_cancelling_asks_first(client: Client) -> None:
    job = make.job()

    choose(client, JOBS, "cancel", job.pk, confirmed=False)

    job.refresh_from_db()
    assert job.status == JobStatus.PENDING


@pytest.mark.usefixtures("staff")
def test_staff_cancel_with_refund(client: Client) -> None:
    person = make.professional(credits=100)
    job = make.job(person)

    choose(client, JOBS, "cancel", job.pk, confirmed=True)

    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert balance_of(person) == 100


@pytest.mark.usefixtures("staff")
def test_staff_retry_a_failed_language_for_nothing(client: Client) -> None:
    person = make.professional(credits=100)
    task = failed_task(person)

    choose(client, LANGUAGES, "retry", task.pk, confirmed=True)

    task.refresh_from_db()
    assert task.stage == Stage.QUEUED
    assert balance_of(person) == 100


@pytest.mark.usefixtures("staff")
def test_a_refusal_is_told_in_its_own_words(client: Client) -> None:
    job = make.job(languages=["es"])
    make.done(6)
    form = {"action": "cancel", ACTION_CHECKBOX_NAME: [job.pk], "confirmed": "yes"}

    answer = client.post(reverse(JOBS), form, follow=True)

    assert "nothing to cancel" in answer.content.decode()
    assert DubbingJob.objects.get().status == JobStatus.COMPLETE


def test_staff_without_the_permission_can_not_cancel(client: Client) -> None:
    reader = make.user("reader@example.com")
    reader.is_staff = True
    reader.save()
    make.sign_in(client, reader)
    job = make.job()

    form = {"action": "cancel", ACTION_CHECKBOX_NAME: [job.pk], "confirmed": "yes"}
    answer = client.post(reverse(JOBS), form)

    job.refresh_from_db()
    assert answer.status_code == 403
    assert job.status == JobStatus.PENDING


@pytest.mark.usefixtures("staff")
def test_nothing_is_changed_or_deleted_by_hand(client: Client) -> None:
    job = make.job()

    change = client.post(reverse("admin:jobs_dubbingjob_change", args=[job.pk]), {"title": "x"})
    delete = client.post(reverse("admin:jobs_dubbingjob_delete", args=[job.pk]), {"post": "yes"})

    assert (change.status_code, delete.status_code) == (403, 403)


@pytest.mark.usefixtures("staff")
def test_staff_read_what_vendors_took_for_a_job_and_what_is_left(client: Client) -> None:
    job = make.job(languages=["es"])  # of credits that were given: nobody paid for them
    step = Step.objects.filter(job=job).earliest("pk")
    bill = Bill("nova-3", "seconds", 61, 11_387, "request-1")
    vendor_calls.record(job, step, "deepgram", bill, 1.5)

    answer = client.get(reverse("admin:jobs_dubbingjob_change", args=[job.pk])).content.decode()

    assert "$0.0114" in answer
    assert "$0.0000" in answer
    assert "$-0.0114" in answer
    assert "request-1" in answer


@pytest.mark.usefixtures("staff")
def test_staff_are_told_of_what_vendors_have_ended(client: Client, settings: Settings) -> None:
    settings.OPENAI_API_KEY, settings.SPEECH_MODEL = "a-key", "tts-1"
    page = reverse("admin:jobs_vendorhealth_changelist")
    day = cards.OPENAI_ENDS["tts-1"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "has_ended", lambda engine: engine.ends == day)
        answer = client.get(page)

    assert f"OpenAI tts-1 ended on {day}" in answer.content.decode()


@pytest.mark.usefixtures("staff")
def test_staff_see_what_calls_are_recorded_at(client: Client, settings: Settings) -> None:
    settings.DEEPGRAM_API_KEY = "a-key"
    settings.VENDOR_PRICES = {"deepgram-speech": (27.5, date(2026, 11, 20))}

    page = client.get(reverse("admin:jobs_vendorhealth_changelist")).content.decode()

    assert "Deepgram aura-2" in page
    assert "27.5" in page
    assert "2026-11-20" in page


@pytest.mark.usefixtures("staff")
def test_staff_correct_a_persons_glossary_and_a_term_is_there_once(client: Client) -> None:
    person = make.user()
    term = {"user": person.pk, "source": "harbour", "target": "puerto", "language": "es"}
    add = reverse("admin:jobs_glossaryentry_add")

    first = client.post(add, term)
    again = client.post(add, {**term, "source": "Harbour"})

    assert (first.status_code, again.status_code) == (302, 200)
    assert [one["source"] for one in glossary_of(person)] == ["harbour"]
