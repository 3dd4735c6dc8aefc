"""The settings file, the database and the demo user of this machine."""

import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dubber.env import TRUE, WrongSetting, read_file
from setup.commands import Commands, say
from setup.environment import Environment
from setup.failure import SetupFailed

SETTINGS_FILE = """\
# Written once by “make setup”, for this machine only; it is never written again.
# Whoever reads this file can sign in here. Every variable is explained in .env.example.
SECRET_KEY={secret}
DUBBER_QUEUE_KEY={queue}
DUBBER_TOKEN_KEY={token}
DUBBER_LINK_KEY={link}
DUBBER_DEMO_PASSWORD={password}
DEBUG=true
DUBBER_DEV_TOKEN=true
DUBBER_BIND=127.0.0.1:8000
DUBBER_HEAR_AGAIN=local
"""
SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Site:
    """What makes a clone a site of its own."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """Where its settings are."""
        return self.root / (os.environ.get("DUBBER_ENV_FILE") or ".env")

    def settings(self) -> Mapping[str, str]:
        """Return the variables of the process over those of the file. Raises SetupFailed."""
        try:
            return {**read_file(self.settings_file), **os.environ}
        except WrongSetting as wrong:
            raise SetupFailed(str(wrong)) from wrong

    @property
    def models(self) -> Path:
        """The folder of the offline models."""
        return self.root / (self.settings().get("DUBBER_MODELS") or "var/models")

    def write_settings(self) -> None:
        """Write the settings file with new random keys, readable by this user only."""
        say(f"Writing {self.settings_file.name} with new random keys …")
        text = SETTINGS_FILE.format(
            secret=secrets.token_urlsafe(48),
            queue=secrets.token_urlsafe(48),
            token=secrets.token_urlsafe(48),
            link=secrets.token_urlsafe(48),
            password=secrets.token_urlsafe(12),
        )
        part = self.settings_file.with_name(f"{self.settings_file.name}.part")
        part.unlink(missing_ok=True)
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as stream:
            stream.write(text)
        part.rename(self.settings_file)

    def has_database(self, environment: Environment) -> bool:
        """Tell whether the database was made ready for this code and is still there."""
        try:
            noted = json.loads(self._stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return bool(noted == self._state(environment))

    def make_database(self, environment: Environment, commands: Commands) -> None:
        """Bring the database up to this code, and the demo user into it. Raises SetupFailed."""
        say("Making the database …")
        # In production people sign up; only a development site has somebody who is known to all.
        steps = ["setup_database", *(["setup_demo_user"] if self._in_development() else [])]
        for command in steps:
            argv = (environment.python, "manage.py", command)
            commands.run("Making the database", *argv, log="database.log")
        self._stamp.parent.mkdir(parents=True, exist_ok=True)
        self._stamp.write_text(json.dumps(self._state(environment)), encoding="utf-8")

    @property
    def _stamp(self) -> Path:
        return self.root / "var" / "setup" / "database.json"

    def _state(self, environment: Environment) -> list[str | int]:
        """What the code asks of the database, and what the database says that it has."""
        url = self.settings().get("DUBBER_DATABASE_URL") or self.settings().get("DATABASE_URL")
        migrations = sorted(str(path.relative_to(self.root)) for path in self._migrations())
        asked = [url or "", *migrations, environment.fingerprint("requirements.txt")]
        return [hashlib.sha256("\n".join(asked).encode()).hexdigest(), self._applied(url or "")]

    def _in_development(self) -> bool:
        settings = self.settings()
        return (settings.get("DUBBER_DEBUG") or settings.get("DEBUG", "")).lower() in TRUE

    def _migrations(self) -> list[Path]:
        return [
            path
            for app in ("accounts", "billing", "jobs")
            for path in (self.root / app / "migrations").glob("0*.py")
        ]

    def _applied(self, url: str) -> int:
        """How many migrations a SQLite database has; 0 if it isn't there, -1 for other kinds."""
        if url and not url.startswith(SQLITE):
            return -1
        path = self.root / (url.removeprefix(SQLITE) or "var/dubber.sqlite3")
        try:
            database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            with database:
                (count,) = database.execute("SELECT count(*) FROM django_migrations").fetchone()
            database.close()
        except sqlite3.Error:
            return 0
        return int(count)
