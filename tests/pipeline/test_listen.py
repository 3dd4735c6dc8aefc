"""A recognition that was paid for is asked for once, and comes back as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.pipeline import listen
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Engine
from jobs.pipeline.timeline import Recognition, Utterance, Word
from tests.pipeline.test_speak import MemoryDesk

WORDS = (Word(0.1, 0.30000000000000004, "Ça", 1 / 3), Word(0.5, 0.9, "va", 1.0))
SAID = Recognition(
    "fr", (Utterance(0.1, 0.9, 1, "Ça va", WORDS), Utterance(2.0, 3.1, 0, "Oui")), "ears"
)


class Ears:
    """A recognizer that counts what it is asked."""

    def __init__(self, model: str = "1") -> None:
        self.engine = Engine("ears", model, "draft")
        self.asked: list[str | None] = []

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        self.asked.append(language)
        if speech.read_bytes() == b"silence":
            raise PipelineError("NO_SPEECH")
        return SAID


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    file = tmp_path / "speech.flac"
    file.write_bytes(b"speech")
    return file


def test_what_was_heard_once_is_remembered_as_it_was(speech: Path) -> None:
    ears, desk = Ears(), MemoryDesk()

    first, second = (listen.once(ears, speech, hint=None, desk=desk) for _ in range(2))

    assert first == second == SAID
    assert len(ears.asked) == 1


def test_another_sound_hint_or_model_is_another_question(speech: Path) -> None:
    ears, newer, desk = Ears(), Ears("2"), MemoryDesk()
    listen.once(ears, speech, hint=None, desk=desk)

    listen.once(ears, speech, hint="fr", desk=desk)
    listen.once(newer, speech, hint="fr", desk=desk)
    speech.write_bytes(b"other speech")
    listen.once(ears, speech, hint="fr", desk=desk)

    assert (ears.asked, newer.asked) == ([None, "fr", "fr"], ["fr"])


def test_no_speech_is_said_and_not_remembered(speech: Path) -> None:
    desk = MemoryDesk()
    speech.write_bytes(b"silence")

    with pytest.raises(PipelineError, match="no speech"):
        listen.once(Ears(), speech, hint=None, desk=desk)

    assert desk.kept == {}
