"""The timing receipt: what a finished language measures, read back from its files.

Nothing here is taken on trust from the stages that made the dub: starts are found in the sound of
the voice track, lengths by decoding every file, loudness by listening to the finished mix.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import soundfile

from jobs.pipeline import ffmpeg
from jobs.pipeline.captions import cps_limit
from jobs.pipeline.hear import Heard
from jobs.pipeline.timeline import (
    SAMPLE_RATE,
    Cue,
    Dub,
    Flag,
    Mix,
    PlacedLine,
    Segment,
    Transcript,
)

AUDIBLE = 10 ** (-40 / 20)  # -40 dBFS, the level at which a line counts as begun
LOOK_BEFORE = 0.3
ROUNDING = 0.001  # seconds; rows hold whole milliseconds
CODEC_FRAME = 1152  # samples of the longest codec frame that we write (MP3)
MOVED = frozenset({Flag.LATE, Flag.EARLY, Flag.SHORTENED})


@dataclass(frozen=True, slots=True)
class Receipt:
    """Measured figures of one language; speeds are factors, everything else says its unit.

    Starts count the lines that fit; the others are in `flagged`. length_errors is by kind of file,
    in samples at 48 kHz. word_error is the median over the lines, None where the dub was not heard
    again.
    """

    lines: int
    overlap_seconds: float
    speed_highest: float
    speed_lowest: float
    speed_natural_share: float
    speed_step_p95: float
    start_median_ms: float
    start_p95_ms: float
    start_earliest_ms: float
    drift_ms_per_hour: float
    flagged: Mapping[str, int]
    length_errors: Mapping[str, int]
    loudness_lufs: float
    true_peak_db: float
    cues: int
    cue_overlaps: int
    cue_readable_share: float
    word_error: float | None
    misheard: tuple[int, ...]

    def sentences(self) -> list[str]:
        """The receipt in plain words, the misses last."""
        natural = round(self.lines * self.speed_natural_share)
        quick = self.lines - natural
        overlaps = "none overlaps" if not self.overlap_seconds else "some overlap"
        heard = "Not heard again."
        if self.word_error is not None:
            right = max(0.0, 1 - self.word_error)
            heard = f"Heard again: {right:.0%} of the words of a typical line."
        return [
            f"{self.lines} lines, {overlaps}. {natural} at natural speed"
            + (f", {quick} up to {self.speed_highest:.2f}x." if quick else "."),
            f"A typical line starts within {self.start_median_ms:.0f} ms of the original, "
            f"95 % at most {max(self.start_p95_ms, 0):.0f} ms late.",
            "Same length as the source." if not self._wrong_lengths() else "Lengths differ.",
            f"Loudness {self.loudness_lufs:.1f} LUFS, true peak {self.true_peak_db:.1f} dBTP.",
            f"{self.cues} captions, {self.cue_readable_share:.0%} easy to read in their time.",
            heard,
            *(f"To look at: {sentence}." for sentence in self.missed),
        ]

    @property
    def missed(self) -> tuple[str, ...]:
        """The targets that this dub does not reach, in plain words; empty when all is well."""
        checks = (
            (self.overlap_seconds > 0, f"lines overlap by {self.overlap_seconds:.2f} s"),
            (self.speed_highest > 1.2505, f"a line is spoken at {self.speed_highest:.2f}x"),
            (self.speed_lowest < 0.8995, f"a line is spoken at {self.speed_lowest:.2f}x"),
            (self.speed_natural_share < 0.95, "more than 5 % of the lines are faster than 1.15x"),
            (self.start_median_ms > 40, f"half the lines start {self.start_median_ms:.0f} ms off"),
            (self.start_p95_ms > 125, f"5 % of the lines start {self.start_p95_ms:.0f} ms late"),
            (self.start_earliest_ms < -200, "a line starts more than 200 ms early"),
            (abs(self.drift_ms_per_hour) > 20 and self.lines > 500, "the dub drifts"),
            (self._wrong_lengths() != [], f"other length than the source: {self._wrong_lengths()}"),
            (self.true_peak_db > -1, f"true peak {self.true_peak_db:.1f} dBTP"),
            (self.cue_overlaps > 0, "captions overlap"),
            (self.cue_readable_share < 0.95, "more than 5 % of the captions are too quick to read"),
            (
                (self.word_error or 0) > 0.15,
                f"word error {self.word_error or 0:.2f} when heard again",
            ),
        )
        return tuple(sentence for failed, sentence in checks if failed)

    def _wrong_lengths(self) -> list[str]:
        return sorted(
            kind
            for kind, error in self.length_errors.items()
            if abs(error) > (1 if kind.endswith("wav") else CODEC_FRAME)
        )


def measure(
    transcript: Transcript,
    dub: Dub,
    mix: Mix,
    cues: Sequence[Cue],
    files: Mapping[str, Path],
    samples: int,
    heard: Heard | None,
) -> Receipt:
    """Measure one finished language on its own files."""
    segments = {part.index: part for part in transcript.segments}
    speeds = [line.speed for line in dub.lines] or [1.0]
    steps = [abs(a - b) for a, b in pairwise(speeds)] or [0.0]
    starts = start_errors(dub, segments)
    offsets = [error for _, error in starts] or [0.0]
    loudness = mix.loudness
    return Receipt(
        lines=len(dub.lines),
        overlap_seconds=round(overlap(dub.lines, segments), 3),
        speed_highest=round(max(speeds), 3),
        speed_lowest=round(min(speeds), 3),
        speed_natural_share=round(sum(speed <= 1.1505 for speed in speeds) / len(speeds), 4),
        speed_step_p95=round(float(np.percentile(steps, 95)), 3),
        start_median_ms=round(1000 * median(abs(error) for error in offsets), 1),
        start_p95_ms=round(1000 * float(np.percentile(offsets, 95)), 1),
        start_earliest_ms=round(1000 * min(offsets), 1),
        drift_ms_per_hour=round(drift(starts), 1),
        flagged=dict(Counter(flag.value for line in dub.lines for flag in line.flags)),
        length_errors=length_errors(files, samples),
        loudness_lufs=loudness.integrated,
        true_peak_db=loudness.true_peak,
        cues=len(cues),
        cue_overlaps=sum(a.end > b.start + 1e-6 for a, b in pairwise(cues)),
        cue_readable_share=readable_share(cues, dub.language),
        word_error=None if heard is None else round(heard.median, 3),
        misheard=() if heard is None else heard.misheard,
    )


def start_errors(dub: Dub, segments: Mapping[int, Segment]) -> list[tuple[float, float]]:
    """(Segment start, seconds that the voice really begins after it) of every line that fits."""
    errors = []
    with soundfile.SoundFile(dub.voice) as voice:
        for before, line in zip((None, *dub.lines), dub.lines, strict=False):
            if MOVED.isdisjoint(line.flags):
                onset = _onset(voice, line, before.end if before else 0.0)
                if onset is not None:
                    start = segments[line.segment].start
                    errors.append((start, onset - start))
    return errors


def _onset(voice: soundfile.SoundFile, line: PlacedLine, not_before: float) -> float | None:
    """Second at which the line is first audible, looked for a little before where it should be."""
    first = round(max(line.start - LOOK_BEFORE, min(not_before, line.start)) * SAMPLE_RATE)
    voice.seek(first)
    sound = voice.read(round(line.end * SAMPLE_RATE) - first, dtype="float32")
    audible = np.flatnonzero(np.abs(sound) > AUDIBLE)
    return (first + int(audible[0])) / SAMPLE_RATE if audible.size else None


def overlap(lines: Sequence[PlacedLine], segments: Mapping[int, Segment]) -> float:
    """Seconds that neighbouring lines overlap beyond what the original speakers did."""
    total = 0.0
    for one, two in pairwise(lines):
        source = segments[one.segment].end - segments[two.segment].start
        excess = (min(one.end, two.end) - two.start) - max(source, 0.0)
        total += excess if excess > ROUNDING else 0.0
    return total


def drift(starts: Sequence[tuple[float, float]]) -> float:
    """Milliseconds per hour by which later lines start later: the slope over all starts."""
    if len(starts) < 3:
        return 0.0
    times, errors = np.array(starts).T
    slope = float(np.polyfit(times - times.mean(), errors, 1)[0])
    return slope * 3600 * 1000


def length_errors(files: Mapping[str, Path], samples: int) -> dict[str, int]:
    """Samples by which each sound file differs from the source, counted by decoding it."""
    sounds = {kind: path for kind, path in files.items() if kind.startswith(("full", "voice"))}
    return {kind: count_samples(path, samples) - samples for kind, path in sounds.items()}


def count_samples(path: Path, expected: int) -> int:
    """Samples per channel at 48 kHz that a sound file decodes to; about `expected` of them."""
    blocks = ffmpeg.read_blocks(path, seconds=expected / SAMPLE_RATE, rate=SAMPLE_RATE, channels=1)
    return sum(len(block) for block in blocks)


def readable_share(cues: Sequence[Cue], language: str) -> float:
    """Share of cues that can be read in the time that they stand."""
    if not cues:
        return 1.0
    limit = cps_limit(language)
    slow = [sum(map(len, cue.rows)) / (cue.end - cue.start) <= limit + 1e-6 for cue in cues]
    return round(sum(slow) / len(slow), 4)
