from pathlib import Path
from typing import cast

import pytest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from jobs.models import Artifact, DubbingJob, Step, Upload
from jobs.states import StepKind, StepStatus
from tests import make
from tests.web.delivered import CONTENT, delivered

pytestmark = pytest.mark.django_db
SIZE = len(CONTENT)


@pytest.fixture
def page(client: Client, tmp_path: Path) -> str:
    """The address of a dub of the person who is signed in."""
    person = make.professional()
    client.force_login(person)
    return f"/jobs/{delivered(person, tmp_path, kinds=('full_mp3', 'manifest')).public_id}"


@pytest.fixture
def url(client: Client, page: str) -> str:
    """The address of a file of theirs, to keep."""
    return client.get(f"{page}/download/es/full_mp3")["Location"]


def body(response: HttpResponseBase) -> bytes:
    return cast(HttpResponse, response).getvalue()


def test_a_download_is_the_whole_file_as_an_attachment(client: Client, url: str) -> None:
    response = client.get(url)

    assert response.status_code == 200
    assert body(response) == CONTENT
    assert response["Content-Length"] == str(SIZE)
    assert response["Content-Type"] == "audio/mpeg"
    assert response["Content-Disposition"].startswith('attachment; filename="')
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Security-Policy"] == "sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        (f"bytes=5-{SIZE * 2}", 5, SIZE - 1),
    ],
)
def test_a_range_is_just_that_part(
    client: Client, url: str, asked: str, first: int, last: int
) -> None:
    response = client.get(url, headers={"Range": asked})

    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)
    assert body(response) == CONTENT[first : last + 1]


def test_a_range_behind_the_end_is_416(client: Client, url: str) -> None:
    response = client.get(url, headers={"Range": f"bytes={SIZE}-"})

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"


def test_several_ranges_get_the_whole_file(client: Client, url: str) -> None:
    response = client.get(url, headers={"Range": "bytes=0-1,4-5"})

    assert response.status_code == 200
    assert body(response) == CONTENT


@pytest.mark.parametrize("asked", [f"bytes={'9' * 4400}-", f"bytes=-{'9' * 4400}"])
def test_a_range_of_thousands_of_digits_gets_the_whole_file(
    client: Client, page: str, url: str, asked: str
) -> None:
    kept, played = (
        client.get(address, headers={"Range": asked})
        for address in (url, f"{page}/media/es/full_mp3")
    )

    assert (kept.status_code, body(kept)) == (200, CONTENT)
    assert (played.status_code, body(played)) == (200, CONTENT)


def test_a_download_goes_on_only_while_the_file_is_the_same(client: Client, url: str) -> None:
    etag = client.head(url)["ETag"]

    same = client.get(url, headers={"Range": "bytes=0-1", "If-Range": etag})
    other = client.get(url, headers={"Range": "bytes=0-1", "If-Range": '"something else"'})

    assert (same.status_code, body(same)) == (206, CONTENT[:2])
    assert (other.status_code, body(other)) == (200, CONTENT)


def test_what_the_browser_has_is_not_sent_again(client: Client, url: str) -> None:
    etag = client.head(url)["ETag"]

    response = client.get(url, headers={"If-None-Match": etag})

    assert response.status_code == 304


def test_head_tells_the_length_and_sends_nothing(client: Client, url: str) -> None:
    response = client.head(url)

    assert response.status_code == 200
    assert response["Content-Length"] == str(SIZE)
    assert response.content == b""


def test_a_player_gets_sound_inline(client: Client, page: str) -> None:
    response = client.get(f"{page}/media/es/full_mp3", headers={"Range": "bytes=0-0"})

    assert response.status_code == 206
    assert body(response) == CONTENT[:1]
    assert response["Content-Disposition"].startswith("inline")


def test_a_player_gets_nothing_that_it_can_not_play(client: Client, page: str) -> None:
    assert client.get(f"{page}/media/es/manifest").status_code == 404


def test_a_player_gets_the_original_as_it_was_sent(client: Client, page: str) -> None:
    sent = Upload.objects.get(role="voice")

    response = client.get(f"{page}/media/original/voice")

    assert body(response).startswith(b"RIFF")
    assert response["Content-Length"] == str(sent.size)
    assert response["Content-Type"] == "audio/wav"
    assert response["Content-Disposition"].startswith("inline")


def test_an_original_that_is_not_there_is_404(client: Client, page: str) -> None:
    missing = client.get(f"{page}/media/original/background").status_code
    Upload.objects.update(gone_at=timezone.now())

    assert (missing, client.get(f"{page}/media/original/voice").status_code) == (404, 404)


def test_captions_are_read_by_the_page_and_saved_by_the_customer(
    client: Client, tmp_path: Path
) -> None:
    person = make.professional()
    client.force_login(person)
    job = delivered(person, tmp_path, kinds=("vtt",))

    response = client.get(f"/jobs/{job.public_id}/media/es/vtt")

    assert response["Content-Type"] == "text/vtt; charset=utf-8"
    assert body(response) == CONTENT


def test_a_file_made_on_demand_is_promised_and_then_there(client: Client, page: str) -> None:
    promised = client.get(f"{page}/download/es/bundle")

    step = Step.objects.get(kind=StepKind.BUNDLE)
    assert promised.status_code == 202
    assert promised["Retry-After"] == "3"
    assert step.status == StepStatus.READY


def test_a_look_at_what_is_made_on_demand_has_nothing_made(client: Client, page: str) -> None:
    looked = client.head(f"{page}/download/es/bundle")

    assert looked.status_code == 202
    assert not Step.objects.filter(kind=StepKind.BUNDLE).exists()


def test_a_download_of_expired_files_leads_to_the_page_that_says_so(
    client: Client, page: str
) -> None:
    DubbingJob.objects.update(files_gone_at=timezone.now())

    response = client.get(f"{page}/download/es/full_mp3", follow=True)

    assert "The files of this dub are gone" in response.content.decode()


@pytest.mark.parametrize("columns", [{"working": True}, {"current": False}])
def test_files_for_our_own_use_are_not_there(
    client: Client, page: str, columns: dict[str, bool]
) -> None:
    Artifact.objects.update(**columns)

    assert client.get(f"{page}/media/es/full_mp3").status_code == 404
    assert client.get(f"{page}/download/es/full_mp3").status_code == 404


def test_a_file_lost_in_storage_is_404(client: Client, url: str) -> None:
    Artifact.objects.filter(kind="full_mp3").update(object_key="jobs/gone.mp3")

    assert client.get(url).status_code == 404
