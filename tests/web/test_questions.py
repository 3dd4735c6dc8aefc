"""How many questions an answer takes of the database, with sign-in and rate limit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import tokens
from accounts.api_keys import make_key
from accounts.models import User
from jobs import documents, links
from jobs.models import DubbingJob
from jobs.states import JobStatus
from tests import make
from tests.web.api import Api, fetched
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_limits(settings: Settings) -> Iterator[None]:
    """Don't count how often a test asks, and measure speeds anew."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    documents.speeds.cache_clear()
    yield
    documents.speeds.cache_clear()


@pytest.fixture
def person() -> User:
    return make.professional(credits=200)


def link_path(job: DubbingJob) -> str:
    """The link of a job's only file."""
    return links.link_of(job.artifacts.get()).removeprefix("http://localhost:8000")


def queries(get: Callable[[], Any], *, status: int = 200) -> int:
    """Count what a request asks the database."""
    get()
    with CaptureQueriesContext(connection) as asked:
        assert get().status_code == status
    return len(asked)


@pytest.mark.parametrize("languages", [["es"], ["es", "fr", "de", "it", "pt", "ja"]])
@pytest.mark.parametrize("ended", [False, True])
def test_a_document_takes_one_question_however_large_the_job_is(
    languages: list[str], *, ended: bool
) -> None:
    person = make.professional()
    job = make.job(person, languages=languages)
    make.done(2 + 4 * len(languages) if ended else 3)

    with CaptureQueriesContext(connection) as asked:
        documents.document(documents.rows_of_job(person, job.public_id))

    job.refresh_from_db()
    measured = 0 if ended else 1
    assert (job.status == JobStatus.COMPLETE) is ended
    assert len(asked) - measured == 1


def signed_in(person: User, kind: str) -> Client:
    """A client of a person: with a token, with a key, or with the cookie that pages have."""
    if kind == "cookie":
        return Api(person).client
    made = {
        "token": lambda: tokens.open_session(person).access_token,
        "key": lambda: make_key(person, name="Script")[1],
    }[kind]()
    return Client(headers={"authorization": f"Bearer {made}"})


KINDS = pytest.mark.parametrize("kind", ["token", "key", "cookie"])


@KINDS
@pytest.mark.parametrize("known", [{}, {"if-none-match": '"of another time"'}])
def test_a_status_takes_four_questions_with_everything_around_it(
    person: User, kind: str, known: dict[str, str]
) -> None:
    job = make.job(person, languages=["es", "fr"])
    make.done(3)
    client = signed_in(person, kind)

    asked = queries(lambda: client.get(f"/api/jobs/{job.public_id}", headers=known))

    assert asked <= 4  # who it is, the rate limit, what is known, the job's rows


@KINDS
@pytest.mark.parametrize("steps", [0, 3, 10])
def test_a_status_that_is_known_is_not_asked_for_whole(person: User, kind: str, steps: int) -> None:
    job = make.job(person, languages=["es", "fr"])
    make.done(steps)
    client, path = signed_in(person, kind), f"/api/jobs/{job.public_id}"
    known = {"if-none-match": client.get(path)["ETag"]}

    with CaptureQueriesContext(connection) as asked:
        response = client.get(path, headers=known)

    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == known["if-none-match"]
    assert len(asked) <= (4 if kind == "cookie" else 3)
    assert "X-RateLimit-Remaining" in response


@pytest.mark.parametrize("kind", ["token", "key"])
def test_nobody_learns_whether_they_know_a_job_of_somebody_else(person: User, kind: str) -> None:
    path = f"/api/jobs/{make.job(person, languages=['es']).public_id}"
    etag = signed_in(person, kind).get(path)["ETag"]

    for headers in ({"if-none-match": etag}, {"if-none-match": "*"}):
        response = signed_in(make.professional(), kind).get(path, headers=headers)
        assert (response.status_code, response.json()["error"]) == (404, "job_not_found")


@KINDS
def test_a_list_takes_five_questions_for_twenty_jobs_as_for_one(person: User, kind: str) -> None:
    client = signed_in(person, kind)
    make.job(person, languages=["es"])
    one = queries(lambda: client.get("/api/jobs?limit=20"))
    for _ in range(13):
        make.job(person, languages=["es"])

    assert queries(lambda: client.get("/api/jobs?limit=20")) == one <= 5


def test_captions_that_came_with_an_order_are_not_read_by_a_poll(person: User) -> None:
    said = "1\n00:00:01,000 --> 00:00:02,000\nGood morning.\n"
    options = {"transcript_srt": said, "review": True}
    job = make.job(person, languages=["es"], source_language="en", options=options)

    polled = documents.rows_of_job(person, job.public_id).job

    assert polled.options == {"review": True}
    assert polled.awaits_review


@KINDS
@pytest.mark.parametrize(
    "path", ["/api/downloads", "/api/payments/transactions", "/api/billing/transactions"]
)
def test_other_lists_take_no_more_questions_however_long_they_are(
    person: User, tmp_path: Path, path: str, kind: str
) -> None:
    client = signed_in(person, kind)
    asked = []
    for _ in range(2):
        for _ in range(2):
            job = delivered(person, tmp_path)
            fetched(Api(person), link_path(job))
        asked.append(queries(lambda: client.get(path)))

    assert asked[0] == asked[1] <= 5
