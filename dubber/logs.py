"""How and where logs are written, and what never gets into them.

Every handler uses one of the two formatters here, and both mask secrets in all that they write,
tracebacks and extra fields included. So nothing depends on the care of whoever logs.
"""

import fcntl
import json
import logging
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

MASK = "[hidden]"
SHORTEST_SECRET = 6  # a shorter one would be found in ordinary words

SENSITIVE = (
    r"(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|signature|credential|sessionid"
    r"|authorization|cookie)[\w-]*"
)
SECRETS = (
    re.compile(r"(?i)(?P<before>\b(?:bearer|basic|token) )[\w.~+/=-]{6,}"),
    re.compile(rf"(?i)(?P<before>{SENSITIVE}['\"]?\s*[=:]\s*b?['\"]?)[^\s'\"&,;}}]+"),
    re.compile(r"(?P<before>://)[^/\s@]*@"),  # name and password inside an address
    re.compile(r"[\w.+%'-]{1,64}@[\w-]+(?:\.[\w-]+)*"),  # e-mail addresses
    re.compile(r"\b(?:sk|rk|pk|whsec|dub)_[\w-]{8,}"),  # Stripe's keys, our API keys
    re.compile(r"\bsk-[\w-]{8,}"),  # OpenAI's keys
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),  # JSON web tokens
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),  # Amazon's access keys
    re.compile(r"(?P<before>/(?:d|lines|uploads)/)[\w.-]+"),  # addresses that are permissions
    re.compile(r"(?P<before>/(?:verify-email|password-reset|mail/off)/)[\w:-]+"),  # of our mail
)
# What every record has: the rest of a record was given to the log call as `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogKind(StrEnum):
    """The values of DUBBER_LOG."""

    JSON = "json"
    TEXT = "text"
    FILES = "files"


class Role(StrEnum):
    """What this process is. A command's standard output belongs to its result, not to the log."""

    WEB = "app"
    WORKER = "worker"
    COMMAND = "command"


def role_of(argv: Sequence[str]) -> Role:
    """Tell from the command line what this process is."""
    if not argv or Path(argv[0]).name != "manage.py" or argv[1:2] == ["runserver"]:
        return Role.WEB
    return Role.WORKER if argv[1:2] in (["work"], ["qcluster"]) else Role.COMMAND


class TextLines(logging.Formatter):
    """Lines for people, without anything that looks like a secret or is one of `secrets`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        known = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)
        self.patterns = (*(re.compile(re.escape(secret)) for secret in known), *SECRETS)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record on one line, and its traceback below."""
        words = [record.levelname, f"{record.name}:", record.getMessage()]
        line = self.mask(" ".join(words)).replace("\r", "\\r").replace("\n", "\\n")
        fields = "".join(f" {name}={value!r}" for name, value in self.fields(record).items())
        return f"{time_of(record)} {line}{fields}{self.traceback(record, before=chr(10))}"

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """Return what was given as `extra`, masked by name and by look."""
        return {
            name: self.field(name, value)
            for name, value in vars(record).items()
            if name not in STANDARD and name != "request"
        }

    def field(self, name: str, value: object) -> object:
        """Return a value as it may be written under this name."""
        if re.search(SENSITIVE, name, re.IGNORECASE):
            return MASK
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.mask(str(value))

    def traceback(self, record: logging.LogRecord, before: str = "") -> str:
        """Return the masked traceback of a record, or nothing."""
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        if record.stack_info:
            parts.append(record.stack_info)
        return before + self.mask("\n".join(parts)) if parts else ""

    def mask(self, text: str) -> str:
        """Replace every secret and every e-mail address."""
        for pattern in self.patterns:
            text = pattern.sub(masked, text)
        return text


class JsonLines(TextLines):
    """One JSON object a line, for machines, with the same masks."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as JSON."""
        entry = {
            "time": time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.mask(record.getMessage()),
            **self.fields(record),
        }
        if traceback := self.traceback(record):
            entry["traceback"] = traceback
        return json.dumps(entry, ensure_ascii=False)


def masked(match: re.Match[str]) -> str:
    """Return what stands for a secret: what led to it, and the mask."""
    return (match.groupdict().get("before") or "") + MASK


def time_of(record: logging.LogRecord) -> str:
    """Return when a record was made, in UTC."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class RotatingFile(WatchedFileHandler):
    """A file that several processes write, with the day in its name where `name` has `%` fields.

    A full file is renamed to `.1`, `.2`, … under a lock; other processes notice and open the new
    one. Of all files of this name only the newest `keep` stay.
    """

    def __init__(
        self, folder: Path, name: str, *, largest: int = 20_000_000, keep: int = 14
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.pattern, self.largest, self.keep = folder, name, largest, keep
        super().__init__(self.current(), encoding="utf-8", delay=True)

    def current(self) -> Path:
        """Return the file that a line goes to now."""
        return (self.folder / datetime.now(UTC).strftime(self.pattern)).absolute()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, to a new file on a new day and when the old one is full."""
        self.baseFilename = str(self.current())
        if self.is_full():
            self.rotate()
        super().emit(record)

    def is_full(self) -> bool:
        """Say whether the file has reached its size."""
        try:
            return Path(self.baseFilename).stat().st_size >= self.largest
        except FileNotFoundError:
            return False

    def rotate(self) -> None:
        """Move full files one number up, unless another process has just done it."""
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.is_full():
                return
            current = Path(self.baseFilename)
            full = [current]
            while full[-1].exists():
                full.append(current.with_name(f"{current.name}.{len(full)}"))
            for newer, older in zip(reversed(full[:-1]), reversed(full[1:]), strict=True):
                newer.rename(older)

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        names = re.sub("%.", "*", self.pattern) + "*"
        files = sorted(self.folder.glob(names), key=lambda file: file.stat().st_mtime)
        for file in files[: -self.keep]:
            file.unlink(missing_ok=True)
        return stream


def logging_settings(
    kind: LogKind, *, folder: Path, role: Role, secrets: Iterable[str]
) -> dict[str, Any]:
    """Return Django's LOGGING."""
    formatter = JsonLines if kind is LogKind.JSON else TextLines
    settings: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"masked": {"()": formatter, "secrets": list(secrets)}},
        "handlers": {"main": stream(role)},
        "root": {"level": "WARNING" if role is Role.COMMAND else "INFO", "handlers": ["main"]},
        # Handlers of Django's own, and of the web server's, would write past the masks.
        "loggers": {
            "django": {"handlers": []},
            "django.server": {"handlers": [], "propagate": True},
            "gunicorn.access": {"handlers": [], "propagate": True},
            "gunicorn.error": {"handlers": [], "propagate": True},
            "django-q": {"level": "WARNING"},  # it tells of every ring of the bell
        },
    }
    if kind is LogKind.FILES:
        settings["handlers"] = {
            "main": file(folder, f"{role}_%Y-%m-%d.log"),
            "error": {**file(folder, "error_%Y-%m-%d.log"), "level": "ERROR"},
            "security": file(folder, "security.log"),
            "audit": file(folder, "audit.log"),
        }
        settings["root"]["handlers"] = ["main", "error"]
        settings["loggers"] |= {
            "django.security": {"handlers": ["security"]},
            "security": {"handlers": ["security"]},
            "audit": {"handlers": ["audit"], "level": "INFO"},
        }
    return settings


def stream(role: Role) -> dict[str, Any]:
    """Describe a handler that writes to standard output, for a command to standard error."""
    name = "stderr" if role is Role.COMMAND else "stdout"
    return {"class": "logging.StreamHandler", "stream": f"ext://sys.{name}", "formatter": "masked"}


def file(folder: Path, name: str) -> dict[str, Any]:
    """Describe a handler that writes one of the log files."""
    return {"()": RotatingFile, "folder": folder, "name": name, "formatter": "masked"}
