"""What the pipeline asks of the world, in the pipeline's own words.

Adapters in `jobs/providers/` implement these; `jobs/wiring.py` chooses among them. An adapter
raises only `PipelineError`s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from jobs.pipeline.timeline import Recognition

Answer = TypeVar("Answer")


class Tone(StrEnum):
    """How people are spoken to: with usted, vous, Sie, or with tú, tu, du. Neutral: as it comes."""

    NEUTRAL = "neutral"
    FORMAL = "formal"
    INFORMAL = "informal"


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """One voice that an engine has. language is BCP 47; gender is "female", "male" or ""."""

    id: str
    name: str
    language: str
    gender: str = ""
    premium: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, in millionths of a dollar, as published on the day it was `read`."""

    unit: str  # "seconds", "characters", "neural characters", "input tokens"
    microusd: float
    read: date


@dataclass(frozen=True, slots=True)
class Bill:
    """What one call to a vendor cost. unit is what is counted: "seconds", "characters", "tokens".

    request_id is the vendor's own name of the call, for questions to their support.
    """

    model: str
    unit: str
    units: float
    cost_microusd: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Engine:
    """What an engine is and can do: the same card for recognizers, translators and synthesizers.

    languages: recognizers, what they hear; translators, targets per source ("*" is any source);
    synthesizers, what `voices` speak. longest_text is in characters. ends is the last day it works.
    at_once is how many calls it takes at the same time.
    """

    name: str
    model: str
    quality: str  # "studio" or "draft"
    pairs: tuple[tuple[str, str], ...] = ()
    voices: tuple[VoiceInfo, ...] = ()
    longest_text: int = 1000
    ends: date | None = None
    prices: tuple[Price, ...] = ()
    at_once: int = 1

    @property
    def is_server(self) -> bool:
        """Whether others serve it; whoever places its calls tries them again (see `Calls`)."""
        return self.at_once > 1


@dataclass(frozen=True, slots=True)
class Line:
    """One line to translate.

    seconds is the time it may take to say; max_chars what usually fits in that. For a line that was
    spoken already, `earlier` is that wording and `spoken` the seconds that it took. Where those are
    more than `seconds`, a shorter wording is wanted; where they are fewer, a fuller one.
    """

    id: int
    text: str
    seconds: float
    max_chars: int | None = None
    speaker: int = 0
    earlier: str = ""
    spoken: float | None = None

    @property
    def was_too_short(self) -> bool:
        """Say whether a fuller wording is wanted than the one that was spoken."""
        return bool(self.earlier) and self.spoken is not None and self.spoken < self.seconds


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono speech: float32 samples in -1..1."""

    samples: NDArray[np.float32]
    sample_rate: int


class Calls(Protocol):
    """Places calls that cost money. Safe to use from several threads."""

    def place(self, vendor: str, kind: str, call: Callable[[float], tuple[Answer, Bill]]) -> Answer:
        """What `call` gives, in its turn, within a deadline, tried again where that helps.

        `kind` is "recognition", "translation" or "speech". `call` gets the seconds that it may
        take, is made in a thread of its own, and its bill is recorded once. Raises ProviderFailed:
        what the last call raised, or VENDOR_BUSY where the vendor isn't called at all now.
        """


class Transcriber(Protocol):
    """Hears what is said."""

    engine: Engine

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """Recognize a 16 kHz mono FLAC; `language` is a hint, None asks for detection.

        `stop` may raise, where the work is no longer wanted; a call that is to be paid anyway is
        waited for. Raises ProviderFailed, and PipelineError NO_SPEECH when nothing is said.
        """


class Translator(Protocol):
    """Says lines in another language."""

    engine: Engine
    rewords: bool  # can it give a shorter wording when asked?
    expands: bool  # can it give a fuller one?

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
        """Say each line in `target` (BCP 47): a text per line id.

        `context` is the transcript around them; `terms` says how some words are to be said and
        `tone` how people are spoken to, as far as the engine can heed it. An id may be missing
        where the engine gave nothing for it. Raises ProviderFailed; ENGINE_REFUSED because of any
        of the lines.
        """


class Voice(Protocol):
    """Speaks one line at a time. Safe to call from several threads."""

    engine: Engine
    rates: tuple[float, float] | None  # slowest and fastest rate the engine itself can speak at

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Speak `text`. Raises ProviderFailed."""


class Desk(Protocol):
    """Where the recipe keeps what must outlive it, reports, and hears that it must stop."""

    def remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes kept under `key`, made and kept now if there are none.

        The key holds all that shaped them.
        """

    def progress(self, stage: str, n: int, m: int) -> None:
        """Tell that n of m parts of `stage` are done."""

    def stop(self) -> None:
        """Raise Stopped if the work is no longer wanted. Cheap; called between parts."""
