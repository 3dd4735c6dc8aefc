"""Captions of one's own for a language that is there."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from jobs import own_captions
from jobs.models import DubbingJob, Line
from tests import make
from tests.engines import engines
from tests.web.api import Api
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db

SRT = """1
00:00:01,000 --> 00:00:02,000
{first}

2
00:00:05,000 --> 00:00:06,500
{second}

3
00:00:08,000 --> 00:00:08,400
Fuera.
"""


@pytest.fixture(autouse=True)
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't count how often a test asks, and let the tests' own engines work."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    bring: Any = own_captions.bring_captions
    monkeypatch.setitem(bring.__wrapped__.__kwdefaults__, "engines", engines)


@pytest.fixture
def person() -> User:
    return make.professional(credits=100)


@pytest.fixture
def job(person: User) -> DubbingJob:
    """Return a finished job of three lines: "0!" at 1 s, "1!" at 5 s, "2!" at 9 s."""
    return spoken(person)


def bring(job: DubbingJob, person: User, captions: object) -> Any:
    path = f"/api/jobs/{job.public_id}/languages/es/captions"
    return Api(person).put(path, {"captions": captions})


def texts() -> list[str]:
    return list(Line.objects.order_by("segment__index").values_list("text", flat=True))


def test_captions_become_the_lines_at_their_times(job: DubbingJob, person: User) -> None:
    answer = bring(job, person, SRT.format(first="Lo primero.", second="Lo segundo."))

    body = answer.json()
    assert answer.status_code == 200
    assert (body["changed"], body["too_long"]) == (2, [])
    assert body["unmatched"] == [{"start": 8.0, "end": 8.4, "text": "Fuera."}]
    assert [line["text"] for line in body["lines"]] == texts()
    assert texts() == ["Lo primero.", "Lo segundo.", "Tres."]
    assert [line["stale"] for line in body["lines"]] == [True, True, False]


def test_captions_that_say_what_is_said_already_change_nothing(
    job: DubbingJob, person: User
) -> None:
    answer = bring(job, person, SRT.format(first="Uno.", second="1!"))

    assert answer.json()["changed"] == 0
    assert not Line.objects.filter(stale=True).exists()


def test_a_line_without_room_for_its_captions_stays_and_is_named(
    job: DubbingJob, person: User
) -> None:
    answer = bring(job, person, SRT.format(first="Cosas y cosas. " * 20, second="Bien."))

    line = Line.objects.get(segment__index=0)
    assert answer.json()["too_long"] == [str(line.pk)]
    assert texts() == ["Uno.", "Bien.", "Tres."]


@pytest.mark.parametrize(
    "captions", ["", "nothing", "00:00:05,000 --> 00:00:01,000\nBack.", "\x00", 7, None]
)
def test_captions_that_can_not_be_read_change_nothing(
    job: DubbingJob, person: User, captions: object
) -> None:
    answer = bring(job, person, captions)

    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert texts() == ["Uno.", "Dos.", "Tres."]


def test_captions_of_a_dub_of_somebody_else_are_not_taken(job: DubbingJob) -> None:
    answer = bring(job, make.user(), SRT)

    assert (answer.status_code, answer.json()["error"]) == (404, "job_not_found")
