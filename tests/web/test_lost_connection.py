"""An upload whose connection is lost, on the server that production uses."""

import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import default_storage

from jobs import links
from jobs.incoming import incoming_folder
from jobs.models import Upload
from jobs.uploads import issue_uploads
from tests import make
from tests.database import ROOT

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

CONTENT = os.urandom(3_000_000)
HALF = 1_400_000
PATIENCE = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site under gunicorn, as the container runs it, on the tests' database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    log = tmp_path_factory.mktemp("gunicorn") / "site.log"
    argv = ["-m", "gunicorn", "dubber.wsgi", "--bind", place, "--worker-class", "gthread"]
    argv += ["--workers", "1", "--threads", "8", "--error-logfile", str(log)]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *argv],
            cwd=ROOT,
            env={**os.environ, "DUBBER_BIND": place},
            stdout=said,
            stderr=said,
        )
        try:
            wait_until_up(f"http://{place}/health", process, log)
            yield f"http://{place}"
        finally:
            process.terminate()
            process.wait(30)


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


def issued() -> Upload:
    permission = issue_uploads(make.professional(), languages=["es"], names={"voice": "talk.mp4"})
    return Upload.objects.get(for_job=permission.public_id)


def break_off(server: str, path: str, part: Path) -> None:
    """Announce the whole file, send some of it, and be gone when some of that has arrived."""
    place = urlsplit(server)
    head = f"PUT {path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=30) as line:
        line.sendall(head.encode() + CONTENT[:HALF])
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not (part.exists() and part.stat().st_size):
            time.sleep(0.02)
        # Reset instead of a proper end.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def put(server: str, path: str, content: bytes, span: str) -> tuple[int, dict[str, int]]:
    """Send a part; status and answer."""
    request = urllib.request.Request(server + path, content, method="PUT")
    request.add_header("Content-Range", f"bytes {span}/{len(CONTENT)}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def held(server: str, path: str) -> int:
    """How far a file came, as soon as the site has given the lost connection up."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        status, answer = put(server, path, b"", "*")
        if status == 202 and answer["received"]:
            return answer["received"]
        time.sleep(0.1)
    raise AssertionError(f"The site still waits for the rest: {status} {answer}")


def test_an_upload_goes_on_where_its_connection_was_lost(server: str) -> None:
    upload = issued()
    path = urlsplit(links.upload_url(upload)).path
    break_off(server, path, incoming_folder() / f"{upload.pk}.part")
    first = held(server, path)

    status, answer = put(server, path, CONTENT[first:], f"{first}-{len(CONTENT) - 1}")

    upload.refresh_from_db()
    assert 0 < first <= HALF
    assert (status, answer) == (200, {"received": len(CONTENT), "size": len(CONTENT)})
    assert upload.size == len(CONTENT)
    with default_storage.open(upload.key) as file:
        assert file.read() == CONTENT
