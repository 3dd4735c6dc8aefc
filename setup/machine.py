"""What the machine itself must have: Python, disk space and a few programs of the distribution."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from setup.commands import Commands, say
from setup.failure import SetupFailed

OLDEST, NEWEST = (3, 11), (3, 14)  # what Django 5.2 and every pinned wheel have in common
SPACE = 1_200_000_000  # bytes that the packages and what they pull in take, at most


@dataclass(frozen=True, slots=True)
class Program:
    """Something from the distribution: its Debian package, and whether it is here."""

    package: str
    here: Callable[[], bool]


def _on_path(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _translations() -> list[str]:
    """What the Apertium of this machine translates, as "eng-spa"."""
    if shutil.which("apertium") is None:
        return []
    listed = subprocess.run(["apertium", "-l"], capture_output=True, text=True, check=False)
    return listed.stdout.split()


def _debian_has_postgresql() -> bool:
    """Debian keeps PostgreSQL's own programs out of the path, one folder a version."""
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


VENV = Program("python3-venv", lambda: find_spec("ensurepip") is not None)
NEEDED: tuple[Program, ...] = (
    Program("ffmpeg", lambda: _on_path("ffmpeg")() and _on_path("ffprobe")()),
    Program("apertium", _on_path("apertium")),
    Program("apertium-eng-spa", lambda: "eng-spa" in _translations()),
)
FOR_TESTS: tuple[Program, ...] = (
    Program("postgresql", lambda: _on_path("initdb")() or _debian_has_postgresql()),
    Program("gettext", _on_path("xgettext")),
    Program("chromium", _on_path("chromium")),
)
FOR_FULL_SET: tuple[Program, ...] = (Program("npm", _on_path("npm")),)


def require_python(version: tuple[int, int] = (sys.version_info[0], sys.version_info[1])) -> None:
    """Raise SetupFailed unless this Python is one that every pinned package supports."""
    if not OLDEST <= version <= NEWEST:
        raise SetupFailed(
            f"Dubber needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} and this is "
            f"{version[0]}.{version[1]}: install one of those and name it, as in "
            "“make setup PYTHON=python3.11”."
        )


def require_space(folder: Path, needed: int) -> None:
    """Raise SetupFailed unless the disk of `folder` has `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupFailed(
            f"Set-up needs {needed / 1e9:.1f} GB of disk space and {folder} has only "
            f"{free / 1e9:.1f} GB: free some, then run the same again."
        )


def missing(programs: Sequence[Program]) -> list[str]:
    """The Debian packages of those programs that aren't here."""
    return [program.package for program in programs if not program.here()]


def require_installer(packages: Sequence[str]) -> None:
    """Raise SetupFailed unless we can install Debian packages, saying how to do it by hand."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise SetupFailed(
            f"This machine has no apt, so set-up can't install what is missing: install {names} "
            "(or what your system calls them) by hand, then run the same again."
        )
    if os.geteuid() != 0 and shutil.which("sudo") is None:
        raise SetupFailed(
            f"Installing {names} needs root and there is no sudo: run "
            f"“apt-get install -y {names}” as root once, then run the same again."
        )


def ask_for_root() -> None:
    """Let sudo ask for its password now, while nothing else is talking. Does nothing for root."""
    if os.geteuid() != 0 and sys.stdin.isatty():
        subprocess.run(["sudo", "-v"], check=False)


def install(packages: Sequence[str], commands: Commands) -> None:
    """Install Debian packages, finishing first what an interrupted installation left.

    Raises SetupFailed.
    """
    names = " ".join(packages)
    say(f"Installing {names} …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    root = [] if os.geteuid() == 0 else ["sudo", "-n", "DEBIAN_FRONTEND=noninteractive"]
    apt = [*root, "apt-get", "-y", "-o", "DPkg::Lock::Timeout=300"]
    for argv in (
        [*root, "dpkg", "--configure", "-a"],
        [*apt, "update"],
        [*apt, "install", "--no-install-recommends", *packages],
    ):
        commands.run(
            f"Installing {names}", *argv, log="apt.log", environment=environment, may_stop=False
        )
