"""`manage.py serve`: site and worker together."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.database import ROOT, copy_sqlite

pytestmark = pytest.mark.worker


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Site and worker, started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": copy_sqlite(tmp_path),
        "DUBBER_BIND": f"127.0.0.1:{port}",
        "DUBBER_SITE_URL": f"http://localhost:{port}",
        "DUBBER_SCRATCH": str(tmp_path / "scratch"),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    for one in [*psutil.Process(process.pid).children(recursive=True)] if running(process) else []:
        one.kill()
    process.kill()
    process.communicate()


def running(process: subprocess.Popen[str]) -> bool:
    return process.poll() is None


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the process says up to the line with these words."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_ctrl_c_ends_site_and_worker_and_everything_they_started(
    serving: subprocess.Popen[str],
) -> None:
    said = read_until(serving, "Quit the server")
    address = next(word for word in said.split() if word.startswith("http://localhost"))
    with urllib.request.urlopen(f"{address}/login", timeout=30) as answer:
        page = answer.status
    started = psutil.Process(serving.pid).children(recursive=True)

    serving.send_signal(signal.SIGINT)
    code = serving.wait(timeout=60)

    _, alive = psutil.wait_procs(started, timeout=10)
    assert (page, code, alive) == (200, 0, [])
    assert "dev@localhost" in said


def test_when_the_worker_dies_the_site_ends_too_and_that_is_told(
    serving: subprocess.Popen[str],
) -> None:
    read_until(serving, "Quit the server")
    started = psutil.Process(serving.pid).children(recursive=True)
    worker = next(one for one in started if one.cmdline()[-1] == "work")

    worker.kill()
    rest, _ = serving.communicate(timeout=60)

    _, alive = psutil.wait_procs(started, timeout=10)
    assert (serving.returncode, alive) == (1, [])
    assert "The worker ended by itself" in rest
