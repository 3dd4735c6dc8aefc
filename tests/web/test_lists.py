import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from jobs.models import DubbingJob
from jobs.services import cancel_job
from tests import make
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client: Client) -> User:
    person = make.professional()
    client.force_login(person)
    return person


def shown(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def in_order(page: str, *titles: str) -> bool:
    places = [page.index(f">{title}<") for title in titles]
    return places == sorted(places)


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_dubs_are_found_by_a_part_of_their_title(client: Client, person: User) -> None:
    make.job(person, title="A small city")
    make.job(person, title="The harvest")

    page = shown(client, "/jobs?search=SMALL")

    assert "A small city" in page
    assert "The harvest" not in page


def test_dubs_are_filtered_by_how_they_stand(client: Client, person: User, tmp_path: Path) -> None:
    delivered(person, tmp_path, title="Finished")
    cancel_job(make.job(person, title="Stopped"), by=person)
    make.job(person, title="Going on")

    found = {
        status: [
            title
            for title in ("Finished", "Stopped", "Going on")
            if title in shown(client, f"/jobs?status={status}")
        ]
        for status in ("complete", "cancelled", "running", "error")
    }

    assert found == {
        "complete": ["Finished"],
        "cancelled": ["Stopped"],
        "running": ["Going on"],
        "error": [],
    }


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("", ("apples", "Cheese", "Bread")),
        ("oldest", ("Bread", "Cheese", "apples")),
        ("title", ("apples", "Bread", "Cheese")),
        ("longest", ("Cheese", "apples", "Bread")),
        ("by colour", ("apples", "Cheese", "Bread")),
    ],
)
def test_dubs_are_sorted(client: Client, person: User, sort: str, titles: tuple[str, ...]) -> None:
    for title, seconds in (("Bread", 20), ("Cheese", 40), ("apples", 30)):
        make.job(person, title=title, seconds=seconds)

    assert in_order(shown(client, f"/jobs?sort={sort}"), *titles)


def test_pages_keep_what_was_asked_for(client: Client, person: User) -> None:
    for n in range(21):
        make.job(person, title=f"Talk {n}", languages=["es"], seconds=2)

    page = shown(client, "/jobs?search=talk&sort=oldest")

    assert "21 dubs" in page
    assert "Page 1 of 2" in page
    assert "?search=talk&amp;sort=oldest&amp;page=2" in page
    assert "Talk 20" in shown(client, "/jobs?search=talk&sort=oldest&page=2")


def test_nothing_found_is_not_the_same_as_no_dubs(client: Client, person: User) -> None:
    before = shown(client, "/jobs")
    make.job(person)
    after = shown(client, "/jobs?search=unheard")

    assert "No dubs yet" in before
    assert "Nothing found" in after


def test_a_dub_whose_files_are_gone_stays_in_the_list_and_says_so(
    client: Client, person: User, tmp_path: Path
) -> None:
    delivered(person, tmp_path)
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(minutes=1))

    assert "files deleted" in shown(client, "/jobs")


def test_files_are_listed_with_their_links(client: Client, person: User, tmp_path: Path) -> None:
    job = delivered(person, tmp_path, kinds=("full_mp3", "srt"))

    page = shown(client, "/downloads")

    assert f'href="/jobs/{job.public_id}/download/es/full_mp3"' in page
    assert "Captions (SRT)" in page
    assert "250.0\xa0KB" in page


def test_a_file_that_was_downloaded_stays_in_the_list_when_it_is_gone(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = delivered(person, tmp_path, kinds=("full_mp3", "srt"))
    link = client.get(f"/jobs/{job.public_id}/download/es/full_mp3")["Location"]
    client.get(link).getvalue()
    job.artifacts.update(gone_at=timezone.now())
    DubbingJob.objects.update(files_gone_at=timezone.now())

    page = shown(client, "/downloads")

    assert "Voice and background (MP3)" in page
    assert "Captions (SRT)" not in page
    assert f"/jobs/{job.public_id}/download" not in page


def test_files_of_others_are_not_listed(client: Client, person: User, tmp_path: Path) -> None:
    delivered(make.professional(), tmp_path)

    assert "Nothing to download yet" in shown(client, "/downloads")


def test_the_lists_ask_no_more_for_many_rows_than_for_one(
    client: Client, person: User, tmp_path: Path
) -> None:
    delivered(person, tmp_path, kinds=("full_mp3",))
    for_one = [queries(client, url) for url in ("/jobs", "/downloads")]
    for _ in range(3):
        make.job(person, languages=["es", "fr"])
        delivered(person, tmp_path, kinds=("full_mp3", "srt", "vtt"))

    for_many = [queries(client, url) for url in ("/jobs", "/downloads")]

    assert for_many == for_one
    assert max(for_one) <= 12


@pytest.mark.parametrize("url", ["/jobs", "/downloads"])
def test_the_lists_read_no_captions(client: Client, person: User, tmp_path: Path, url: str) -> None:
    delivered(person, tmp_path)
    make.job(person, options={"review": True})
    make.done(2)

    with CaptureQueriesContext(connection) as captured:
        client.get(url)

    whole = re.compile(r'(SELECT|,) "jobs_dubbingjob"\."options"')
    assert [one["sql"] for one in captured if whole.search(one["sql"])] == []
