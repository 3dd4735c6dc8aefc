"""Captions of the original."""

import pytest
from django.test import Client

from jobs.models import DubbingJob, Segment
from jobs.pipeline import subtitles
from tests import make
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(client: Client) -> DubbingJob:
    """Return a finished dub of somebody signed in."""
    person = make.professional(credits=100)
    client.force_login(person)
    return spoken(person)


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_what_was_heard_is_saved_as_it_was_corrected(
    client: Client, job: DubbingJob, kind: str
) -> None:
    Segment.objects.filter(index=1).update(text="Two and a half.")

    answer = client.get(f"/jobs/{job.public_id}/transcript/captions/{kind}")

    cues = subtitles.read(answer.content.decode())
    assert [cue.text for cue in cues] == ["One.", "Two and a half.", "3."]
    assert [cue.start for cue in cues] == [1.0, 5.0, 9.0]
    assert f".en.{kind}" in answer["Content-Disposition"]
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"] == "sandbox"


def test_there_is_no_other_kind_and_none_before_anything_was_heard(
    client: Client, job: DubbingJob
) -> None:
    path = f"/jobs/{job.public_id}/transcript/captions"

    other = client.get(f"{path}/exe")
    Segment.objects.all().delete()
    nothing = client.get(f"{path}/srt")

    assert {other.status_code, nothing.status_code} == {404}


def test_the_pages_link_to_it(client: Client, job: DubbingJob) -> None:
    path = f"/jobs/{job.public_id}"

    pages = [client.get(one).content.decode() for one in (path, f"{path}/transcript")]

    assert all(f"{path}/transcript/captions/srt" in page for page in pages)
