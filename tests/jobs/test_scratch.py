import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from pytest_django import Settings

from jobs import scratch
from jobs.pipeline.errors import PipelineError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def room(settings: Settings, tmp_path: Path) -> Path:
    settings.SCRATCH = tmp_path / "scratch"
    return tmp_path


@pytest.fixture
def stored(room: Path) -> tuple[str, str]:
    """An object in storage, and its SHA-256."""
    original = room / "original"
    original.write_bytes(b"a stem")
    key = default_storage.save(f"stems/{room.name}", ContentFile(b"a stem"))
    return key, scratch.digest(original)


def test_an_object_is_fetched_once_and_then_taken_from_the_cache(
    stored: tuple[str, str], room: Path
) -> None:
    key, sha256 = stored
    scratch.fetch(key, sha256=sha256, into=room / "one")
    default_storage.delete(key)

    fetched = scratch.fetch(key, sha256=sha256, into=room / "two")

    assert fetched.read_bytes() == b"a stem"


def test_the_cache_may_vanish_at_any_time(stored: tuple[str, str], room: Path) -> None:
    key, sha256 = stored
    scratch.fetch(key, sha256=sha256, into=room / "one")
    shutil.rmtree(room / "scratch")

    fetched = scratch.fetch(key, sha256=sha256, into=room / "two")

    assert fetched.read_bytes() == b"a stem"


@pytest.mark.parametrize("change", [b"other bytes", None])
def test_an_object_that_changed_or_went_is_refused(
    change: bytes | None, stored: tuple[str, str], room: Path
) -> None:
    key, sha256 = stored
    default_storage.delete(key)
    if change:
        default_storage.save(key, ContentFile(change))

    with pytest.raises(PipelineError) as error:
        scratch.fetch(key, sha256=sha256, into=room / "one")

    assert error.value.code == "UPLOAD_CHANGED"
    assert not (room / "one").exists()


def test_a_folder_is_gone_after_its_step() -> None:
    with scratch.folder(reading=0) as folder:
        (folder / "file").write_bytes(b"x")

    assert not folder.exists()


def test_a_step_does_not_start_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    free = 3 * 1000 + scratch.RESERVE
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, free))

    with scratch.folder(reading=1000):
        pass
    with pytest.raises(PipelineError) as error, scratch.folder(reading=1001):
        pass

    assert error.value.code == "NO_SPACE"


def test_sweeping_removes_only_what_is_old(stored: tuple[str, str], room: Path) -> None:
    key, sha256 = stored
    scratch.fetch(key, sha256=sha256, into=room / "one")
    leftover = room / "scratch" / "steps" / "1-left"
    leftover.mkdir()
    os.utime(leftover, (0, 0))

    removed = scratch.sweep()

    assert removed == 1
    assert not leftover.exists()
    assert (room / "scratch" / "cache" / sha256).exists()
