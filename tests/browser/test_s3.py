"""Files in a bucket: pages send them there and play them from there, by the rules in the docs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User
from dubber import settings as project
from jobs.models import DubbingJob
from tests.browser import dubs
from tests.browser.conftest import Opened, sign_in
from tests.browser.dubs import Shelf
from tests.browser.site import Site, free_port, serving
from tests.peers.s3 import BUCKET, KEY, REGION, SECRET, CorsRule, S3Peer

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg, pytest.mark.models]

DOCS = Path(django_settings.BASE_DIR) / "docs" / "storage.md"


def documented_rule(origin: str) -> CorsRule:
    """The rule that the docs tell people to give to their bucket, for the origin of their site."""
    text = DOCS.read_text().partition("```json")[2].partition("```")[0]
    [rule] = json.loads(text)["CORSRules"]
    return CorsRule(**{**rule, "AllowedOrigins": [origin]})


@pytest.fixture
def bucket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Peer]:
    """A bucket, which this process keeps files in too."""
    with S3Peer() as peer:
        for name, value in environment_of(peer).items():
            monkeypatch.setattr(project, name.replace("DUBBER_STORAGE", "STORAGE"), value)
        settings.STORAGE = "s3"
        settings.STORAGES = {**settings.STORAGES, "default": project.default_storage()}
        yield peer


@pytest.fixture
def s3_site(bucket: S3Peer, tmp_path: Path) -> Iterator[Site]:
    """The site on that bucket."""
    with serving(tmp_path / "site.log", port=free_port(), **environment_of(bucket)) as one:
        yield one


def environment_of(peer: S3Peer) -> dict[str, str]:
    return {
        "DUBBER_STORAGE": "s3",
        "AWS_S3_ENDPOINT_URL": peer.url,
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_REGION_NAME": REGION,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


def drop(page: Page, film: Path) -> None:
    page.goto("/jobs/new")
    page.get_by_label("Drop a video or a voice track here").set_input_files(str(film))


def forget_refusals(complaints: list[str]) -> None:
    """Take out of the complaints that the bucket refused an address."""
    assert all("status of 403" in one for one in complaints)
    complaints.clear()


def statuses(bucket: S3Peer, method: str) -> set[int]:
    """How the bucket answered the browser."""
    return {
        call.status
        for call in bucket.calls
        if call.method == method and "Mozilla" in call.headers.get("user-agent", "")
    }


def test_a_film_is_sent_to_the_bucket_and_its_dub_played_from_there(
    opened: Opened, bucket: S3Peer, s3_site: Site, person: User, shelf: Shelf
) -> None:
    bucket.cors = [documented_rule(s3_site.url)]
    page = opened(base_url=s3_site.url)
    sign_in(page, person)

    drop(page, shelf.film)
    expect(page.locator("#file-voice")).to_contain_text("ready")
    page.get_by_role("checkbox", name="Spanish").check()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/jobs/job_*")

    assert statuses(bucket, "PUT") == {200}
    dubs.work()
    assert DubbingJob.objects.get().tasks.get().stage == "complete"
    page.reload()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        """() => {
            const heard = [...document.querySelectorAll('.sound audio')].find((one) => !one.paused);
            return heard?.currentTime > 1 && document.getElementById('picture').currentTime > 1;
        }"""
    )

    assert statuses(bucket, "GET")
    assert statuses(bucket, "GET") <= {200, 206, 304}


def test_a_file_goes_on_with_a_new_address_when_its_own_has_expired(
    opened: Opened,
    bucket: S3Peer,
    s3_site: Site,
    person: User,
    shelf: Shelf,
    complaints: list[str],
) -> None:
    bucket.cors = [documented_rule(s3_site.url)]
    bucket.expired = 2
    page = opened(base_url=s3_site.url)
    sign_in(page, person)

    drop(page, shelf.film)

    expect(page.locator("#file-voice")).to_contain_text("ready")
    assert statuses(bucket, "PUT") == {403, 200}
    forget_refusals(complaints)


def test_a_file_whose_every_address_is_refused_is_given_up(
    opened: Opened,
    bucket: S3Peer,
    s3_site: Site,
    person: User,
    shelf: Shelf,
    complaints: list[str],
) -> None:
    bucket.cors = [documented_rule(s3_site.url)]
    bucket.expired = 100
    page = opened(base_url=s3_site.url)
    sign_in(page, person)

    drop(page, shelf.film)

    expect(page.locator("[data-refused=voice]")).to_be_visible()
    assert bucket.expired == 97
    forget_refusals(complaints)


def test_a_bucket_without_rules_lets_no_page_send(
    opened: Opened,
    bucket: S3Peer,
    s3_site: Site,
    person: User,
    shelf: Shelf,
    complaints: list[str],
) -> None:
    page = opened(base_url=s3_site.url)
    sign_in(page, person)

    drop(page, shelf.film)
    expect(page.get_by_text("That didn’t work. Trying again in")).to_be_visible()

    assert statuses(bucket, "PUT") == set()
    page.close()
    assert all("CORS policy" in one or "ERR_FAILED" in one for one in complaints)
    complaints.clear()
