"""Typed readers of environment variables.

Every variable is declared where `dubber/settings.py` reads it, once, with its default and its help,
so that `python -m dubber.env` can print a complete `.env.example`. A name without prefix is read as
`DUBBER_NAME` or as `NAME`; a name with the prefix only as it stands. An empty value counts as none.
Real variables win over `.env`.
"""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import wrap
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PREFIX = "DUBBER_"
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class WrongSetting(Exception):
    """A setting that stops the start. The message is one sentence saying what to put right."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared variable: what `.env.example` says about it."""

    name: str
    default: str
    help: str


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over; an empty host when there is none."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    tls: bool = False

    @property
    def starttls(self) -> bool:
        """Say whether the connection is made safe once it stands: a password asks for that."""
        return bool(self.password) and not self.tls


class Environment:
    """The variables that settings may read, and a record of those that they did read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.declared: dict[str, Variable] = {}

    @classmethod
    def load(cls, file: Path) -> "Environment":
        """Read the process's variables over those of `file`, which need not be there."""
        return cls({**read_file(file), **os.environ})

    def text(self, name: str, default: str = "", *, help: str) -> str:
        """Return the value as it stands. Every other reader starts here."""
        if name in self.declared:
            raise ValueError(f"{name} is declared twice")
        self.declared[name] = Variable(name, default, help)
        bare = self.values.get(name, "").strip()
        if name.startswith(PREFIX):
            return bare or default
        prefixed = self.values.get(PREFIX + name, "").strip()
        if bare and prefixed and bare != prefixed:
            raise WrongSetting(f"{PREFIX}{name} and {name} differ: remove one of them.")
        return prefixed or bare or default

    def required(self, name: str, *, help: str, remedy: str) -> str:
        """Return a value that has no default."""
        value = self.text(name, help=help)
        if not value:
            raise WrongSetting(f"{name} is missing: {remedy}.")
        return value

    def flag(self, name: str, default: bool = False, *, help: str) -> bool:
        """Return a yes or no."""
        value = self.text(name, "true" if default else "false", help=help).lower()
        if value not in TRUE | FALSE:
            raise WrongSetting(f"{name} must be true or false, not {value!r}.")
        return value in TRUE

    def integer(self, name: str, default: int, *, least: int = 0, help: str) -> int:
        """Return a whole number that is at least `least`."""
        value = self.text(name, str(default), help=help)
        try:
            number = int(value)
        except ValueError as error:
            raise WrongSetting(f"{name} must be a whole number, not {value!r}.") from error
        if number < least:
            raise WrongSetting(f"{name} must be at least {least}, not {number}.")
        return number

    def seconds(self, name: str, default: float, *, help: str) -> float:
        """Return a time span in seconds, more than none."""
        value = self.text(name, f"{default:g}", help=help)
        try:
            number = float(value)
        except ValueError as error:
            raise WrongSetting(f"{name} must be a number of seconds, not {value!r}.") from error
        if not 0 < number < float("inf"):
            raise WrongSetting(f"{name} must be more than 0 seconds, not {value!r}.")
        return number

    def choice(self, name: str, default: str, choices: Sequence[str], *, help: str) -> str:
        """Return one of `choices`."""
        value = self.text(name, default, help=f"{help} One of {', '.join(choices)}.")
        if value not in choices:
            raise WrongSetting(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def list(self, name: str, default: str = "", *, help: str) -> list[str]:
        """Return the parts between commas, without empty ones."""
        value = self.text(name, default, help=f"{help} Separated by commas.")
        return [part.strip() for part in value.split(",") if part.strip()]

    def pairs(
        self, name: str, *, keys: Collection[str], choices: Sequence[str], help: str
    ) -> dict[str, str]:
        """Return the parts key=value between commas, each one of `keys` and one of `choices`."""
        found = {}
        for part in self.list(name, help=f"{help} Values: {', '.join(choices)}."):
            key, _, value = (side.strip() for side in part.partition("="))
            if key not in keys or value not in choices:
                raise WrongSetting(
                    f"{name} must be pairs of one of {', '.join(keys)} and one of "
                    f"{', '.join(choices)}, like {next(iter(keys))}={choices[0]}, not {part!r}."
                )
            found[key] = value
        return found

    def prices(
        self, name: str, *, choices: Sequence[str], help: str
    ) -> dict[str, tuple[float, date]]:
        """Return the parts key=dollars@day between commas, each key one of `choices`."""
        found = {}
        for part in self.list(name, help=f"{help} Names: {', '.join(choices)}."):
            key, _, value = (side.strip() for side in part.partition("="))
            dollars, _, day = value.partition("@")
            try:
                known = key in choices and 0 <= float(dollars) < float("inf")
                found[key] = float(dollars), date.fromisoformat(day)
            except ValueError:
                known = False
            if not known:
                raise WrongSetting(
                    f"{name} must be like {choices[0]}=0.5@2026-11-20, with a name out of "
                    f"{', '.join(choices)}, not {part!r}."
                )
        return found

    def counts(self, name: str, *, choices: Sequence[str], help: str) -> dict[str, int]:
        """Return the parts key=number between commas, each key one of `choices`, from 1 up."""
        found = {}
        for part in self.list(name, help=f"{help} Names: {', '.join(choices)}."):
            key, _, value = (side.strip() for side in part.partition("="))
            if key not in choices or not value.isdecimal() or int(value) < 1:
                raise WrongSetting(
                    f"{name} must be like {choices[0]}=15, with a name out of "
                    f"{', '.join(choices)} and a number from 1 up, not {part!r}."
                )
            found[key] = int(value)
        return found

    def url(self, name: str, default: str = "", *, help: str) -> str:
        """Return an http or https address without its trailing slash, or an empty text."""
        value = self.text(name, default, help=help)
        if value and not is_web_address(value):
            raise WrongSetting(f"{name} must be an http:// or https:// address, not {value!r}.")
        return value.rstrip("/")

    def path(self, name: str, default: str, *, base: Path, help: str) -> Path:
        """Return an absolute path; a relative one starts at `base`."""
        return base / Path(self.text(name, default, help=help)).expanduser()

    def address(self, name: str, default: str, *, help: str) -> tuple[str, int]:
        """Return the host and port to listen on."""
        value = self.text(name, default, help=help)
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise WrongSetting(
                f"{name} must be an address and a port like {default}, not {value!r}."
            )
        return host.strip("[]"), int(port)

    def database(self, name: str, default: str, *, base: Path, help: str) -> dict[str, Any]:
        """Return Django's description of a database given as sqlite:/// or postgresql:// URL."""
        value = self.text(name, default, help=help)
        try:
            return database_from_url(value, base)
        except ValueError as error:  # the value may hold a password: never repeat it
            raise WrongSetting(
                f"{name} must be sqlite:///file or postgresql://user:password@host:port/name."
            ) from error

    def mail_server(self, name: str, *, help: str) -> MailServer:
        """Return the mail server given as smtp:// or smtps:// URL."""
        value = self.text(name, help=help)
        if not value:
            return MailServer()
        try:
            return mail_server_from_url(value)
        except ValueError as error:  # the value may hold a password: never repeat it
            raise WrongSetting(
                f"{name} must be smtp://user:password@host:587 or smtps://user:password@host:465."
            ) from error

    def example(self) -> str:
        """Write every declared variable as a commented-out line under its help."""
        blocks = []
        for variable in self.declared.values():
            lines = [f"# {line}" for line in wrap(variable.help, 96)]
            blocks.append("\n".join([*lines, f"#{variable.name}={variable.default}"]))
        return "\n\n".join(blocks) + "\n"


def read_file(file: Path) -> dict[str, str]:
    """Read NAME=value lines; # starts a comment line, quotes around a value are dropped."""
    if not file.is_file():
        return {}
    values = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise WrongSetting(f"Line {number} of {file.name} must read NAME=value.")
        values[name.strip()] = unquoted(value.strip())
    return values


def unquoted(value: str) -> str:
    """Return the value without the pair of quotes around it."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def is_web_address(value: str) -> bool:
    """Say whether this is an http or https address of some host."""
    try:
        parts = urlsplit(value)
        is_somewhere = bool(parts.hostname) and parts.port != 0  # a port too large raises
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and is_somewhere and len(value.split()) == 1


def database_from_url(value: str, base: Path) -> dict[str, Any]:
    """Turn a URL into an entry of Django's DATABASES. Raises ValueError."""
    parts = urlsplit(value)
    name = unquote(parts.path.removeprefix("/"))
    options = dict(parse_qsl(parts.query))
    if not name:
        raise ValueError("no database name")
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": base / name,
            # One writer at a time, waiting for its turn instead of failing (Django's SQLite notes).
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("unknown kind of database")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or options.pop("user", "")),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or options.pop("host", ""),
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def mail_server_from_url(value: str) -> MailServer:
    """Turn a URL into a mail server. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("no mail server")
    return MailServer(
        host=parts.hostname,
        port=parts.port or (465 if parts.scheme == "smtps" else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=parts.scheme == "smtps",
    )


def main() -> None:
    """Print `.env.example` on standard output, whatever this machine's own settings are."""
    os.environ.clear()
    os.environ.update({"SECRET_KEY": "x" * 50, "DUBBER_ENV_FILE": os.devnull})
    from dubber import settings  # noqa: PLC0415 (only now are the variables as they should be)

    sys.stdout.write(settings.env.example())


if __name__ == "__main__":
    main()
