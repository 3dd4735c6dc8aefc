"""Which model files are taken for the right ones."""

import hashlib
import os
from pathlib import Path

import pytest

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.weights import (
    WHISPER_BASE,
    Fault,
    Model,
    Weight,
    faults,
    require,
    write_receipt,
)

CONTENT = b"the right bytes"
MODEL = Model(
    "Small",
    "small",
    (),
    (
        Weight("model.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), ()),
        Weight("words.txt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), ()),
    ),
)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the whole model in it."""
    (tmp_path / "small").mkdir()
    for file in MODEL.files:
        (tmp_path / "small" / file.name).write_bytes(CONTENT)
    return tmp_path


def test_the_right_files_have_no_fault(models: Path) -> None:
    assert faults(MODEL, models) == {}
    assert require(MODEL, models) == models / "small"


def test_a_file_that_is_not_there_is_missing(models: Path) -> None:
    (models / "small/words.txt").unlink()

    assert faults(MODEL, models) == {"words.txt": Fault.MISSING}
    with pytest.raises(PipelineError, match="make models-base") as raised:
        require(MODEL, models)
    assert raised.value.code == "MODEL_MISSING"


@pytest.mark.parametrize("content", [b"the wrong bytes", b"cut", b""])
def test_a_file_with_other_bytes_is_corrupt(models: Path, content: bytes) -> None:
    (models / "small/model.bin").write_bytes(content)

    assert faults(MODEL, models) == {"model.bin": Fault.CORRUPT}
    with pytest.raises(PipelineError) as raised:
        require(MODEL, models)
    assert raised.value.code == "MODEL_CORRUPT"


def test_a_file_that_changed_after_the_receipt_is_read_again(models: Path) -> None:
    write_receipt(MODEL, models / "small")
    (models / "small/model.bin").write_bytes(b"the wrong bytes")

    assert faults(MODEL, models) == {"model.bin": Fault.CORRUPT}


def test_a_thorough_look_does_not_believe_the_receipt(models: Path) -> None:
    file = models / "small/model.bin"
    before = file.stat()
    write_receipt(MODEL, models / "small")
    file.write_bytes(b"the wrong bytes")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    believed, thorough = faults(MODEL, models), faults(MODEL, models, thorough=True)

    assert believed == {}
    assert thorough == {"model.bin": Fault.CORRUPT}


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"model.bin": 3}'])
def test_a_broken_receipt_is_not_believed(models: Path, text: str) -> None:
    (models / "small/verified.json").write_text(text)

    assert faults(MODEL, models) == {}


@pytest.mark.models
def test_the_base_model_here_is_the_one_that_is_pinned() -> None:
    folder = Path(os.environ.get("DUBBER_MODELS") or "var/models")

    assert faults(WHISPER_BASE, folder, thorough=True) == {}
