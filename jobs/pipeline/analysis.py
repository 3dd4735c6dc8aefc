"""What librosa does for us, in a child process of its own.

librosa costs 200 to 300 MB and, the very first time on a machine, half a minute of compiling (kept
in NUMBA_CACHE_DIR, or beside the package), which is no good in a worker.
"""

from collections.abc import Sequence
from pathlib import Path

import soundfile

from jobs.pipeline.process import Child
from jobs.pipeline.program import Stop

MODULE = "jobs.pipeline.analysis_child"
MEMORY = 2 * 1024**3  # bytes of address space; it maps 750 MB and uses 300
SECONDS_TO_START = 180.0  # with everything to compile, on a slow machine
SECONDS_PER_SECOND = 0.25  # ten times what the slower of both takes
ENGINE = "librosa"


def speech_edges(
    speech: Path, *, deadline: float | None = None, stop: Stop | None = None
) -> tuple[tuple[float, float], ...]:
    """The stretches with speech energy in a 16 kHz mono file, in seconds, in order, apart.

    They follow single sounds, so that a word may be several of them. Over steady noise and music
    they begin where the voice does; loud changing music may look like a voice. deadline is in
    seconds. Raises ProviderFailed and OUT_OF_TIME.
    """
    allowed = deadline or _allowed(soundfile.info(speech).duration)
    with Child(MODULE, deadline=allowed, memory=MEMORY, engine=ENGINE) as child:
        answer = child.ask({"edges": str(speech)}, stop=stop)
    return tuple((float(start), float(end)) for start, end in answer["spans"])


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
