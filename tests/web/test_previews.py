"""Listening to a line before it is made anew."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import UserCredits
from dubber.errors import Conflict
from jobs import claims, editing, links, outcomes, previews, retention, steps
from jobs.models import DubbingJob, Line, Preview, Step, Take
from jobs.pipeline.errors import PipelineError
from jobs.states import MOST_PREVIEWS_OF_JOB, StepKind, StepStatus
from tests import make
from tests.engines import Humming, engines
from tests.web.api import Api, fetched
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't count how often a test asks, and let the tests' own engines work."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    preview: Any = previews.preview_line
    monkeypatch.setitem(preview.__kwdefaults__, "engines", engines)


@pytest.fixture
def person() -> User:
    return make.professional(credits=100)


@pytest.fixture
def job(person: User) -> DubbingJob:
    """Return a finished job of three lines, of which the second was changed."""
    job = spoken(person)
    say(1, "Nuevo.")
    return job


def say(index: int, text: str) -> None:
    """Change the words of a line."""
    line = Line.objects.get(segment__index=index)
    change = editing.Change(id=line.pk, revision=line.revision, text=text)
    editing.edit_lines(line.task.job, language="es", changes=[change], engines=engines)


def ask(job: DubbingJob, person: User, index: int = 1) -> Any:
    line = Line.objects.get(segment__index=index)
    return Api(person).post(f"/api/jobs/{job.public_id}/languages/es/lines/{line.pk}/preview")


def work(voice: Humming) -> None:
    """Let a worker do what there is to do."""
    while (claim := claims.claim()) is not None:
        steps.run(claim, engines=lambda: engines(voice=voice))


def path_of(answer: Any) -> str:
    address: str = answer.json()["url"]
    return address.removeprefix("http://localhost:8000")


def test_a_line_is_spoken_by_a_worker_and_heard_at_an_address(
    job: DubbingJob, person: User
) -> None:
    voice = Humming()
    first = ask(job, person)

    work(voice)
    then = ask(job, person)

    assert (first.status_code, first.json()) == (202, {"status": "preparing"})
    assert int(first["Retry-After"]) >= 1
    assert (then.status_code, then.json()["status"]) == (200, "ready")
    assert dict(voice.spoken) == {"Nuevo.": 1}
    sound = Api().client.head(path_of(then))
    assert (sound.status_code, sound["Content-Type"]) == (200, "audio/wav")
    assert sound["Content-Disposition"].startswith("inline")
    assert sound["Content-Security-Policy"] == "sandbox"
    assert fetched(Api(), path_of(then))[:4] == b"RIFF"


def test_a_preview_costs_no_credits_and_changes_no_language(job: DubbingJob, person: User) -> None:
    before = UserCredits.objects.get(user=person).balance

    ask(job, person)
    work(Humming())

    job.refresh_from_db()
    task = job.tasks.get()
    assert UserCredits.objects.get(user=person).balance == before
    assert (job.status, task.stage, task.render_price) == ("complete", "complete", 0)
    assert Line.objects.get(segment__index=1).stale


def test_asking_again_while_it_is_spoken_speaks_it_once(job: DubbingJob, person: User) -> None:
    voice = Humming()

    answers = [ask(job, person) for _ in range(5)]
    work(voice)

    assert {one.status_code for one in answers} == {202}
    assert voice.spoken.total() == 1
    assert Line.objects.get(segment__index=1).previews == 1
    assert Take.objects.filter(kind=StepKind.PREVIEW).count() == 1


def test_the_same_words_on_another_line_are_not_spoken_again(job: DubbingJob, person: User) -> None:
    voice = Humming()
    ask(job, person, 1)
    say(2, "Nuevo.")
    waiting = ask(job, person, 2)
    work(voice)

    there = ask(job, person, 2)

    assert (waiting.status_code, there.status_code) == (202, 200)
    assert voice.spoken.total() == 1
    assert Line.objects.get(segment__index=2).previews == 0


def test_three_wordings_of_a_line_may_be_heard(job: DubbingJob, person: User) -> None:
    for text in ("Uno más.", "Dos más.", "Tres más."):
        say(1, text)
        assert ask(job, person).status_code == 202
    say(1, "Cuatro más.")

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "preview_limit")
    assert refused.json()["details"]["most"] == 3
    say(1, "Dos más.")
    assert ask(job, person).status_code == 202
    assert Step.objects.filter(kind=StepKind.PREVIEW).count() == 3


def test_a_job_has_sixty_previews(job: DubbingJob, person: User) -> None:
    DubbingJob.objects.update(previews=MOST_PREVIEWS_OF_JOB)

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "preview_limit")
    assert refused.json()["details"]["most"] == 60
    assert not Preview.objects.exists()
    assert Line.objects.get(segment__index=1).previews == 0


def test_a_rendering_pays_for_three_more(job: DubbingJob, person: User) -> None:
    Line.objects.filter(segment__index=1).update(previews=3)

    editing.render(job, by=person, engines=engines)

    assert Line.objects.get(segment__index=1).previews == 0


def test_a_rendering_ends_previews_that_nobody_began(job: DubbingJob, person: User) -> None:
    ask(job, person)

    editing.render(job, by=person, engines=engines)

    assert Step.objects.get(kind=StepKind.PREVIEW).status == StepStatus.CANCELLED


def test_a_rendering_waits_for_a_line_that_is_being_spoken(job: DubbingJob, person: User) -> None:
    ask(job, person)
    make.claim()

    with pytest.raises(Conflict):
        editing.render(job, by=person, engines=engines)

    say(2, "Lo mismo da.")  # while other lines may be changed
    assert job.tasks.get().stage == "complete"


@pytest.mark.parametrize(
    "columns", [{"mute": True}, {"keep_original": True}, {"outdated": True}], ids=str
)
def test_what_will_not_be_spoken_like_this_is_not_previewed(
    job: DubbingJob, person: User, columns: dict[str, bool]
) -> None:
    Line.objects.filter(segment__index=1).update(**columns)

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "conflict")


def test_a_language_that_is_being_made_is_not_previewed(job: DubbingJob, person: User) -> None:
    editing.render(job, by=person, engines=engines)

    assert ask(job, person).status_code == 409


def test_files_that_are_gone_are_not_previewed(job: DubbingJob, person: User) -> None:
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(seconds=1))

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (410, "files_expired")


def test_who_is_on_hold_hears_nothing_new(job: DubbingJob, person: User) -> None:
    UserCredits.objects.filter(user=person).update(frozen=True)

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["details"]["reason"]) == (403, "frozen")
    assert not Preview.objects.exists()


def test_a_line_of_somebody_else_looks_like_none(job: DubbingJob, person: User) -> None:
    line = Line.objects.get(segment__index=1)
    path = f"/api/jobs/{job.public_id}/languages"

    stranger = Api(make.user()).post(f"{path}/es/lines/{line.pk}/preview")
    others = [
        Api(person).post(f"{path}/es/lines/{number}/preview") for number in (line.pk + 99, 10**30)
    ]
    language = Api(person).post(f"{path}/fr/lines/{line.pk}/preview")

    assert (stranger.status_code, stranger.json()["error"]) == (404, "job_not_found")
    assert {one.status_code for one in [*others, language]} == {404}


def test_words_that_an_engine_refuses_are_told_and_not_tried_again(
    job: DubbingJob, person: User
) -> None:
    ask(job, person)
    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "engine_refused")
    assert claims.claim() is None
    assert job.tasks.get().stage == "complete"


def test_an_engine_that_failed_may_be_asked_again(job: DubbingJob, person: User) -> None:
    ask(job, person)
    outcomes.fail(make.claim(), PipelineError("ENGINE_FAILED", engine="it"))

    assert ask(job, person).status_code == 202
    work(Humming())

    assert ask(job, person).status_code == 200
    assert Line.objects.get(segment__index=1).previews == 1


def test_an_address_is_good_for_its_take_and_its_time_only(
    client: Client, job: DubbingJob, person: User
) -> None:
    ask(job, person)
    work(Humming())
    take = Take.objects.get()
    later, over = int(time.time()) + 60, int(time.time()) - 60
    good, old = (links.take_url(take.pk, until) for until in (later, over))
    signature = good.rpartition(".")[2]

    forged = client.get(f"/lines/{take.pk}.{later + 1}.{signature}")
    expired = client.get(old.removeprefix("http://localhost:8000"))

    assert (forged.status_code, forged.json()["error"]) == (404, "not_found")
    assert (expired.status_code, expired.json()["error"]) == (410, "link_expired")


def test_a_range_of_thousands_of_digits_gets_the_whole_line(
    client: Client, job: DubbingJob, person: User
) -> None:
    ask(job, person)
    work(Humming())

    response = client.get(path_of(ask(job, person)), headers={"Range": f"bytes={'9' * 4400}-"})

    assert response.status_code == 200
    assert len(b"".join(response)) == int(response["Content-Length"])


def test_deleting_a_dub_deletes_what_was_heard_of_it(
    client: Client, job: DubbingJob, person: User
) -> None:
    ask(job, person)
    work(Humming())
    path = path_of(ask(job, person))

    retention.delete_job(job, by=person)

    assert not Preview.objects.exists()
    assert client.get(path).status_code == 404
    assert retention.differences() == retention.Difference(missing=[], orphans=[])
