"""Engines that are opened when they are first used.

Most of the work only asks what an engine can do: choosing a route, offering languages, naming
engines in a manifest. A vendor's library takes a second and tens of megabytes to load, so that
nobody pays for it who only asks.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from jobs.pipeline.ports import Engine, Line, Speech, Tone, Transcriber, Translator, Voice
from jobs.pipeline.timeline import Recognition

Opened = TypeVar("Opened")


class Once(Generic[Opened]):
    """Opens an engine for whoever of many threads asks first."""

    def __init__(self, opens: Callable[[], Opened]) -> None:
        """Open nothing yet."""
        self._opens = opens
        self._turn = threading.Lock()
        self._opened: Opened | None = None

    def __call__(self) -> Opened:
        """The engine."""
        with self._turn:
            if self._opened is None:
                self._opened = self._opens()
            return self._opened


class LaterTranscriber:
    """A recognizer by its card."""

    def __init__(self, engine: Engine, opens: Callable[[], Transcriber]) -> None:
        """Know what it can do."""
        self.engine = engine
        self._real = Once(opens)

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """Open it, and recognize; see `Transcriber`."""
        return self._real().transcribe(speech, language=language, stop=stop)


class LaterTranslator:
    """A translator by its card."""

    rewords = True
    expands = True

    def __init__(self, engine: Engine, opens: Callable[[], Translator]) -> None:
        """Know what it can do."""
        self.engine = engine
        self._real = Once(opens)

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
        """Open it, and translate; see `Translator`."""
        return self._real().translate(
            lines, source=source, target=target, context=context, terms=terms, tone=tone
        )


class LaterVoice:
    """A synthesizer by its card, with the rates that it can speak at."""

    def __init__(
        self, engine: Engine, rates: tuple[float, float] | None, opens: Callable[[], Voice]
    ) -> None:
        """Know what it can do."""
        self.engine = engine
        self.rates = rates
        self._real = Once(opens)

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Open it, and speak; see `Voice`."""
        return self._real().speak(text, language=language, voice=voice, rate=rate)
