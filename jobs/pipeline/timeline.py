"""The nouns of a dub: what was said, what is said now, and where on the timeline.

Times are float seconds on the container's timeline (0 is the container's start). Sound is 48 kHz
wherever it is not said otherwise. Everything here is frozen: a stage takes some of these and
returns others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SAMPLE_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter mark of the source, kept as plain text."""

    start: float
    end: float
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The source's picture stream, as the container describes it."""

    stream: int
    codec: str
    width: int
    height: int
    duration: float


@dataclass(frozen=True, slots=True)
class Source:
    """A media file that was looked at and found acceptable.

    duration is what the container claims for the default sound track, in seconds; only `ingest`,
    which decodes, knows the truth. sound_stream is that track's index among all streams of the
    file.
    """

    path: Path
    container: str
    duration: float
    sound_stream: int
    sound_codec: str
    sample_rate: int
    channels: int
    sound_language: str | None = None
    picture: Picture | None = None
    title: str = ""
    chapters: tuple[Chapter, ...] = ()

    @property
    def longest(self) -> float:
        """Seconds of sound or of picture, whichever claims more."""
        return max(self.duration, self.picture.duration if self.picture else 0.0)


@dataclass(frozen=True, slots=True)
class Stems:
    """The source's sound, decoded once.

    voice and background are 48 kHz 16-bit stereo FLAC of exactly `samples` samples; speech is the
    voice as 16 kHz mono FLAC, for recognizers. background is None where only one track was given
    (it may be voice alone or voice and music together).
    """

    voice: Path
    speech: Path
    samples: int
    background: Path | None = None

    @property
    def duration(self) -> float:
        """Exact length in seconds."""
        return self.samples / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Word:
    """One recognized word. probability is 0 to 1."""

    start: float
    end: float
    text: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a recognizer heard as one piece. speaker counts from 0."""

    start: float
    end: float
    speaker: int
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognition:
    """A recognizer's whole answer. language is BCP 47, as detected or as asked for."""

    language: str
    utterances: tuple[Utterance, ...]
    engine: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One speaker's sentence or clause on the source timeline; index is its place in order."""

    index: int
    start: float
    end: float
    speaker: int
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The source's segments, in start order.

    pitches are the middle pitches (Hz) of those speakers whose voices could be measured.
    """

    language: str
    segments: tuple[Segment, ...]
    engine: str = ""
    pitches: Mapping[int, float] = field(default_factory=dict)


class Flag(StrEnum):
    """What a customer should know about one line."""

    LATE = "late"  # starts more than 125 ms after the original
    EARLY = "early"  # starts before the original, into the gap before
    SHORTENED = "shortened"  # cut at a clause because no wording fitted
    REWORDED = "reworded"  # a shorter wording than the first translation
    UNTRANSLATED = "untranslated"  # the translator gave nothing usable; the source text stands
    SILENT = "silent"  # the engine gave no sound for it; only the captions have it
    MISHEARD = "misheard"  # hearing the dub again gave other words


@dataclass(frozen=True, slots=True)
class Translation:
    """One text per segment of the transcript, in the same order; `flags` by segment index."""

    language: str
    texts: tuple[str, ...]
    engine: str
    flags: dict[int, tuple[Flag, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Take:
    """One line as an engine spoke it, silence trimmed, at its natural rate.

    clip is a 48 kHz mono WAV; seconds is its trimmed length; engine_rate is the rate asked of the
    engine, natural_seconds what the line takes at rate 1.
    """

    segment: int
    text: str
    clip: Path
    seconds: float
    engine_rate: float = 1.0

    @property
    def natural_seconds(self) -> float:
        """Length at the voice's natural rate."""
        return self.seconds * self.engine_rate


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One dubbed line where it stands in the dub.

    speed is stretch times engine rate. borrowed, early and late are seconds against the segment.
    """

    segment: int
    start: float
    end: float
    text: str
    speaker: int
    voice: str
    speed: float
    borrowed: float
    early: float
    late: float
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Dub:
    """Every line of one language, placed, in start order, and the track that holds them.

    voice is 48 kHz 16-bit mono FLAC of exactly as many samples as the source; every line in it has
    an active level of -20 dBFS RMS.
    """

    language: str
    lines: tuple[PlacedLine, ...]
    voice: Path
    engine: str


@dataclass(frozen=True, slots=True)
class Loudness:
    """As ebur128 measures it: integrated LUFS and true peak dBTP; gain is the one applied, dB."""

    integrated: float
    true_peak: float
    gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Mix:
    """The finished sound of one language: exactly as many samples as the source.

    full is 48 kHz 16-bit stereo FLAC.
    """

    full: Path
    loudness: Loudness


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption; lines are at most two rows of text."""

    start: float
    end: float
    rows: tuple[str, ...]
