"""Logs are readable by people or machines, and never hold a secret or an e-mail address."""

import json
import logging
import re
import sys
from logging.config import dictConfig
from pathlib import Path

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from dubber.logs import (
    JsonLines,
    LogKind,
    Role,
    RotatingFile,
    TextLines,
    logging_settings,
    role_of,
)

OURS = "correct horse battery"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
LEAKS = [
    ("wrote to ana.b+c@example.org today", "ana"),
    ("mail for dev@localhost", "dev@"),
    ("Authorization: Bearer abcdef123456", "abcdef123456"),
    ("Authorization: Basic YW5hOnB3", "YW5hOnB3"),
    (f"token is {JWT}", "eyJ"),
    ("key sk_test_4eC39HqLyjWDarjtT1zdp7dc", "4eC39"),
    ("key sk-proj-abcdefgh12345678", "abcdefgh"),
    ("key dub_abcdefgh12345678", "abcdefgh"),
    ("webhook whsec_abcdefgh12345678", "abcdefgh"),
    ("intent pi_1_secret_xyz and client_secret=pi_1_secret_xyz", "client_secret=pi"),
    ('{"password": "hunter22", "plan": "free"}', "hunter22"),
    ("{'new_password': 'hunter22'}", "hunter22"),
    ("DUBBER_DEMO_PASSWORD=hunter22", "hunter22"),
    ("PUT /b/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature=0a1b2c", "0a1b2c"),
    ("found AKIAIOSFODNN7EXAMPLE", "AKIA"),
    ("Cookie: sessionid=8d7f8d7f8d7f", "8d7f"),
    ("connecting to postgresql://ana:hunter22@db/dubber", "hunter22"),
    ("GET /d/a1.3.s1gn4ture HTTP/1.1", "s1gn4ture"),
    ("GET /verify-email/WyIwYzM1:1xVAQB:wCXs-A9M HTTP/1.1", "1xVAQB"),
    ("POST /password-reset/WyIwYzM1:1xVAQB:wCXs-A9M HTTP/1.1", "wCXs"),
    ("POST /mail/off/IjBmMzQi:1xVAQB:wCXs-A9M HTTP/1.1", "wCXs"),
    (f"the value {OURS} as set", "horse"),
]


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("jobs", logging.INFO, __file__, 1, message, args, None)
    vars(made).update(extra)
    return made


@pytest.fixture(params=[TextLines, JsonLines])
def formatter(request: pytest.FixtureRequest) -> TextLines:
    made: TextLines = request.param([OURS, ""])
    return made


@pytest.mark.parametrize(("leak", "secret"), LEAKS)
def test_a_secret_in_a_message_is_hidden(formatter: TextLines, leak: str, secret: str) -> None:
    line = formatter.format(record("%s", leak))

    assert secret not in line
    assert "[hidden]" in line


@pytest.mark.parametrize(("leak", "secret"), LEAKS)
def test_a_secret_in_a_traceback_is_hidden(formatter: TextLines, leak: str, secret: str) -> None:
    made = record("failed")
    try:
        raise ValueError(leak)
    except ValueError:
        made.exc_info = sys.exc_info()

    text = formatter.format(made)

    assert "ValueError" in text
    assert secret not in text


@pytest.mark.parametrize(("leak", "secret"), LEAKS)
def test_a_secret_in_an_extra_field_is_hidden(formatter: TextLines, leak: str, secret: str) -> None:
    line = formatter.format(record("done", note=leak, nested={"deep": [leak]}))

    assert secret not in line


def test_a_field_with_a_secret_name_is_hidden_whatever_it_looks_like(formatter: TextLines) -> None:
    line = formatter.format(record("signed in", refresh_token="abc", api_key=12345))

    assert "abc" not in line
    assert "12345" not in line


def test_ordinary_words_are_left_alone(formatter: TextLines) -> None:
    message = "Step dub of job_a1B2c3D4e5F6 took 3.5 s at 14:05:11, 20 tokens, session 4 of 5"

    line = formatter.format(record(message, attempt=2))

    assert message in line


def test_a_json_line_holds_message_level_and_fields() -> None:
    line = JsonLines().format(record("step %s\nended", "dub", step=7, language=None))

    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["message"], entry["level"], entry["logger"]) == (
        "step dub\nended",
        "info",
        "jobs",
    )
    assert (entry["step"], entry["language"]) == (7, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", entry["time"])


def test_a_message_cannot_forge_a_second_line() -> None:
    line = TextLines().format(record("title %s", "a\n2026-01-01 ERROR forged"))

    assert "\n" not in line


@pytest.mark.parametrize(
    ("argv", "role"),
    [
        (["manage.py", "work"], Role.WORKER),
        (["./manage.py", "qcluster"], Role.WORKER),
        (["manage.py", "runserver", "8000"], Role.WEB),
        (["/srv/bin/gunicorn", "dubber.wsgi"], Role.WEB),
        (["manage.py", "dub", "talk.mp4"], Role.COMMAND),
        (["manage.py"], Role.COMMAND),
    ],
)
def test_the_command_line_tells_what_a_process_is(argv: list[str], role: Role) -> None:
    assert role_of(argv) is role


@pytest.mark.parametrize(("role", "stream"), [(Role.WEB, "stdout"), (Role.COMMAND, "stderr")])
def test_a_commands_output_is_free_of_logs(role: Role, stream: str) -> None:
    settings = logging_settings(LogKind.JSON, folder=Path("logs"), role=role, secrets=())

    assert settings["handlers"]["main"]["stream"] == f"ext://sys.{stream}"


def test_files_are_kept_apart_by_purpose(tmp_path: Path) -> None:
    settings = logging_settings(LogKind.FILES, folder=tmp_path, role=Role.WORKER, secrets=[OURS])
    names = ("jobs", "security", "audit")
    before = logging.root.handlers[:], logging.root.level
    try:
        dictConfig(settings)

        for name in names:
            logging.getLogger(name).error("%s wrote to ana@example.org: %s", name, OURS)
    finally:
        for handler in {*logging.root.handlers, *logging.getLogger("audit").handlers}:
            handler.close()
        for name in names:
            logging.getLogger(name).handlers.clear()
        logging.root.handlers, logging.root.level = before

    texts = {re.sub(r"_.*", "", file.stem): file.read_text() for file in tmp_path.glob("*.log")}
    assert set(texts) == {"worker", "error", "security", "audit"}
    assert [text.count("\n") for text in map(texts.get, ("worker", "audit")) if text] == [3, 1]
    assert not any("ana" in text or "horse" in text for text in texts.values())


def test_the_web_servers_own_lines_go_through_the_masks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = logging_settings(LogKind.TEXT, folder=Path("logs"), role=Role.WEB, secrets=())
    monkeypatch.setattr(logging.root, "handlers", [])
    config = Config()
    config.set("accesslog", "-")
    config.set("errorlog", "-")
    server = Logger(config)  # has handlers of its own, as it has before it loads our settings

    dictConfig(settings)
    server.access_log.info('"GET /password-reset/WyIwYzM1:1xVAQB:wCXs-A9M HTTP/1.1" 200')
    server.error("Ignoring connection of ana@example.org")

    written = capsys.readouterr()
    assert written.out.count("\n") == 2
    assert "INFO gunicorn.access" in written.out
    assert "wCXs" not in written.out + written.err
    assert "ana" not in written.out + written.err


def test_a_full_file_is_moved_away_and_the_oldest_are_removed(tmp_path: Path) -> None:
    handler = RotatingFile(tmp_path, "audit.log", largest=1, keep=3)

    for number in range(5):
        handler.emit(record(f"line {number}"))
    handler.close()

    lines = {file.name: file.read_text().strip() for file in tmp_path.glob("audit.log*")}
    assert lines == {"audit.log": "line 4", "audit.log.1": "line 3", "audit.log.2": "line 2"}


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    ours, theirs = (RotatingFile(tmp_path, "audit.log", largest=12) for _ in range(2))

    for number in range(3):
        ours.emit(record(f"ours {number}"))
        theirs.emit(record(f"theirs {number}"))
    ours.close()
    theirs.close()

    lines = [line for file in tmp_path.glob("audit.log*") for line in file.read_text().split("\n")]
    assert len([line for line in lines if line]) == 6
