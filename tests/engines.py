"""Engines of the tests' own: they hear, translate and speak by rule, at once, and count."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from jobs.pipeline.dub import Engines, Route
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find
from jobs.pipeline.ports import Engine, Line, Speech, Tone, VoiceInfo
from jobs.pipeline.timeline import Recognition, Utterance

RATE = 16_000


class Hearing:
    """Hears the same sentence wherever it is asked."""

    engine = Engine(name="test-hearing", model="1", quality="draft")

    def __init__(self, utterances: Sequence[Utterance] = (), *, language: str = "en") -> None:
        self.utterances = tuple(utterances)
        self.language = language
        self.calls = 0

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """Count the call."""
        assert speech.exists()
        self.calls += 1
        return Recognition(language or self.language, self.utterances, self.engine.name)


class Shouting:
    """Translates by shouting."""

    engine = Engine(name="test-shouting", model="1", quality="draft", pairs=(("*", "*"),))
    rewords = False
    expands = False

    def __init__(self) -> None:
        self.lines: Counter[str] = Counter()

    def translate(
        self,
        lines: Sequence[Line],
        *,
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str],
        tone: Tone,
    ) -> dict[int, str]:
        """Count the lines."""
        self.lines.update(line.text for line in lines)
        return {line.id: f"{line.text.capitalize()} olé" for line in lines}


class Humming:
    """Speaks by humming, a fifteenth of a second a character.

    dies_after is how many lines it speaks before it takes its whole process with it.
    """

    rates: tuple[float, float] | None = None

    def __init__(self, *, dies_after: int | None = None) -> None:
        self.dies_after = dies_after
        self.spoken: Counter[str] = Counter()
        self.engine = Engine(name="test-humming", model="1", quality="draft", voices=VOICES)

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Count the text."""
        if self.spoken.total() == self.dies_after:
            raise SystemExit(9)
        self.spoken[text] += 1
        seconds = max(len(text) / 15 / rate, 0.2)
        time = np.arange(round(seconds * RATE)) / RATE
        return Speech((0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32), RATE)


VOICES = (
    VoiceInfo(id="hum", name="Hum", language="es", gender="female"),
    VoiceInfo(id="grand-hum", name="Grand hum", language="es", premium=True),
)


def engines(
    *,
    hearing: Hearing | None = None,
    translator: Shouting | None = None,
    voice: Humming | None = None,
    without: Sequence[str] = (),
) -> Engines:
    """Engines for every language but those `without`."""
    translator, voice = translator or Shouting(), voice or Humming()

    def route(source: str | None, target: str, speech: str = "", translation: str = "") -> Route:
        language = find(target)
        unknown = speech not in {"", "pico"} or translation not in {"", "apertium"}
        if language.code in without or unknown:
            raise PipelineError("LANGUAGE_UNAVAILABLE", language=language.name, reason="a test")
        return Route(translator, voice, VOICES)

    return Engines(transcriber=hearing or Hearing(), route=route)
