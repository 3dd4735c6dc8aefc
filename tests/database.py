"""Databases for tests: copies of a template that real migrations made once.

The templates lie in `var/tests`, named by a hash of everything that shapes them.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psycopg

from tests.postgres import TEMPLATE, Cluster

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "var" / "tests"
LIBRARIES = ("django", "dj-stripe", "django-q2")


def fingerprint() -> str:
    """Return a hash of all migrations and of what applies them."""
    digest = hashlib.sha256()
    for library in LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    sources = [
        *ROOT.glob("*/migrations/*.py"),
        ROOT / "dubber/management/commands/setup_database.py",
    ]
    for source in sorted(sources):
        digest.update(str(source.relative_to(ROOT)).encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def sqlite_template() -> Path:
    """Return an SQLite file with all tables and no rows of ours."""
    template = CACHE / f"{fingerprint()}.sqlite3"
    with alone():
        if not template.exists():
            partial = template.with_suffix(".partial")
            for leftover in CACHE.glob(f"{partial.name}*"):
                leftover.unlink()
            migrate(f"sqlite:///{partial}")
            partial.rename(template)
    return template


def postgres_cluster() -> Cluster:
    """Start a cluster that holds the template database."""
    archive = CACHE / f"{fingerprint()}.postgres.tar"
    with alone():
        if not archive.exists():
            cluster = Cluster()
            try:
                with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {TEMPLATE}")
                migrate(cluster.url(TEMPLATE))
                cluster.archive(archive)
            finally:
                cluster.stop()
    return Cluster(archive)


def migrate(url: str) -> None:
    """Run `manage.py setup_database` on a database."""
    subprocess.run(
        [sys.executable, "manage.py", "setup_database", "-v0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        check=True,
    )


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time make templates."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        forget_old_ones()
        yield


def forget_old_ones() -> None:
    """Remove templates that nobody has used for a week."""
    for template in CACHE.glob("*.*"):
        if template.stat().st_atime < time.time() - 7 * 24 * 3600:
            template.unlink()


def copy_sqlite(folder: Path) -> str:
    """Copy the SQLite template into `folder`; return its DATABASE_URL."""
    copy = folder / "test.sqlite3"
    shutil.copyfile(sqlite_template(), copy)
    return f"sqlite:///{copy}"
