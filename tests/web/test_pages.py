from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.queries import balance_of
from jobs import outcomes
from jobs.models import DubbingJob, Upload
from jobs.pipeline.errors import PipelineError
from tests import make
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_home_page_says_what_it_is_for(client: Client) -> None:
    response = client.get("/", headers={"Accept": "text/html"})

    assert b"exactly as long as your video" in response.content


def test_programs_get_the_home_page_as_json(client: Client) -> None:
    answer = client.get("/", headers={"Accept": "application/json"}).json()

    assert set(answer) == {"service", "version", "docs"}


def test_the_list_asks_no_more_for_many_dubs_than_for_one(client: Client) -> None:
    person = make.professional()
    client.force_login(person)
    make.job(person, languages=["es"])
    for_one = queries(client, "/jobs")
    for _ in range(5):
        make.job(person, languages=["es", "fr", "de"])

    assert queries(client, "/jobs") == for_one


def test_a_dub_asks_no_more_for_many_languages_than_for_one(client: Client) -> None:
    person = make.professional()
    client.force_login(person)
    one = make.job(person, languages=["es"])
    many = make.job(person, languages=["es", "fr", "de", "it", "ja"])

    assert queries(client, f"/jobs/{many.public_id}") == queries(client, f"/jobs/{one.public_id}")


def test_the_list_shows_only_ones_own_dubs(client: Client) -> None:
    make.job(make.professional(), languages=["es"], title="Somebody else's")
    client.force_login(make.user())

    response = client.get("/jobs")

    assert b"Somebody else" not in response.content
    assert b"No dubs yet" in response.content


def test_a_title_is_text_and_never_markup(client: Client) -> None:
    person = make.professional()
    client.force_login(person)
    job = make.job(person, languages=["es"], title="<script>alert(1)</script>")

    for url in ("/jobs", f"/jobs/{job.public_id}"):
        assert b"<script>alert" not in client.get(url).content


def test_the_balance_stands_on_every_page(client: Client) -> None:
    client.force_login(make.user(credits=43))

    for url in ("/", "/jobs", "/jobs/new"):
        assert b"<b>43</b>" in client.get(url, headers={"Accept": "text/html"}).content


def test_a_finished_dub_offers_its_files(client: Client, tmp_path: Path) -> None:
    person = make.professional()
    client.force_login(person)
    job = delivered(person, tmp_path, kinds=("full_mp3", "manifest"))

    page = client.get(f"/jobs/{job.public_id}").content.decode()

    assert f"/jobs/{job.public_id}/download/es/full_mp3" in page
    assert f"/jobs/{job.public_id}/download/es/manifest" in page
    assert 'data-state="ended"' in page


def test_progress_is_sent_again_only_when_it_changed(client: Client) -> None:
    person = make.professional()
    client.force_login(person)
    url = f"/jobs/{make.job(person, languages=['es']).public_id}/progress"

    etag = client.get(url)["ETag"]
    unchanged = client.get(url, headers={"If-None-Match": etag})
    make.claim()
    changed = client.get(url, headers={"If-None-Match": etag})

    assert (unchanged.status_code, changed.status_code) == (304, 200)
    assert "Reading the sound" in changed.content.decode()


def test_cancelling_says_what_came_back(client: Client) -> None:
    person = make.professional(credits=100)
    client.force_login(person)
    job = make.job(person, languages=["es"])
    assert "Cancel and get 7 credits back" in client.get(f"/jobs/{job.public_id}").content.decode()

    page = client.post(f"/jobs/{job.public_id}/cancel", follow=True).content.decode()

    assert "Cancelled, 7 credits returned." in page
    assert balance_of(person) == 100


def test_a_failed_language_says_why_and_what_trying_again_costs(client: Client) -> None:
    person = make.professional(credits=100)
    client.force_login(person)
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("ENGINE_FAILED", engine="Vosk"))

    page = client.get(f"/jobs/{job.public_id}").content.decode()
    retried = client.post(f"/jobs/{job.public_id}/languages/es/retry", follow=True)

    assert "The Vosk engine failed." in page
    assert "7 credits were returned." in page
    assert "Try again for 7 credits" in page
    assert "Spanish is made again." in retried.content.decode()
    assert balance_of(person) == 93


def test_where_the_recording_is_at_fault_nothing_is_sold_in_vain(client: Client) -> None:
    person = make.professional(credits=100)
    client.force_login(person)
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_AUDIO"))

    page = client.get(f"/jobs/{job.public_id}").content.decode()

    assert "The file has no sound track" in page
    assert "Start a dub of another file" in page
    assert "Try again" not in page
    assert "Add languages" not in page


def test_the_language_that_is_spoken_already_is_not_sold_again(client: Client) -> None:
    person = make.professional(credits=100)
    client.force_login(person)
    job = make.job(person, languages=["es"])
    outcomes.fail(
        make.claim(),
        PipelineError("PAIR_UNAVAILABLE", source="Spanish", target="Spanish", reason="spoken"),
    )
    DubbingJob.objects.update(heard_language="es")

    page = client.get(f"/jobs/{job.public_id}").content.decode()

    assert "7 credits were returned." in page
    assert "it needs no dub" in page
    assert "Try again" not in page


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PipelineError("VENDOR_BUSY", engine="Deepgram"), "Waiting for a provider that is busy."),
        (PipelineError("VENDOR_ACCOUNT", engine="OpenAI"), "On hold while we fix a problem"),
        (PipelineError("MEDIA_TOOL"), "Something failed. We are trying again."),
    ],
)
def test_a_language_that_is_held_up_says_by_whom(
    client: Client, error: PipelineError, sentence: str
) -> None:
    person = make.professional(credits=100)
    client.force_login(person)
    job = make.job(person, languages=["es"])
    outcomes.put_off(make.claim(), error)

    assert sentence in client.get(f"/jobs/{job.public_id}").content.decode()


def test_a_refused_act_is_explained_on_the_page(client: Client, tmp_path: Path) -> None:
    person = make.professional()
    client.force_login(person)
    job = delivered(person, tmp_path)

    page = client.post(f"/jobs/{job.public_id}/cancel", follow=True).content.decode()

    assert "nothing to cancel" in page


def test_a_new_dub_without_anything_says_what_is_missing(client: Client) -> None:
    client.force_login(make.professional())

    response = client.post("/jobs/new", {})

    page = response.content.decode()
    assert response.status_code == 400
    assert "Choose a video or a voice track." in page
    assert "Choose at least one language." in page


def test_an_empty_file_is_refused(client: Client) -> None:
    client.force_login(make.professional())

    response = client.post("/jobs/new", {"voice": SimpleUploadedFile("talk.mp4", b"")})

    assert "The file is empty." in response.content.decode()


def test_more_than_the_plan_allows_is_refused_unread(client: Client) -> None:
    client.force_login(make.user())

    response = client.post(
        "/jobs/new",
        b"never read",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(10**9),
    )

    assert response.status_code == 413
    assert "more than your plan allows" in response.content.decode()
    assert Upload.objects.count() == 0


def test_a_finished_dub_says_how_long_its_files_are_kept(client: Client, tmp_path: Path) -> None:
    person = make.professional()
    client.force_login(person)
    job = delivered(person, tmp_path)

    assert "Kept until" in client.get(f"/jobs/{job.public_id}").content.decode()


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client) -> None:
    make.user("somebody@example.com", password="a long secret")

    response = client.post(
        "/login?next=/jobs",
        {"username": "somebody@example.com", "password": "a long secret", "next": "/jobs"},
    )

    assert (response.status_code, response["Location"]) == (302, "/jobs")


def test_a_wrong_password_says_nothing_about_the_account(client: Client) -> None:
    make.user("somebody@example.com", password="a long secret")

    pages = [
        client.post("/login", {"username": email, "password": "wrong"}).content.decode()
        for email in ("somebody@example.com", "nobody@example.com")
    ]

    assert all("No account has this e-mail address and password." in page for page in pages)


def test_a_page_that_is_not_there_is_said_kindly(client: Client) -> None:
    response = client.get("/nowhere")

    assert response.status_code == 404
