"""A real file through the form, with the engines of this machine."""

import wave
from pathlib import Path

import pytest
from django.test import Client

from billing.queries import balance_of
from jobs.models import DubbingJob
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.ffmpeg, pytest.mark.models]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two seconds of sound; nobody listens to it here."""
    path = tmp_path / "My talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(2 * 16_000 * 2))
    return path


def send(client: Client, voice: Path, **fields: str) -> str:
    with voice.open("rb") as file:
        form = {"voice": file, "languages": "es", **fields}
        return client.post("/jobs/new", form, follow=True).content.decode()


def test_a_recording_becomes_a_dub_that_is_paid_for(client: Client, recording: Path) -> None:
    person = make.professional(credits=10)
    client.force_login(person)

    page = send(client, recording)

    job = DubbingJob.objects.get()
    assert job.title == "My talk"
    assert "Cancel and get 1 credit back" in page
    assert balance_of(person) == 9


def test_a_dub_without_credits_is_refused_and_says_how_many_are_missing(
    client: Client, recording: Path
) -> None:
    client.force_login(make.user())

    page = send(client, recording)

    assert "This costs 1 credit and you have 0. Get 1 more." in page
    assert DubbingJob.objects.count() == 0


def test_a_file_that_is_no_media_is_refused(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("Dear diary")
    client.force_login(make.professional())

    assert "isn&#x27;t a video or sound file" in send(client, path)


def test_languages_without_a_price_say_what_is_in_the_way(client: Client, recording: Path) -> None:
    client.force_login(make.professional())

    page = send(client, recording, languages="en", source_language="en")

    assert "There is no price yet:" in page
    assert page.count("The recording is in English already. Take that language out.") >= 2
    assert "Choose languages to see" not in page
