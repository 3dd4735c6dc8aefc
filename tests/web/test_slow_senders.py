"""Slow senders, and one too many, at the server that production runs."""

import socket
import time
from contextlib import ExitStack

import pytest

from jobs import incoming, links
from jobs.models import Upload
from jobs.uploads import issue_uploads
from tests import make
from tests.bench.site import gunicorn

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
SIZE = 1_000_000


def request(content: bytes) -> bytes:
    """The beginning of a transfer."""
    permission = issue_uploads(
        make.professional(), languages=["es"], names={"voice": "talk.mp4"}, sizes={"voice": SIZE}
    )
    upload = Upload.objects.get(for_job=permission.public_id)
    path = links.upload_url(upload).removeprefix("http://localhost:8000")
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
    return f"{head}Content-Length: {SIZE}\r\nConnection: close\r\n\r\n".encode() + content


def answer(port: int, sent: bytes) -> bytes:
    """What the site answers to what is sent, without another byte coming."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        received = b""
        while block := connection.recv(65_536):
            received += block
        return received


def test_a_sender_that_is_too_slow_is_cut_off_and_told_where_to_go_on() -> None:
    slow, fast = request(b"x" * 30_000), request(b"x" * SIZE)

    with gunicorn(workers=1, DUBBER_UPLOAD_PATIENCE="1") as (port, _):
        to_slow, to_fast = answer(port, slow), answer(port, fast)

    assert to_slow.startswith(b"HTTP/1.1 400 ")
    assert b"came in too slowly" in to_slow
    assert b'"received": 30000' in to_slow
    assert to_fast.startswith(b"HTTP/1.1 200 ")


def test_a_seventh_file_at_once_is_told_when_to_come_again() -> None:
    slow, seventh = [request(b"x" * 100_000) for _ in range(6)], request(b"x" * SIZE)
    folder, deadline = incoming.incoming_folder(), time.monotonic() + 30
    before = set(folder.iterdir())

    with gunicorn(workers=1) as (port, _), ExitStack() as open_still:
        for sent in slow:
            address = ("127.0.0.1", port)
            connection = open_still.enter_context(socket.create_connection(address, timeout=30))
            connection.sendall(sent)
        while len(set(folder.iterdir()) - before) < len(slow):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        told = answer(port, seventh)

    assert told.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 10\r\n" in told.lower()
    assert b"service_busy" in told
