"""Settings come from the environment, refuse what is dangerous and pass the deployment check."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dubber import settings as loaded
from dubber.env import WrongSetting

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = {
    "SECRET_KEY": "long and random " * 4,
    "DUBBER_ENV_FILE": os.devnull,
    "DUBBER_SITE_URL": "https://dubber.example",
    "DUBBER_BIND": "0.0.0.0:8000",
    "DATABASE_URL": "postgresql://dubber:pw@db/dubber",
    "DUBBER_STORAGE": "s3",
}


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project with these variables only."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=only(variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def only(variables: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DUBBER_ENV_FILE": os.devnull, **variables}


def settings(**variables: str) -> dict[str, Any]:
    """Return all settings as they are with these variables only."""
    with mock.patch.dict(os.environ, only(variables), clear=True):
        return runpy.run_path(loaded.__file__)


def test_production_passes_the_deployment_check() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_start_without_secret_key_says_what_to_do() -> None:
    done = run("manage.py", "check")

    assert done.returncode == 1
    assert done.stderr.startswith("SECRET_KEY is missing: run make setup")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("variable", ["DEBUG", "DUBBER_DEV_TOKEN"])
def test_development_switches_are_refused_on_an_open_address(variable: str) -> None:
    with pytest.raises(WrongSetting, match="are for this machine only"):
        settings(**{**PRODUCTION, variable: "true"})


def test_the_development_server_is_refused_on_an_open_address() -> None:
    variables = {"SECRET_KEY": "x" * 50, "DEBUG": "true"}

    done = run("manage.py", "runserver", "0.0.0.0:0", "--noreload", **variables)

    assert done.returncode == 1
    assert "are for this machine only" in done.stderr


def test_openai_itself_is_not_asked_like_a_server_of_ones_own() -> None:
    chat = {**PRODUCTION, "DUBBER_TRANSLATION_API": "chat"}

    with pytest.raises(WrongSetting, match="needs OPENAI_BASE_URL"):
        settings(**chat)

    found = settings(**chat, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert found["TRANSLATION_API"] == "chat"


def test_hosts_and_origins_come_from_the_site_url() -> None:
    found = settings(**PRODUCTION)

    assert found["ALLOWED_HOSTS"] == ["dubber.example"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://dubber.example"]
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["DEBUG"] is False


def test_every_purpose_has_a_key_of_its_own() -> None:
    names = ("SECRET_KEY", "QUEUE_KEY", "TOKEN_KEY", "LINK_KEY", "PERSON_KEY")

    found = settings(**PRODUCTION)

    assert len({found[name] for name in names}) == len(names)


def test_a_key_that_is_set_outlives_a_new_secret_key() -> None:
    variables = {**PRODUCTION, "SECRET_KEY": "new-" * 16, "DUBBER_QUEUE_KEY": "queue-" * 8}

    found = settings(**variables)

    assert found["QUEUE_KEY"] == "queue-" * 8


def test_the_site_does_not_start_without_its_database(tmp_path: Path) -> None:
    variables = {**PRODUCTION, "DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/x.sqlite3"}

    done = run("-c", "import dubber.wsgi", **variables)

    assert done.returncode == 3
    assert done.stderr.startswith("The database doesn't answer: check DATABASE_URL")
    assert done.stderr.count("\n") == 1


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    variables = {**PRODUCTION, "DATABASE_URL": f"postgresql:///dubber?host={tmp_path}"}

    done = run("manage.py", "setup_database", **variables)

    assert done.returncode == 1
    assert "The database doesn't answer: check DATABASE_URL" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_site_does_not_start_without_its_tables(tmp_path: Path) -> None:
    variables = {**PRODUCTION, "DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3"}

    done = run("-c", "import dubber.wsgi", **variables)

    assert done.returncode == 3
    assert "run python manage.py setup_database." in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_example_lists_every_variable() -> None:
    done = run("-m", "dubber.env")

    assert done.returncode == 0
    assert done.stdout == (ROOT / ".env.example").read_text()


@pytest.mark.parametrize(
    ("variables", "origins"),
    [
        ({}, ""),
        (
            {"DUBBER_STORAGE": "s3", "AWS_S3_ENDPOINT_URL": "https://x.storage.example/v1/s3"},
            " https://x.storage.example",
        ),
        (
            {"DUBBER_STORAGE": "s3", "AWS_S3_REGION_NAME": "eu-west-1"},
            " https://yt-dubber-uploads.s3.amazonaws.com"
            " https://yt-dubber-uploads.s3.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_pages_may_send_files_to_the_storage_and_play_them_from_there(
    variables: dict[str, str], origins: str
) -> None:
    found = settings(**{**PRODUCTION, "DUBBER_STORAGE": "files", **variables})

    policy = found["SECURITY_HEADERS"]["Content-Security-Policy"]
    directives = policy.split("; ")
    assert f"connect-src 'self'{origins}" in directives
    assert f"media-src 'self' blob:{origins}" in directives
