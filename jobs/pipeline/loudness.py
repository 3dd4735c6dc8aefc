"""How loud sound is, and how it is made as loud as asked.

Loudness and true peak are what ffmpeg's `ebur128` filter measures (ITU-R BS.1770-4, EBU R 128). A
mix is never kept unfinished on disk: its blocks are made again for every pass, which costs less
than writing and reading three hours of floats.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.pipeline import ffmpeg
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.program import Stop
from jobs.pipeline.timeline import SAMPLE_RATE, Loudness

CEILING = -1.5  # dBTP that the limiter holds, half a decibel under what is promised
HIGHEST_PEAK = -1.0  # dBTP that is promised
MOST_GAIN = 12.0  # dB, up or down
NEAR = 0.35  # LU from the target that is good enough not to do it again
SILENCE = -70.0  # LUFS: ebur128's gate, nothing was heard
NO_PEAK = -120.0  # dBTP of digital silence, where ebur128 says -inf
LIMITER_LOSS = 0.15  # LU that the limiter usually takes from speech, added to the gain beforehand
PASSES = 3
FLAC = {"acodec": "flac", "sample_fmt": "s16"}
METER = "ebur128=peak=true:framelog=verbose"

Blocks = Callable[[], Iterator[NDArray[np.float32]]]  # stereo blocks, from the start each time


@dataclass(frozen=True, slots=True)
class Pass:
    """One way to write the sound: gain in dB, then a limiter at `ceiling` dBTP (None: without)."""

    gain: float
    ceiling: float | None

    @property
    def filters(self) -> str:
        """As ffmpeg's filter chain; the limiter works at 192 kHz, so that it sees true peaks."""
        if self.ceiling is None:
            return METER
        limit = 10 ** (self.ceiling / 20)
        limiter = f"alimiter=limit={limit:.6f}:level=0:latency=1:attack=5:release=50"
        return f"aresample={4 * SAMPLE_RATE},{limiter},aresample={SAMPLE_RATE},{METER}"


def measure(blocks: Blocks, *, seconds: float, folder: Path, stop: Stop | None = None) -> Loudness:
    """Loudness and true peak of stereo sound. Raises MEDIA_TOOL, OUT_OF_TIME."""
    nowhere = folder / "measured.null"
    return _fed(blocks, Pass(0.0, None), nowhere, {"format": "null"}, seconds, stop)


def write(
    blocks: Blocks, out: Path, *, target: float, seconds: float, stop: Stop | None = None
) -> Loudness:
    """Write 48 kHz 16-bit stereo FLAC at `target` LUFS with a true peak of at most -1 dBTP.

    One gain of at most ±12 dB and a limiter where the peaks need one; written again while the
    measured result is off. Returns what the file measures, which misses the target where the gain
    isn't enough. Raises MEDIA_TOOL, OUT_OF_TIME.
    """
    before = measure(blocks, seconds=seconds, folder=out.parent, stop=stop)
    way = first_pass(before, target)
    for number in range(1, PASSES + 1):
        after = _fed(blocks, way, out, FLAC, seconds, stop)
        better = next_pass(way, after, target)
        if better == way or number == PASSES:
            break
        way = better
    return after


def first_pass(before: Loudness, target: float) -> Pass:
    """The gain and the limiter that sound measured as `before` needs."""
    if before.integrated <= SILENCE:
        return Pass(0.0, None)
    gain = _bounded(target - before.integrated)
    if before.true_peak + gain <= CEILING:
        return Pass(gain, None)
    return Pass(_bounded(gain + LIMITER_LOSS), CEILING)


def next_pass(way: Pass, after: Loudness, target: float) -> Pass:
    """The correction of a pass that measured as `after`; the same pass where nothing helps."""
    gain, ceiling = way.gain, way.ceiling
    missing = target - after.integrated
    if after.integrated > SILENCE and abs(missing) > NEAR:
        gain = _bounded(gain + missing)
    if after.true_peak > HIGHEST_PEAK or (ceiling is None and gain > way.gain):
        over = max(0.0, after.true_peak - HIGHEST_PEAK)
        ceiling = CEILING if ceiling is None else ceiling - over - 0.1
    return Pass(gain, ceiling)


def parse(log: str) -> Loudness:
    """Read the summary that ebur128 leaves in ffmpeg's log. Raises MEDIA_TOOL."""
    summary = log.rpartition("Summary:")[2]
    loudness = re.search(r"I:\s+(-?[\d.]+|-inf|nan) LUFS", summary)
    peak = re.search(r"Peak:\s+(-?[\d.]+|-inf|nan) dBFS", summary)
    if loudness is None or peak is None:
        raise PipelineError("MEDIA_TOOL", detail=f"no loudness in: {log[-500:]}")
    return Loudness(
        integrated=max(SILENCE, _number(loudness[1], SILENCE)),
        true_peak=max(NO_PEAK, _number(peak[1], NO_PEAK)),
    )


def _fed(
    blocks: Blocks,
    way: Pass,
    out: Path,
    encoding: Mapping[str, Any],
    seconds: float,
    stop: Stop | None,
) -> Loudness:
    writer = ffmpeg.Writer(
        out,
        seconds=seconds,
        channels=2,
        stop=stop,
        log="info",
        af=way.filters,
        ar=SAMPLE_RATE,
        **encoding,
    )
    factor = np.float32(10 ** (way.gain / 20))
    with writer:
        for block in blocks():
            writer.write(block if way.gain == 0.0 else block * factor)
    return replace(parse(writer.log), gain=round(way.gain, 2))


def _bounded(gain: float) -> float:
    return max(-MOST_GAIN, min(MOST_GAIN, gain))


def _number(text: str, otherwise: float) -> float:
    return otherwise if text in {"-inf", "nan"} else float(text)
