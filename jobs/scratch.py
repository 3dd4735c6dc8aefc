"""Working space on this machine's disk: a directory per step, and a cache that may vanish."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files import File

from jobs import objects
from jobs.pipeline.errors import PipelineError

BLOCK = 1024 * 1024
RESERVE = 1_000_000_000
"""Bytes that must stay free beside three times what a step reads."""

OLD_SECONDS = 24 * 3600
"""What nobody touched for so long is swept."""


@contextmanager
def folder(*, reading: int) -> Iterator[Path]:
    """Yield an empty directory for one step that reads so many bytes; it is removed afterwards.

    Raises PipelineError NO_SPACE when the disk has no room for three times as much and a reserve.
    """
    root = _made("steps")
    if shutil.disk_usage(root).free < 3 * reading + RESERVE:
        raise PipelineError("NO_SPACE", detail=f"{reading} bytes to read")
    with tempfile.TemporaryDirectory(dir=root, prefix=f"{os.getpid()}-") as path:
        yield Path(path)


def fetch(key: str, *, sha256: str, into: Path, etag: str = "") -> Path:
    """Put the object `key` at `into`, from the cache or from storage, checked.

    `sha256` may be empty for an object that nobody has read yet; then its version `etag` decides.
    Raises PipelineError UPLOAD_CHANGED where the bytes are not those, or gone.
    """
    name = sha256 or hashlib.sha256(f"{key} {etag}".encode()).hexdigest()
    kept = _made("cache") / name
    if not _linked(kept, into):
        _download(key, sha256, etag, kept)
        if not _linked(kept, into):  # swept in this very moment
            raise PipelineError("NO_SPACE", detail="the cache was emptied while it was filled")
    return into


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return digest_of(file)


def digest_of(file: BinaryIO | File[bytes]) -> str:
    """The SHA-256 of what is left of an open file, in hexadecimal."""
    found = hashlib.sha256()
    while block := file.read(BLOCK):
        found.update(block)
    return found.hexdigest()


def remember(path: Path, *, sha256: str) -> None:
    """Keep a file that was just made in the cache: the next step will want it."""
    kept = _made("cache") / sha256
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=_made("steps")) as beside:
            copy = Path(beside) / "copy"
            _link(path, copy)
            copy.replace(kept)


def sweep() -> int:
    """Remove what no step touched for a day; how many things that were."""
    limit = time.time() - OLD_SECONDS
    removed = 0
    canaries = settings.SCRATCH.glob("canary-*")  # of supervisors that were killed
    for path in [*_made("cache").iterdir(), *_made("steps").iterdir(), *canaries]:
        try:
            if path.stat().st_mtime < limit:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # another sweeper was quicker
    return removed


def _made(name: str) -> Path:
    path: Path = settings.SCRATCH / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def _linked(kept: Path, into: Path) -> bool:
    try:
        os.utime(kept)
        _link(kept, into)
    except FileNotFoundError:
        return False
    return True


def _link(source: Path, target: Path) -> None:
    # A hard link costs nothing, and nobody here writes into a file that is already there.
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _download(key: str, sha256: str, etag: str, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_made("steps")) as beside:
        copied = Path(beside) / "copy"
        found = objects.copy(key, copied, etag=etag)
        if sha256 and found != sha256:
            raise PipelineError("UPLOAD_CHANGED", detail=f"{key} has other bytes")
        copied.replace(kept)
