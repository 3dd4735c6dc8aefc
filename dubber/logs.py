"""How and where logs are written, and what never gets into them.

Every handler uses one of the two formatters here, and both mask secrets in what they have written, tracebacks
and extra fields included. So nothing depends on the care of whoever logs.
"""

import fcntl
import json
import logging
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

MASK = "[hidden]"
SHORTEST_SECRET = 6  # masking every "a" would hide the log itself

SECRET_NAME = re.compile(
    r"(?i)pass(word|wd|phrase)|secret|token|api_?key|authorization|cookie|signature|credential|session"
)
SECRETS = (
    re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*"),  # e-mail addresses; passwords before @host
    re.compile(r"\b(?:sk|rk|pk|whsec|dub)_[\w-]{8,}"),  # Stripe's keys, our API keys
    re.compile(r"\b\w+_secret_\w+"),  # Stripe's client secrets
    re.compile(r"\bsk-[\w-]{8,}"),  # OpenAI's keys
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),  # JSON web tokens
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),  # Amazon's access keys
    re.compile(r"(?i)(?<=\bbearer )[^\s'\",]+|(?<=\bbasic )[^\s'\",]+|(?<=\btoken )[\w.-]{16,}"),
    re.compile(
        r"(?i)(?<=password=)[^\s&'\"]+|(?<=secret=)[^\s&'\"]+|(?<=token=)[^\s&'\"]+|(?<=key=)[^\s&'\"]+"
        r"|(?<=signature=)[^\s&'\"]+|(?<=credential=)[^\s&'\"]+|(?<=sessionid=)[^\s&'\";]+"
    ),
    re.compile(r"(?i)(?<=password['\"]: ['\"])[^'\"]+|(?<=secret['\"]: ['\"])[^'\"]+"),
    re.compile(r"(?i)(?<=token['\"]: ['\"])[^'\"]+|(?<=key['\"]: ['\"])[^'\"]+"),
    re.compile(r"(?<=/d/)[\w.-]+"),  # download links
)
# What every record has: the rest of a record was given to the log call as `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogKind(StrEnum):
    """The values of DUBBER_LOG."""

    JSON = "json"
    TEXT = "text"
    FILES = "files"


class Masking(logging.Formatter):
    """Text lines without secrets, nor any of the given values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self.converter = time.gmtime
        known = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)
        self.patterns = (*(re.compile(re.escape(secret)) for secret in known), *SECRETS)

    def mask(self, text: str) -> str:
        """Replace whatever looks like a secret or a person's address."""
        for pattern in self.patterns:
            text = pattern.sub(MASK, text)
        return text

    def format(self, record: logging.LogRecord) -> str:
        """Write the record, with its extra fields at the end, on one line and its traceback below."""
        head, *traceback = super().format(record).split("\n", 1)
        fields = [f"{name}={value}" for name, value in self.extra(record).items()]
        return "\n".join([" ".join([self.mask(head), *fields]), *map(self.mask, traceback)])

    def extra(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what was given as `extra`, masked by name and by look; numbers stay numbers."""
        return {
            name: self.masked(name, value)
            for name, value in vars(record).items()
            if name not in STANDARD and not name.startswith("_")
        }

    def masked(self, name: str, value: object) -> object:
        """Return the value as it may be written under this name."""
        if SECRET_NAME.search(name):
            return MASK
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.mask(str(value))


class JsonLines(Masking):
    """One JSON object a line, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record as JSON."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.mask(record.getMessage()),
            **self.extra(record),
        }
        if record.exc_info:
            entry["traceback"] = self.mask(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)


class RotatingFile(WatchedFileHandler):
    """A file that several processes write, named by day where its name has `%` fields.

    A full file is renamed to `.1`, `.2`, … under a lock; the other processes notice and open the new one.
    Only the newest `keep` files are kept.
    """

    def __init__(
        self, folder: Path, name: str, *, largest: int = 20_000_000, keep: int = 14
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name_pattern, self.largest, self.keep = folder, name, largest, keep
        super().__init__(self.path_of_today(), encoding="utf-8", delay=True)

    def path_of_today(self) -> Path:
        """Return where a line is to be written now."""
        return self.folder / datetime.now(UTC).strftime(self.name_pattern)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, into a new file on a new day and when the old one is full."""
        self.baseFilename = str(self.path_of_today().absolute())
        if self.is_full():
            self.rotate()
        super().emit(record)

    def is_full(self) -> bool:
        """Has the file reached its size?"""
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
            number = 1
            while current.with_name(f"{current.name}.{number}").exists():
                number += 1
            for older in range(number, 1, -1):
                source = current.with_name(f"{current.name}.{older - 1}")
                source.rename(current.with_name(f"{current.name}.{older}"))
            current.rename(current.with_name(f"{current.name}.1"))
            self.remove_oldest()

    def remove_oldest(self) -> None:
        """Delete all but the newest files of this name."""
        pattern = re.sub("%.", "*", self.name_pattern) + "*"
        files = sorted(self.folder.glob(pattern), key=lambda file: file.stat().st_mtime)
        for file in files[: -self.keep]:
            file.unlink(missing_ok=True)


def logging_settings(
    kind: LogKind, *, folder: Path, worker: bool, secrets: Iterable[str]
) -> dict[str, Any]:
    """Return Django's LOGGING. With files, web and worker write apart, and errors once more together."""
    formatter = JsonLines if kind is LogKind.JSON else Masking
    settings: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"masked": {"()": formatter, "secrets": list(secrets)}},
        "handlers": {
            "main": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "masked",
            }
        },
        "root": {"level": "INFO", "handlers": ["main"]},
        # Django's own handlers would bypass the masks.
        "loggers": {"django": {"handlers": [], "level": "INFO"}, "django.server": {"handlers": []}},
    }
    if kind is LogKind.FILES:
        settings["handlers"] = {
            "main": file_handler(folder, f"{'worker' if worker else 'app'}_%Y-%m-%d.log"),
            "error": {**file_handler(folder, "error_%Y-%m-%d.log"), "level": "ERROR"},
            "security": file_handler(folder, "security.log"),
            "audit": file_handler(folder, "audit.log"),
        }
        settings["root"]["handlers"] = ["main", "error"]
        settings["loggers"] |= {
            "django.security": {"handlers": ["security"]},
            "security": {"handlers": ["security"]},
            "audit": {"handlers": ["audit"]},
        }
    return settings


def file_handler(folder: Path, name: str) -> dict[str, Any]:
    """Describe one log file."""
    return {"()": "dubber.logs.RotatingFile", "folder": folder, "name": name, "formatter": "masked"}
