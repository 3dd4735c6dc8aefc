"""The page of a new dub, as a browser with and without scripts asks for it."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from jobs import drafts
from jobs.choices import Choices
from jobs.models import Draft, Upload
from tests import make

pytestmark = pytest.mark.django_db

SCRIPT = {"Accept": "application/json"}
CAPTIONS = b"1\n00:00:01,000 --> 00:00:02,000\nGood morning\n"


@pytest.fixture
def person(client: Client) -> User:
    person = make.professional()
    client.force_login(person)
    return person


@pytest.fixture
def url(client: Client, person: User) -> str:
    address: str = client.post("/jobs/new/drafts").json()["url"]
    return address


def draft() -> Draft:
    return Draft.objects.get()


def sent(client: Client, url: str, **fields: Any) -> Any:
    return client.post(url, fields, headers=SCRIPT)


def test_what_was_chosen_is_on_the_page_again(client: Client, url: str) -> None:
    fields = {"languages": ["es"], "title": "My “talk”", "term": ["Dubber"], "said": ["Dobla"]}

    sent(client, f"{url}/choices", **fields, **{"variant-es": "es-MX"})

    page = client.get(url).content.decode()
    assert "My “talk”" in page
    assert 'value="Dobla"' in page
    assert draft().choices["variants"] == {"es": "es-MX"}


def test_choices_that_make_no_sense_are_not_kept(client: Client, url: str) -> None:
    fields = {"languages": ["xx"], "source_language": "klingon", "variant-es": "es\x00"}

    response = sent(client, f"{url}/choices", **fields)

    assert response.status_code == 200
    assert Choices.from_json(draft().choices) == Choices()


def test_a_file_is_given_an_address_on_this_site(client: Client, url: str) -> None:
    file = {"role": "voice", "name": "talk.mp4", "size": 3, "type": "video/mp4", "modified": 1}

    told = sent(client, f"{url}/files", **file).json()
    put = client.put(told["url"], b"abc", content_type="video/mp4")

    assert told["url"].startswith("/uploads/")
    assert (told["received"], told["resumes"]) == (0, True)
    assert put.status_code == 200
    assert sent(client, f"{url}/files", **file).json()["received"] == 3


def test_a_file_that_broke_off_says_how_much_is_here(client: Client, url: str) -> None:
    file = {"role": "voice", "name": "talk.mp4", "size": 8, "type": "video/mp4", "modified": 1}
    told = sent(client, f"{url}/files", **file).json()
    part = {"Content-Range": "bytes 0-1/8"}
    client.put(told["url"], b"ab", content_type="video/mp4", headers=part)

    page = client.get(url).content.decode()

    assert "25 % are here. Choose the same file again to go on." in page


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        ({"size": 0}, 400, "validation_error"),
        ({"size": 3 * 1024**3}, 413, "too_large"),
        ({"type": "text/html"}, 415, "unsupported_media"),
        ({"role": "picture"}, 400, "validation_error"),
    ],
)
def test_a_file_that_cant_be_taken_is_refused_before_it_is_sent(
    client: Client, url: str, file: dict[str, Any], status: int, code: str
) -> None:
    usual = {"role": "voice", "name": "talk.mp4", "size": 3, "type": "video/mp4", "modified": 1}

    response = sent(client, f"{url}/files", **(usual | file))

    assert (response.status_code, response.json()["error"]) == (status, code)
    assert not Upload.objects.exists()


def test_captions_are_kept_and_can_be_taken_out(client: Client, url: str) -> None:
    file = SimpleUploadedFile("talk.srt", CAPTIONS)

    kept = sent(client, f"{url}/captions", captions=file).content.decode()
    removed = sent(client, f"{url}/remove/captions").content.decode()

    assert "talk.srt" in kept
    assert "talk.srt" not in removed
    assert draft().captions == ""


def test_captions_that_cant_be_read_are_told_beside_their_field(client: Client, url: str) -> None:
    file = SimpleUploadedFile("talk.srt", b"00:00 --> never")

    page = sent(client, f"{url}/captions", captions=file).content.decode()

    assert "These captions can&#x27;t be read (line 1)" in page


def test_a_refused_launch_tells_what_is_missing_in_the_parts(client: Client, url: str) -> None:
    parts = sent(client, url).json()["parts"]

    assert "Choose a video or a voice track." in parts
    assert "Choose at least one language." in parts


def test_without_scripts_a_form_that_is_refused_is_kept(client: Client, person: User) -> None:
    page = client.post("/jobs/new", {"title": "My talk", "review": "on"}).content.decode()

    assert f'action="/jobs/new/{draft().public_id}"' in page
    assert 'value="My talk"' in page


def test_the_enter_key_in_a_field_neither_launches_nor_removes(client: Client, url: str) -> None:
    page = client.get(url).content.decode()

    first = page[page.index('<form id="new-dub"') :].partition("<button")[2].partition(">")[0]
    assert f'formaction="{url}/choices"' in first


def test_a_draft_that_was_launched_leads_to_its_dub(client: Client, person: User) -> None:
    job = make.job(person, languages=["es"])

    response = client.get(f"/jobs/new/{job.public_id}")

    assert (response.status_code, response["Location"]) == (302, f"/jobs/{job.public_id}")


def test_a_new_dub_offers_to_go_on_with_the_last_one(client: Client, url: str) -> None:
    page = client.get("/jobs/new").content.decode()
    client.post(f"{url}/discard")
    without = client.get("/jobs/new").content.decode()

    assert f'href="{url}"' in page
    assert "Continue with it" not in without


@pytest.mark.models
def test_buying_leads_back_to_the_same_dub(client: Client) -> None:
    poor = make.user()
    client.force_login(poor)
    one = drafts.begin_draft(poor)
    voice = make.upload(poor)
    voice.for_job = one.public_id
    voice.save()
    drafts.save_choices(one, Choices(languages=("es",)))

    page = client.get(f"/jobs/new/{one.public_id}").content.decode()

    assert f"?next=/jobs/new/{one.public_id}" in page
    assert "7 credits are missing." in page


def test_the_page_asks_little_of_the_database(client: Client, person: User, url: str) -> None:
    for role in Upload.Role:
        upload = make.upload(person, role=role)
        upload.for_job = draft().public_id
        upload.save()
    sent(client, f"{url}/choices", languages=["es"])

    for address in ("/jobs/new", url):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        assert len(captured) <= 12
