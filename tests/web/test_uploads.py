"""Files sent to their signed address, as hostile and as broken as they come."""

import io
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from accounts.models import User
from dubber.errors import Conflict, UserError
from jobs import incoming, links, retention
from jobs.incoming import Patience, receive, span_of
from jobs.models import Upload
from jobs.uploads import give_up, issue_uploads, register_upload
from tests import make

pytestmark = pytest.mark.django_db
CONTENT = os.urandom(700_000)


def issued(person: User | None = None, **choices: Any) -> Upload:
    """Make a file that may be sent."""
    choices = {"names": {"voice": "talk.mp4"}, "languages": ["es"]} | choices
    permission = issue_uploads(person or make.professional(), **choices)
    return Upload.objects.get(for_job=permission.public_id, role="voice")


def address(upload: Upload) -> str:
    return links.upload_url(upload).removeprefix("http://localhost:8000")


def put(client: Client, upload: Upload, content: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = named.pop("Content-Type", "video/mp4")
    return client.put(address(upload), content, content_type=kind, headers=named)


def stored(upload: Upload) -> bytes:
    with default_storage.open(upload.key) as file:
        content: bytes = file.read()
        return content


def test_a_file_that_is_sent_lies_in_storage_and_is_written_down(client: Client) -> None:
    upload = issued()

    response = put(client, upload, CONTENT)

    upload.refresh_from_db()
    assert response.status_code == 200
    assert response.json() == {"received": len(CONTENT), "size": len(CONTENT)}
    assert stored(upload) == CONTENT
    assert upload.size == len(CONTENT)
    assert upload.arrived_at is not None
    assert len(upload.sha256) == 64


def test_a_file_in_parts_goes_on_where_it_broke_off(client: Client) -> None:
    upload, total = issued(), len(CONTENT)
    put(client, upload, CONTENT[:300], Content_Range=f"bytes 0-299/{total}")

    asked = put(client, upload, b"", Content_Range=f"bytes */{total}")
    rest = put(client, upload, CONTENT[300:], Content_Range=f"bytes 300-{total - 1}/{total}")

    assert (asked.status_code, asked.json()["received"]) == (202, 300)
    assert rest.status_code == 200
    assert stored(upload) == CONTENT


def test_a_part_that_leaves_a_hole_is_refused_with_how_far_we_are(client: Client) -> None:
    upload = issued()
    put(client, upload, CONTENT[:300], Content_Range="bytes 0-299/1000")

    response = put(client, upload, CONTENT[:100], Content_Range="bytes 400-499/1000")

    assert response.status_code == 409
    assert response.json()["details"]["received"] == 300


@pytest.mark.parametrize("given", ["bytes 0-1/5", "bytes 3-1/5", "0-9/10", "bytes 0-9/9", "x"])
def test_a_range_that_makes_no_sense_is_refused(given: str) -> None:
    with pytest.raises(UserError) as refused:
        span_of(given, 10)

    assert refused.value.code == "validation_error"


def test_a_file_that_breaks_off_is_kept_as_far_as_it_came() -> None:
    upload = issued()

    with pytest.raises(UserError) as refused:
        receive(upload, io.BytesIO(CONTENT[:1000]), span=span_of(None, len(CONTENT)))
    here = receive(upload, io.BytesIO(), span=span_of(f"bytes */{len(CONTENT)}", 0))

    assert refused.value.details == {"received": 1000}
    assert here == 1000
    assert not default_storage.exists(upload.key)


def test_a_file_over_the_limit_is_refused_unread() -> None:
    upload, body = issued(), io.BytesIO(b"x")
    assert upload.limit_bytes == 2 * 1024**3

    with pytest.raises(UserError) as refused:
        receive(upload, body, span=span_of(None, 2 * 1024**3 + 1))

    assert (refused.value.code, refused.value.status) == ("too_large", 413)
    assert body.tell() == 0


def test_a_size_over_the_limit_gets_no_address() -> None:
    with pytest.raises(UserError) as refused:
        issued(sizes={"voice": 2 * 1024**3 + 1})

    assert refused.value.code == "too_large"
    assert not Upload.objects.exists()


def test_a_person_has_fifty_files_at_most_that_no_dub_was_made_of() -> None:
    person = make.professional()
    make.job(person, languages=["es"])
    for _ in range(49):
        issued(person)
    over = issued(person)

    with pytest.raises(Conflict) as refused:
        issued(person)
    with pytest.raises(Conflict):
        register_upload(person, file=io.BytesIO(b"x"), name="a.wav", role=Upload.Role.VOICE)
    give_up(over)

    assert refused.value.details["most"] == 50
    assert 0 < cast("int", refused.value.details["retry_after"]) <= 24 * 3600
    assert issued(person)
    assert issued(make.professional())


def test_another_size_than_announced_is_refused(client: Client) -> None:
    upload = issued(sizes={"voice": 1000})

    assert put(client, upload, CONTENT[:999]).status_code == 400
    assert put(client, upload, CONTENT[:1001]).status_code == 400
    assert put(client, upload, CONTENT[:1000]).status_code == 200


def test_another_type_than_announced_is_refused(client: Client) -> None:
    upload = issued(content_types={"voice": "video/mp4"})

    response = put(client, upload, CONTENT, Content_Type="text/html")

    assert (response.status_code, response.json()["error"]) == (415, "unsupported_media")


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/x-sh"])
def test_a_type_that_is_no_media_gets_no_address(kind: str) -> None:
    with pytest.raises(UserError) as refused:
        issued(content_types={"voice": kind})

    assert refused.value.status == 415


def test_an_empty_file_is_refused(client: Client) -> None:
    assert put(client, issued(), b"").json()["error"] == "empty_file"


def test_an_address_is_good_for_its_own_file_only(client: Client) -> None:
    one, two = issued(), issued()
    signature = address(one).rpartition(".")[2]

    response = client.put(f"/uploads/{two.pk}.{signature}", CONTENT, content_type="video/mp4")

    assert response.status_code == 404


def test_an_address_must_be_used_in_time_but_what_began_may_go_on(client: Client) -> None:
    late, begun = issued(), issued()
    put(client, begun, CONTENT[:300], Content_Range="bytes 0-299/1000")
    Upload.objects.update(start_by=timezone.now() - timedelta(seconds=1))

    refused = put(client, late, CONTENT)
    rest = put(client, begun, CONTENT[300:1000], Content_Range="bytes 300-999/1000")

    assert (refused.status_code, refused.json()["error"]) == (410, "link_expired")
    assert rest.status_code == 200


@pytest.mark.parametrize(
    ("size", "minutes"), [(None, 15), (500 * 1024**2, 15), (500 * 1024**2 + 1, 60)]
)
def test_a_large_file_has_an_hour_to_begin(size: int | None, minutes: int) -> None:
    upload = issued(sizes={"voice": size} if size else {})

    assert upload.start_by is not None
    left = upload.start_by - timezone.now()
    assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)


def test_a_file_that_became_a_dub_is_never_written_over(client: Client) -> None:
    job = make.job(languages=["es"])
    before = stored(job.voice)

    response = put(client, job.voice, CONTENT)

    assert (response.status_code, response.json()["error"]) == (409, "conflict")
    assert stored(job.voice) == before


class Interrupted(io.BytesIO):
    """A body during which something happens."""

    def __init__(self, content: bytes, event: Callable[[], object]) -> None:
        super().__init__(content)
        self.event = event

    def read(self, size: int | None = -1, /) -> bytes:
        self.event()
        return super().read(size)


def delete_unused(upload: Upload) -> None:
    retention.delete_unused_of(upload.user)


def delete_unused_and_sweep(upload: Upload) -> None:
    retention.delete_unused_of(upload.user)
    retention.purge()


def let_its_day_end(upload: Upload) -> None:
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now())


@pytest.mark.parametrize("event", [delete_unused, delete_unused_and_sweep, let_its_day_end])
def test_a_file_whose_permission_ends_while_it_is_sent_leaves_nothing(
    event: Callable[[Upload], None],
) -> None:
    upload = issued()
    body = Interrupted(CONTENT, lambda: event(upload))

    with pytest.raises(UserError) as refused:
        receive(upload, body, span=span_of(None, len(CONTENT)))

    upload.refresh_from_db()
    assert (refused.value.code, refused.value.status) == ("link_expired", 410)
    assert upload.arrived_at is None
    assert not default_storage.exists(upload.key)
    assert incoming.received(upload) == 0


def test_a_file_may_be_sent_again_before_it_becomes_a_dub(client: Client) -> None:
    upload = issued()
    put(client, upload, b"first")

    again = put(client, upload, CONTENT)

    assert again.status_code == 200
    assert stored(upload) == CONTENT


@pytest.fixture
def full_house() -> Iterator[None]:
    for _ in range(incoming.MOST_AT_ONCE):
        assert incoming._turns.acquire(blocking=False)
    yield
    for _ in range(incoming.MOST_AT_ONCE):
        incoming._turns.release()


@pytest.mark.usefixtures("full_house")
def test_a_seventh_file_at_once_is_asked_to_wait(client: Client) -> None:
    response = put(client, issued(), CONTENT)

    assert (response.status_code, response.json()["error"]) == (503, "service_busy")
    assert int(response["Retry-After"]) > 0


def test_a_file_is_taken_from_one_sender_at_a_time() -> None:
    upload = issued()
    with incoming._partial(upload), pytest.raises(UserError) as refused:
        receive(upload, io.BytesIO(CONTENT), span=span_of(None, len(CONTENT)))

    assert refused.value.code == "conflict"


def test_a_sender_that_is_too_slow_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    reading = ours.makefile("rb")
    theirs.sendall(b"x")

    with ours, theirs, reading, Patience(ours, seconds=0.05) as patience:
        patience.begin()
        content = reading.read(1000)

    assert content == b"x"
    assert patience.ran_out


def test_a_sender_that_is_fast_enough_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    reading = ours.makefile("rb")
    theirs.sendall(CONTENT[:1000])

    with ours, theirs, reading, Patience(ours, seconds=30) as patience:
        content = reading.read(1000)

    assert content == CONTENT[:1000]
    assert not patience.ran_out


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\x00b.mp4", "ab.mp4"),
        ('say "hi".mp4', 'say "hi".mp4'),
        ("a\r\nSet-Cookie: x=1.mp4", "aSet-Cookie: x=1.mp4"),
        ("\u202egpm.exe", "gpm.exe"),
        ("🎬 talk.mp4", "🎬 talk.mp4"),
        ("x" * 300 + ".mp4", "x" * 196 + ".mp4"),
        ("\ud800.mp4", "mp4"),
        ("...", "voice"),
    ],
)
def test_any_file_name_is_made_harmless(name: str, kept: str) -> None:
    upload = issued(names={"voice": name})

    assert upload.name == kept
    assert upload.key.isascii()
    assert ".." not in upload.key


def test_a_cookie_is_not_needed_and_other_methods_are_refused(client: Client) -> None:
    upload = issued()
    strict = Client(enforce_csrf_checks=True)

    assert put(strict, upload, CONTENT).status_code == 200
    assert client.get(address(upload)).status_code == 405
    assert client.post(address(upload)).status_code == 405
