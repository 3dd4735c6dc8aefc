"""What librosa does for us, in a child process of its own.

librosa costs 200 to 300 MB and, the very first time on a machine, half a minute of compiling (kept
in NUMBA_CACHE_DIR, or beside the package), which is no good in a worker.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import soundfile

from jobs.pipeline.process import Child
from jobs.pipeline.program import Stop
from jobs.pipeline.segment import Span

MODULE = "jobs.pipeline.analysis_child"
MEMORY = 2 * 1024**3  # bytes of address space; it maps 750 MB and uses 300
SECONDS_TO_START = 180.0  # with everything to compile, on a slow machine
SECONDS_PER_SECOND = 0.25  # ten times what the slower of both takes
ENGINE = "librosa"


class Listener:
    """Listens to a 16 kHz mono file, in one process from the first question on.

    Questions raise ProviderFailed and OUT_OF_TIME.
    """

    def __init__(
        self, speech: Path, *, deadline: float | None = None, stop: Stop | None = None
    ) -> None:
        """Start nothing yet. deadline is the seconds that one answer may take."""
        self._speech = speech
        self._stop = stop
        allowed = deadline or _allowed(soundfile.info(speech).duration)
        self._child = Child(MODULE, deadline=allowed, memory=MEMORY, engine=ENGINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def edges(self) -> tuple[Span, ...]:
        """The stretches with speech energy, in seconds, in order, apart.

        They follow single sounds, so that a word may be several of them. Over steady noise and
        music they begin where the voice does; loud changing music may look like a voice.
        """
        answer = self._child.ask({"edges": str(self._speech)}, stop=self._stop)
        return tuple((float(start), float(end)) for start, end in answer["spans"])

    def pitches(self, turns: Mapping[int, Sequence[Span]]) -> dict[int, float]:
        """The median pitches (Hz) of those speakers whose voices can be measured.

        `turns` says when each of them speaks, in seconds.
        """
        asked = {str(speaker): list(spans) for speaker, spans in turns.items()}
        answer = self._child.ask({"pitches": str(self._speech), "turns": asked}, stop=self._stop)
        return {int(speaker): float(pitch) for speaker, pitch in answer["pitches"].items()}


def stretch_with_librosa(
    clips: Sequence[tuple[Path, float, Path]], *, stop: Stop | None = None
) -> None:
    """Make clips faster (speed over 1) or slower at their pitch; a clip may be its own output.

    Outputs are 16-bit WAVs of n / speed samples, rounded. This is a phase vocoder: where ffmpeg has
    Rubber Band, that sounds better. Raises ProviderFailed and OUT_OF_TIME.
    """
    allowed = _allowed(sum(soundfile.info(clip).duration for clip, _, _ in clips))
    wanted = [[str(clip), speed, str(out)] for clip, speed, out in clips]
    with Child(MODULE, deadline=allowed, memory=MEMORY, engine=ENGINE) as child:
        child.ask({"stretch": wanted}, stop=stop)


def _allowed(seconds: float) -> float:
    return SECONDS_TO_START + SECONDS_PER_SECOND * seconds
