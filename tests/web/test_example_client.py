"""The example clients of docs/ really dub."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from billing.services import prepare_demo_account
from jobs import claims, services, steps
from jobs import ordering as orders
from tests import make
from tests.engines import Hearing, engines
from tests.jobs.test_steps import HEARD, recording

pytestmark = [pytest.mark.ffmpeg, pytest.mark.django_db(transaction=True)]
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"


def ended(process: subprocess.Popen[str]) -> bool:
    """Give a process a moment, and say whether it has ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.2)
    return process.returncode is not None


@pytest.mark.parametrize("program", [[sys.executable, "dub.py"], ["sh", "dub.sh"]])
def test_an_example_uploads_orders_waits_and_downloads(
    program: list[str],
    live_server: LiveServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    made = engines(hearing=Hearing(HEARD))
    for service in (orders.order_job, services.create_job):
        defaults: Any = service.__kwdefaults__
        monkeypatch.setitem(defaults, "engines", lambda: made)
    settings.SITE_URL = live_server.url
    settings.DEBUG = settings.DEV_TOKEN = True
    prepare_demo_account(make.user(settings.DEMO_EMAIL))
    talk = tmp_path / "talk.wav"
    talk.write_bytes(recording().read())
    environment = {**os.environ, "DUBBER_URL": live_server.url, "DUBBER_TOKEN": "dev-token"}

    command = [program[0], str(EXAMPLES / program[1]), str(talk), "es"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as client:
        while not ended(client):
            if claim := claims.claim():
                steps.run(claim, engines=lambda: made)
        said = client.stdout.read() if client.stdout else ""

    assert client.returncode == 0, said
    assert (tmp_path / "talk.es.mp3").stat().st_size > 10_000
