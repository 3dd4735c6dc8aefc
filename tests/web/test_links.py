"""Download links: one use, one client, ten minutes."""

from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.utils import timezone

from jobs import links, retention
from jobs.downloads import client_of
from jobs.models import Artifact, Download, DubbingJob
from tests import make
from tests.web.delivered import CONTENT, delivered

pytestmark = pytest.mark.django_db
LAPTOP = {"User-Agent": "laptop"}


@pytest.fixture
def file(tmp_path: Path) -> Artifact:
    """Return a finished file."""
    delivered(make.professional(), tmp_path)
    return Artifact.objects.get(kind="full_mp3")


def path_of(file: Artifact) -> str:
    return links.link_of(file).removeprefix("http://localhost:8000")


def get(
    client: Client, path: str, *, agent: str = "laptop", ip: str = "192.0.2.7", **headers: str
) -> Any:
    """Fetch a link; `body` is what came."""
    named: Any = {"User-Agent": agent, **headers}
    response: Any = client.get(path, headers=named, REMOTE_ADDR=ip)
    response.body = response.getvalue()
    for close in response._resource_closers:  # its own close() would end the database too
        close()
    return response


def test_a_link_sends_the_file_to_keep_without_a_sign_in(client: Client, file: Artifact) -> None:
    response = get(client, path_of(file))

    assert response.status_code == 200
    assert response.body == CONTENT
    assert response["Content-Disposition"].startswith("attachment")
    assert response["Content-Security-Policy"] == "sandbox"


def test_the_first_use_is_recorded_and_makes_the_next_link(client: Client, file: Artifact) -> None:
    before = path_of(file)

    get(client, before)

    file.refresh_from_db()
    download = Download.objects.get()
    assert (download.artifact, download.number, download.user) == (file, 1, file.job.user)
    assert path_of(file) != before
    assert get(client, path_of(file), agent="phone").status_code == 200


def test_the_same_client_may_go_on_for_ten_minutes(client: Client, file: Artifact) -> None:
    path = path_of(file)
    get(client, path)

    again = get(client, path, ip="192.0.2.200", Range="bytes=100-")
    Download.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    later = get(client, path)

    assert (again.status_code, again.body) == (206, CONTENT[100:])
    assert (later.status_code, later.json()["error"]) == (410, "link_expired")
    assert Download.objects.count() == 1


@pytest.mark.parametrize(("agent", "ip"), [("phone", "192.0.2.7"), ("laptop", "192.0.3.7")])
def test_anyone_else_is_told_that_the_link_was_used(
    client: Client, file: Artifact, agent: str, ip: str
) -> None:
    path = path_of(file)
    get(client, path)

    response = get(client, path, agent=agent, ip=ip)

    assert (response.status_code, response.json()["error"]) == (410, "link_used")


def test_a_look_and_a_prefetch_use_nothing_up(client: Client, file: Artifact) -> None:
    path = path_of(file)

    head = client.head(path, headers=LAPTOP)
    prefetch = client.get(path, headers={**LAPTOP, "Sec-Purpose": "prefetch;prerender"})

    assert head["Content-Length"] == str(len(CONTENT))
    assert prefetch.status_code == 503
    assert not Download.objects.exists()
    assert get(client, path, agent="phone").status_code == 200


def test_a_look_says_what_fetching_would_say(client: Client, file: Artifact) -> None:
    path = path_of(file)
    get(client, path)

    own = client.head(path, headers=LAPTOP, REMOTE_ADDR="192.0.2.7")
    other = client.head(path, headers={"User-Agent": "phone"}, REMOTE_ADDR="192.0.2.7")
    Download.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    late = client.head(path, headers=LAPTOP, REMOTE_ADDR="192.0.2.7")

    assert [one.status_code for one in (own, other, late)] == [200, 410, 410]
    assert Download.objects.count() == 1


@pytest.mark.parametrize("change", ["number", "artifact", "signature"])
def test_a_forged_link_is_no_link(client: Client, file: Artifact, change: str) -> None:
    signature = path_of(file).rpartition(".")[2]
    forged = {
        "number": f"/d/{file.pk}.2.{signature}",
        "artifact": f"/d/{file.pk + 1}.1.{signature}",
        "signature": f"/d/{file.pk}.1.{'A' * 22}",
    }

    assert get(client, forged[change]).status_code == 404


def test_a_link_that_was_passed_over_has_expired(client: Client, file: Artifact) -> None:
    path = path_of(file)
    Artifact.objects.update(link=5)

    response = get(client, path)

    assert (response.status_code, response.json()["error"]) == (410, "link_expired")
    assert client.head(path, headers=LAPTOP).status_code == 410


def test_a_file_that_is_deleted_in_the_very_moment_is_gone(
    client: Client, file: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_late(*_: object) -> NoReturn:
        retention.delete_job(file.job, by=file.job.user)
        raise FileNotFoundError

    monkeypatch.setattr(FileSystemStorage, "_open", open_late)

    response = client.get(path_of(file))

    assert (response.status_code, response.json()["error"]) == (410, "files_expired")


def test_a_link_of_a_file_made_anew_has_expired(client: Client, file: Artifact) -> None:
    Artifact.objects.update(current=False)

    assert get(client, path_of(file)).status_code == 410


def test_a_link_to_files_that_are_gone_says_so(client: Client, file: Artifact) -> None:
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(seconds=1))

    response = get(client, path_of(file))

    assert (response.status_code, response.json()["error"]) == (410, "files_expired")


def test_a_file_of_our_own_has_no_link(client: Client, file: Artifact) -> None:
    Artifact.objects.update(working=True)

    assert get(client, path_of(file)).status_code == 404


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("192.0.2.1", "192.0.2.250", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1:2::3", "2001:db8:1:ffff::9", True),
        ("::ffff:192.0.2.7", "::ffff:198.51.100.7", False),
        ("::ffff:192.0.2.7", "192.0.2.99", True),
        ("2001:db8:1::3", "2001:db8:2::3", False),
    ],
)
def test_a_client_is_its_network_and_program(one: str, two: str, *, same: bool) -> None:
    assert (client_of(agent="a", address=one) == client_of(agent="a", address=two)) is same
    assert client_of(agent="a", address=one) != client_of(agent="b", address=one)


@pytest.mark.parametrize(
    "title",
    ["../../x", 'say "hi"', "a\r\nSet-Cookie: x=1", "\u202eevil", "🎬 фильм", "x" * 200, "..."],
)
def test_any_title_makes_a_header_that_holds(client: Client, tmp_path: Path, title: str) -> None:
    delivered(make.professional(), tmp_path, title=title)
    file = Artifact.objects.get(kind="full_mp3")

    header = get(client, path_of(file))["Content-Disposition"]

    assert header.startswith("attachment; filename")
    assert not {"\r", "\n", "\x00"} & set(header)
    assert file.name.endswith(".es.mp3")
    assert not set(file.name) & set('/\\"\r\n\u202e')
