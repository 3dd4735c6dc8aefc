"""The site and a worker in processes of their own, on the database of the tests."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from urllib.error import URLError

from django.conf import settings

START_SECONDS = 60.0
MAIL_SECONDS = 15.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Site:
    """A running site; `url` has no slash at its end."""

    url: str
    environment: Mapping[str, str]

    def at(self, path: str) -> str:
        """The address of a path."""
        return f"{self.url}{path}"


@contextmanager
def serving(log: Path, *, port: int = 0, **environment: str) -> Iterator[Site]:
    """Run the site with further settings; `log` takes what it says."""
    port = port or free_port()
    url = f"http://localhost:{port}"
    settings_of_it = {
        **os.environ,
        "DUBBER_BIND": f"127.0.0.1:{port}",
        "DUBBER_SITE_URL": url,
        "PYTHONWARNINGS": "default",
        "DUBBER_SAMPLE": str(
            log.parent / "no-sample"
        ),  # whether or not it was made on this machine
        **environment,
    }
    argv = [sys.executable, "manage.py", "runserver", "--noreload", "--skip-checks"]
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv, cwd=settings.BASE_DIR, env=settings_of_it, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            wait_for_answer(f"{url}/health", process, log)
            yield Site(url, settings_of_it)
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def working(site: Site, log: Path) -> Iterator[None]:
    """Run a worker with the settings of a site."""
    argv = [sys.executable, "manage.py", "work", "--grace", "2"]
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv,
            cwd=settings.BASE_DIR,
            env=dict(site.environment),
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(40)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the site answers; raises what it said when it doesn't come up."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"The site didn't start:\n{log.read_text(errors='replace')[-3000:]}")


def mailed_link(address: str, path: str) -> str:
    """The newest link to a path that was mailed to an address; waits for it."""
    end = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < end:
        for text in mails_to(address):
            if found := re.search(rf"https?://\S+{re.escape(path)}\S*", text):
                return found[0]
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"No mail to {address} has a link to {path}.")


def mails_to(address: str) -> list[str]:
    """What was mailed to an address, the newest first."""
    folder = Path(settings.BASE_DIR) / "var" / "mail"
    files = sorted(folder.glob("*.log"), key=lambda one: one.stat().st_mtime, reverse=True)
    texts = []
    for file in files:
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        body = mail.get_body(preferencelist=("plain",))
        if address in str(mail["To"]) and body is not None:
            texts.append(str(body.get_content()))
    return texts
