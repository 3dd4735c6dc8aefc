"""Asking for a shorter wording of a line that doesn't fit."""

import inspect
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.queries import balance_of
from dubber.errors import Conflict
from jobs import claims, editing, outcomes, retention, shortenings, steps
from jobs.models import DubbingJob, Line, Shortening, Step
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Line as Asked
from jobs.pipeline.ports import Tone
from jobs.states import MOST_SHORTENINGS_OF_JOB, StepKind, StepStatus
from tests import make
from tests.engines import Shouting, engines
from tests.web.api import Api
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db
LONG = "Una frase demasiado larga."


class Terse(Shouting):
    """Answers everything by the same words, and keeps what it was asked."""

    rewords = True

    def __init__(self, answer: str = "Frase corta.") -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[Asked] = []

    def translate(
        self,
        lines: Sequence[Asked],
        *,
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str],
        tone: Tone,
    ) -> dict[int, str]:
        """Keep the questions."""
        self.asked += lines
        return {line.id: self.answer for line in lines}


@pytest.fixture
def terse() -> Terse:
    return Terse()


@pytest.fixture(autouse=True)
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch, terse: Terse) -> None:
    """Don't count how often a test asks, and let its translator work."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    use(monkeypatch, terse)


def use(monkeypatch: pytest.MonkeyPatch, translator: Shouting) -> None:
    """Let a translator word lines anew."""
    services: list[Any] = [shortenings.shorten_line, shortenings.can_reword]
    for service in services:
        defaults = inspect.unwrap(service).__kwdefaults__
        monkeypatch.setitem(defaults, "engines", lambda: engines(translator=translator))


@pytest.fixture
def person() -> User:
    return make.professional(credits=100)


@pytest.fixture
def job(person: User) -> DubbingJob:
    """Return a finished job of three lines, of which the second has become too long."""
    job = spoken(person)
    say(1, LONG)
    return job


def say(index: int, text: str) -> None:
    """Change the words of a line."""
    line = Line.objects.get(segment__index=index)
    change = editing.Change(id=line.pk, revision=line.revision, text=text)
    editing.edit_lines(line.task.job, language="es", changes=[change], engines=engines)


def ask(job: DubbingJob, person: User, index: int = 1) -> Any:
    line = Line.objects.get(segment__index=index)
    return Api(person).post(f"/api/jobs/{job.public_id}/languages/es/lines/{line.pk}/shorter")


def work(translator: Terse) -> None:
    """Let a worker do what there is to do."""
    while (claim := claims.claim()) is not None:
        steps.run(claim, engines=lambda: engines(translator=translator))


def test_a_worker_has_a_shorter_wording_proposed_and_changes_nothing(
    job: DubbingJob, person: User, terse: Terse
) -> None:
    before = balance_of(person)
    first = ask(job, person)

    work(terse)
    then = ask(job, person)

    assert (first.status_code, first.json()) == (202, {"status": "preparing"})
    assert int(first["Retry-After"]) >= 1
    assert then.json() == {"status": "ready", "text": "Frase corta.", "instead": LONG}
    line = Line.objects.get(segment__index=1)
    assert (line.text, line.revision) == (LONG, 2)
    assert balance_of(person) == before


def test_the_translator_learns_how_long_the_line_takes_and_may_take(
    job: DubbingJob, person: User, terse: Terse
) -> None:
    ask(job, person)
    work(terse)

    [asked] = terse.asked
    assert (asked.text, asked.earlier) == ("Two.", LONG)
    assert asked.spoken == len(LONG) / 2  # the voice was measured at two characters a second
    assert 3 < asked.seconds < 4 < asked.spoken
    assert asked.max_chars == int(2 * asked.seconds)


def test_a_line_that_was_spoken_too_fast_is_asked_for_as_it_was_measured(
    job: DubbingJob, person: User, terse: Terse
) -> None:
    Line.objects.filter(segment__index=0).update(
        spoken=LONG, start_ms=1000, end_ms=5000, speed_permille=5000 // 4, text="Uno."
    )

    ask(job, person, 0)
    work(terse)

    assert terse.asked[0].earlier == LONG
    assert terse.asked[0].spoken is not None
    assert terse.asked[0].spoken >= 5


def test_asking_again_asks_the_translator_once(job: DubbingJob, person: User, terse: Terse) -> None:
    answers = [ask(job, person) for _ in range(5)]
    work(terse)
    answers += [ask(job, person) for _ in range(3)]

    assert [one.status_code for one in answers] == [202] * 5 + [200] * 3
    assert len(terse.asked) == 1
    assert Line.objects.get(segment__index=1).shortenings == 1


@pytest.mark.parametrize("answer", [LONG, f"{LONG} Y más.", "", "¡…!"])
def test_what_is_no_shorter_wording_is_not_proposed(
    monkeypatch: pytest.MonkeyPatch, job: DubbingJob, person: User, answer: str
) -> None:
    useless = Terse(answer)
    use(monkeypatch, useless)
    ask(job, person)
    work(useless)

    assert ask(job, person).json() == {"status": "ready", "text": None, "instead": LONG}


def test_words_written_meanwhile_are_another_question(
    job: DubbingJob, person: User, terse: Terse
) -> None:
    ask(job, person)
    say(1, "Otra frase demasiado larga.")
    work(terse)

    later = ask(job, person)

    assert later.status_code == 202
    assert Line.objects.get(segment__index=1).text == "Otra frase demasiado larga."


def test_a_line_that_fits_is_not_asked_for(job: DubbingJob, person: User) -> None:
    say(1, "Nueva.")

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "line_fits")
    assert not Shortening.objects.exists()


def test_a_translator_that_cannot_reword_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, job: DubbingJob, person: User, client: Client
) -> None:
    use(monkeypatch, Shouting())
    client.force_login(person)

    refused = ask(job, person)
    page = client.get(f"/jobs/{job.public_id}/edit/es").content.decode()

    assert (refused.status_code, refused.json()["error"]) == (409, "cannot_reword")
    assert "data-shorten" not in page
    assert not Step.objects.filter(kind=StepKind.SHORTEN).exists()


def test_the_page_offers_it_at_lines_that_do_not_fit(
    job: DubbingJob, person: User, client: Client
) -> None:
    client.force_login(person)
    line = Line.objects.get(segment__index=1)

    page = client.get(f"/jobs/{job.public_id}/edit/es").content.decode()
    asked = client.post(f"/jobs/{job.public_id}/edit/es/lines/{line.pk}/shorten")

    buttons = [part.split(">")[0] for part in page.split("data-shorten=")[1:]]
    assert ["hidden" in button for button in buttons] == [True, False, True]
    assert (asked.status_code, asked.json()["ready"]) == (202, False)


def test_the_page_gets_what_it_asked_for_though_the_line_was_changed(
    job: DubbingJob, person: User, client: Client, terse: Terse
) -> None:
    client.force_login(person)
    path = f"/jobs/{job.public_id}/edit/es/lines"
    line, other = Line.objects.filter(segment__index__in=[1, 2]).order_by("pk")
    asked = client.post(f"{path}/{line.pk}/shorten").json()["id"]
    say(1, "Otra frase demasiado larga.")
    work(terse)

    told = client.post(f"{path}/{line.pk}/shorten", {"asked": asked})
    elsewhere = client.post(f"{path}/{other.pk}/shorten", {"asked": asked})

    assert told.json()["text"] == "Frase corta."
    assert told.json()["instead"] == LONG
    assert elsewhere.status_code == 404
    assert Shortening.objects.count() == 1


def test_three_shorter_wordings_of_a_line_may_be_asked_for(job: DubbingJob, person: User) -> None:
    for number in range(3):
        say(1, f"Una frase {number} demasiado larga.")
        assert ask(job, person).status_code == 202
    say(1, "Una frase más, demasiado larga.")

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "shortening_limit")
    assert refused.json()["details"]["most"] == 3


def test_a_job_has_sixty_shorter_wordings(job: DubbingJob, person: User) -> None:
    DubbingJob.objects.update(shortenings=MOST_SHORTENINGS_OF_JOB)

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "shortening_limit")
    assert Line.objects.get(segment__index=1).shortenings == 0


def test_a_rendering_ends_questions_that_nobody_began_and_pays_for_more(
    job: DubbingJob, person: User
) -> None:
    ask(job, person)

    editing.render(job, by=person, engines=engines)

    assert Step.objects.get(kind=StepKind.SHORTEN).status == StepStatus.CANCELLED
    assert Line.objects.get(segment__index=1).shortenings == 0


def test_a_rendering_waits_for_a_question_under_way(job: DubbingJob, person: User) -> None:
    ask(job, person)
    make.claim()

    with pytest.raises(Conflict):
        editing.render(job, by=person, engines=engines)

    assert job.tasks.get().stage == "complete"


@pytest.mark.parametrize(
    "columns", [{"mute": True}, {"keep_original": True}, {"outdated": True}], ids=str
)
def test_what_is_not_said_like_this_is_not_shortened(
    job: DubbingJob, person: User, columns: dict[str, bool]
) -> None:
    Line.objects.filter(segment__index=1).update(**columns)

    assert (ask(job, person).status_code, ask(job, person).json()["error"]) == (409, "conflict")


def test_a_question_that_failed_for_good_fails_no_language(job: DubbingJob, person: User) -> None:
    ask(job, person)
    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    refused = ask(job, person)

    assert (refused.status_code, refused.json()["error"]) == (409, "engine_refused")
    assert job.tasks.get().stage == "complete"


def test_an_engine_that_failed_may_be_asked_again(
    job: DubbingJob, person: User, terse: Terse
) -> None:
    ask(job, person)
    outcomes.fail(make.claim(), PipelineError("ENGINE_FAILED", engine="it"))

    assert ask(job, person).status_code == 202
    work(terse)

    assert ask(job, person).status_code == 200
    assert Line.objects.get(segment__index=1).shortenings == 1


def test_files_that_are_gone_and_lines_of_others_are_not_shortened(
    job: DubbingJob, person: User
) -> None:
    stranger = ask(job, make.user())
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(seconds=1))

    assert stranger.status_code == 404
    assert ask(job, person).status_code == 410


def test_deleting_a_dub_deletes_what_was_proposed_for_it(
    job: DubbingJob, person: User, terse: Terse
) -> None:
    ask(job, person)
    work(terse)

    retention.delete_job(job, by=person)

    assert not Shortening.objects.exists()
