"""A throw-away PostgreSQL cluster on a Unix socket in a temporary folder.

As root it runs as the user `postgres`, since PostgreSQL refuses root. It ends with its parent.
"""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import psycopg

OWNER = "postgres"
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB")
TEMPLATE = "dubber_template"


class Cluster:
    """One running server; `folder` holds its files and its socket."""

    def __init__(self, archive: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dubber-postgres-"))
        if archive:
            with tarfile.open(archive) as tar:
                tar.extractall(self.folder, filter="tar")  # which keeps the folder's 0700
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{OWNER}:", self.folder], check=True)
        if not archive:
            self.create()
        self.process = self.start()

    @property
    def files(self) -> Path:
        """Return where the server keeps its data."""
        return self.folder / "data"

    def create(self) -> None:
        """Make an empty cluster."""
        options = [
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--wal-segsize=4",
        ]
        subprocess.run(
            [*as_owner(), program("initdb"), *options, "-D", self.files],
            check=True,
            capture_output=True,
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers."""
        options = [*FAST, "listen_addresses=", f"unix_socket_directories={self.folder}"]
        process = subprocess.Popen(
            [
                *as_owner(),
                program("postgres"),
                *("-D", str(self.files)),
                *(word for option in options for word in ("-c", option)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return process

    def stop(self) -> None:
        """End the server and remove its files."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        """End the server in good order."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of one database."""
        return f"postgresql:///{database}?host={self.folder}&user={OWNER}"

    def archive(self, target: Path) -> None:
        """End the server and write its files to `target`, whole or not at all."""
        self.end()
        partial = target.with_suffix(f".{os.getpid()}")
        with tarfile.open(partial, "w") as tar:
            tar.add(self.files, arcname="data")
        partial.rename(target)


def copy_template(server: str, database: str) -> str:
    """Create a database with all tables from the template; return its DATABASE_URL.

    `server` is the URL of the cluster's own database.
    """
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{database}"')
        connection.execute(f'CREATE DATABASE "{database}" TEMPLATE {TEMPLATE}')
    return server.replace("///postgres?", f"///{database}?")


def as_owner() -> list[str]:
    """Return the words before a command that make it end with us, and run as the owner."""
    words = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() == 0:
        words += [f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups"]
    return words


def program(name: str) -> str:
    """Find a program of PostgreSQL, the newest if there are several."""
    found = shutil.which(name)
    if found:
        return found
    paths = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not paths:
        raise FileNotFoundError("PostgreSQL isn't installed: apt-get install postgresql")
    return str(paths[-1])
