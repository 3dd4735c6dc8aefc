"""What the measurements dub: the sample, repeated, and a recognizer that knows what it says."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path

from jobs import wiring
from jobs.pipeline import ffmpeg
from jobs.pipeline.ports import Engine
from jobs.pipeline.timeline import SAMPLE_RATE, Recognition, Utterance
from jobs.sample import make_sample


@dataclass(frozen=True, slots=True)
class Material:
    """A voice track and a background track of the same length, and what is said when."""

    voice: Path
    background: Path
    utterances: tuple[Utterance, ...]


class Prompted:
    """A recognizer that was told: recognition costs minutes and is measured elsewhere."""

    engine = Engine("prompted", "", "studio", (("en", "*"),))

    def __init__(self, utterances: tuple[Utterance, ...]) -> None:
        self.utterances = utterances

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """Give what is known to be said, whatever is in the file."""
        return Recognition(language or "en", self.utterances, self.engine.name)


def make_material(folder: Path, *, minutes: float) -> Material:
    """Repeat the sample until `minutes` are full."""
    sample = make_sample(folder / "sample", narrator=wiring.narrator())
    truth = json.loads(sample.truth.read_text(encoding="utf-8"))
    length = truth["samples"] / SAMPLE_RATE
    seconds = minutes * 60
    return Material(
        voice=repeat(sample.voice, folder / "voice.flac", seconds),
        background=repeat(sample.background, folder / "background.flac", seconds),
        utterances=tuple(
            Utterance(begin + line["start"], begin + line["end"], 0, line["text"])
            for begin in takewhile(lambda begin: begin < seconds, (n * length for n in count()))
            for line in truth["lines"]
            if begin + line["end"] < seconds - 1
        ),
    )


def repeat(sound: Path, out: Path, seconds: float) -> Path:
    """Play one file over and over into another, for so long."""
    again = ffmpeg.source(sound, stream_loop=-1)
    end = ffmpeg.output(again["a"], out=out, t=seconds, acodec="flac")
    ffmpeg.run(end, seconds=seconds, outputs=[out])
    return out
