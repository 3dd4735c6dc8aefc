"""Recognition with Whisper through faster-whisper, in a child process.

Source: faster-whisper 1.2.1, `WhisperModel.transcribe`. A long recording is heard in windows of
some minutes, cut where it is quiet, so that memory doesn't grow with its length.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Engine
from jobs.pipeline.process import Child, heavy
from jobs.pipeline.timeline import Recognition, Utterance, Word
from jobs.pipeline.weights import WHISPER_BASE, require

WINDOW = 300.0  # seconds heard at a time: 0.5 GB; a quarter of an hour would take 1.1 GB
SECONDS = 180.0  # to load the model on a slow disk and a busy machine
SECONDS_PER_SECOND = 4.0  # ten times what two quick cores need
MEMORY = 6 * 1024**3  # bytes of address space; most of it is never touched

# Of its 99 languages those that we know; it tells the others by their own codes all the same.
LANGUAGES = ("en", "es", "fr", "de", "ja", "zh", "ko", "pt", "it", "ru", "ar", "hi")


def installed() -> bool:
    """Is the library here? Answered without loading it."""
    return find_spec("faster_whisper") is not None


class FasterWhisper:
    """Hears any of the twelve languages, one speaker."""

    engine = Engine(
        name="faster-whisper",
        model="base int8",
        quality="draft",
        pairs=tuple((language, language) for language in LANGUAGES),
    )

    def __init__(self, models: Path, *, slots: Path, beam: int = 5) -> None:
        """Load nothing yet.

        models is the folder of all models; slots where the machine's places for heavy children are.
        """
        self.models = models
        self.slots = slots
        self.beam = beam

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """Recognize a 16 kHz mono FLAC; detects the language where `language` is None.

        `stop` is called while it works and may raise. Raises ProviderFailed, MODEL_MISSING,
        MODEL_CORRUPT, and NO_SPEECH when nothing is said.
        """
        model = require(WHISPER_BASE, self.models)
        utterances: list[Utterance] = []
        with (
            heavy(self.slots, stop=stop),
            Child(
                "jobs.providers.faster_whisper_child",
                deadline=SECONDS + SECONDS_PER_SECOND * WINDOW,
                memory=MEMORY,
                engine=self.engine.name,
                env={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"},
            ) as child,
        ):
            question: dict[str, Any] = {
                "model": str(model),
                "speech": str(speech),
                "beam": self.beam,
                "window": WINDOW,
                "language": language,
                "start": 0,
            }
            while question["start"] is not None:
                answer = child.ask(question, stop=stop)
                utterances += map(_utterance, answer["utterances"])
                # What the first words are spoken in holds for the whole.
                question |= {"start": answer["next"], "language": answer["language"]}
        if not utterances:
            raise PipelineError("NO_SPEECH")
        return Recognition(question["language"], tuple(utterances), self.engine.name)


def _utterance(heard: dict[str, Any]) -> Utterance:
    words = tuple(
        Word(word["start"], word["end"], word["text"], word["probability"])
        for word in heard["words"]
    )
    return Utterance(heard["start"], heard["end"], speaker=0, text=heard["text"], words=words)
