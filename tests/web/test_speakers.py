"""Saying who said a line, where that was misheard."""

import inspect
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from jobs import editing, editor, previews
from jobs.models import DubbingJob, Line, Preview, Segment
from tests import make
from tests.engines import engines
from tests.web.api import Api
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't count how often a test asks, and let the tests' own engines work."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    services: list[Any] = [editing.render_prices, editor.costs_of, editor.voices_of]
    for service in services:
        monkeypatch.setitem(inspect.unwrap(service).__kwdefaults__, "engines", engines)


@pytest.fixture
def person(client: Client) -> User:
    someone = make.professional(credits=100)
    client.force_login(someone)
    return someone


@pytest.fixture
def job(person: User) -> DubbingJob:
    """Return a finished job of three lines: two speakers, the second with a premium voice."""
    job = spoken(person)
    Segment.objects.filter(index=2).update(speaker=1)
    Line.objects.filter(segment__index=2).update(voice="grand-hum")
    job.options = {"voices": {"es": {"1": "grand-hum"}}}
    job.save()
    return job


def give(job: DubbingJob, person: User, index: int, speaker: int, **columns: Any) -> Any:
    """Let somebody else have said a line, over the API."""
    segment = Segment.objects.get(index=index)
    change = {"id": str(segment.pk), "revision": segment.revision, "speaker": speaker}
    return Api(person).patch(
        f"/api/jobs/{job.public_id}/transcript", {"lines": [{**change, **columns}]}
    )


def stale() -> list[int]:
    lines = Line.objects.filter(stale=True, outdated=False)
    return list(lines.order_by("segment__index").values_list("segment__index", flat=True))


def test_a_line_of_another_speaker_is_spoken_anew_in_their_voice_not_translated(
    job: DubbingJob, person: User
) -> None:
    answer = give(job, person, 0, 1)

    line = Line.objects.get(segment__index=0)
    previews.preview_line(job, language="es", line_id=line.pk, engines=engines)
    assert [one["speaker"] for one in answer.json()["lines"]] == [1, 0, 1]
    assert stale() == [0]
    assert Preview.objects.get().voice == "grand-hum"
    assert Preview.objects.get().text == line.text


def test_the_price_is_that_of_the_voice_that_will_speak(job: DubbingJob, person: User) -> None:
    give(job, person, 2, 0)
    ordinary = sum(editing.render_prices(job).values())
    give(job, person, 2, 1)
    premium = sum(editing.render_prices(job).values())
    give(job, person, 2, 2)
    new = sum(editing.render_prices(job).values())

    assert (ordinary, premium, new) == (6, 11, 6)  # 52 s: 5.2 credits, and double


def test_a_line_that_keeps_its_voice_is_not_made_anew(job: DubbingJob, person: User) -> None:
    Line.objects.filter(segment__index=0).update(chosen_voice="hum")
    Line.objects.filter(segment__index=1).update(voice="grand-hum")

    give(job, person, 0, 1)
    give(job, person, 1, 1)

    assert list(Segment.objects.order_by("index").values_list("speaker", flat=True)) == [1, 1, 1]
    assert stale() == []


def test_the_next_number_is_somebody_new_and_no_other_is(job: DubbingJob, person: User) -> None:
    far, negative = give(job, person, 0, 3), give(job, person, 0, -1)
    new = give(job, person, 0, 2)
    then = give(job, person, 1, 3)

    assert {far.status_code, negative.status_code} == {400}
    assert far.json()["error"] == "validation_error"
    assert [new.status_code, then.status_code] == [200, 200]
    assert editor.numbers_of(job) == [1, 2, 3, 4]


def test_two_who_change_one_line_are_told(job: DubbingJob, person: User) -> None:
    give(job, person, 0, 1)

    late = give(job, person, 0, 0, revision=1)

    assert (late.status_code, late.json()["error"]) == (409, "stale_revision")
    assert Segment.objects.get(index=0).speaker == 1


def test_words_and_speaker_are_changed_together(job: DubbingJob, person: User) -> None:
    give(job, person, 0, 1, text="Once.")

    segment = Segment.objects.get(index=0)
    assert (segment.text, segment.speaker, segment.revision) == ("Once.", 1, 2)
    assert Line.objects.get(segment=segment).outdated


def test_the_page_offers_the_speakers_and_tells_the_price(
    job: DubbingJob, person: User, client: Client
) -> None:
    segment = Segment.objects.get(index=0)
    path = f"/jobs/{job.public_id}/transcript"

    page = client.get(path).content.decode()
    saved = client.post(
        f"{path}/lines/{segment.pk}", {"revision": 1, "text": "One.", "speaker": "1"}, headers=JSON
    )

    assert page.count('<select name="speaker"') == 3
    assert page.count("New speaker") == 4  # one at each line, and one for the script
    assert saved.json()["line"]["speaker"] == 1
    assert saved.json()["costs"]["lines"] == 1
    assert "Changed lines: 1" in client.get(path).content.decode()
