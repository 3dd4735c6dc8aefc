"""The process in which librosa works: the edges of speech, pitch, the stretch of last resort.

Speech is found by how far each of BANDS frequency bands rises above its own background of the last
and next seconds. How far it must rise is learned from the sound itself: over music much, in a quiet
room little.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, percentile_filter, uniform_filter1d

from jobs.pipeline.pitch import middle_pitch
from jobs.pipeline.process import serve

RATE = 16_000
HOP = 80  # samples between two frames: 5 ms
WINDOW = 240  # samples that a frame sees: 15 ms
TRANSFORM = 512
BANDS, LOWEST, HIGHEST = 24, 250.0, 7000.0  # Hz; what is below says more about music than speech
CHUNK = 120 * RATE  # samples analysed at a time
MARGIN = 10 * RATE  # samples that are seen on both sides of a chunk
STEP = 10  # frames that background and thresholds take together: 50 ms
AROUND = 4.0  # seconds on both sides over which the background is looked for
BURST = 4  # steps of which the loudest counts, so that one calm moment isn't the background
CALM = 10  # percent of that time which is background for certain
RANGE = 40.0  # dB below the loud parts where everything is silence
ABSOLUTE = 1e-5  # band power of what is silence anyway, about -85 dBFS
LEARN = 8.0  # seconds on both sides from which a threshold is learned
EVERY = 40  # steps between two thresholds
BETWEEN = 0.4  # how far from background to speech the threshold stands
WEAK = 0.7  # of the threshold; a sound that reaches the threshold counts as long as it is over this
LEAST = 1.0  # dB of rise that mean something at all
SURE = 3  # frames that a sound must be over the threshold

Array = NDArray[np.float32]
Span = tuple[float, float]


def edges(path: Path) -> list[Span]:
    """The stretches with speech energy, in seconds."""
    found: list[Span] = []
    with soundfile.SoundFile(path) as sound:
        if sound.samplerate != RATE or sound.channels != 1:
            raise ValueError("speech is 16 kHz mono")
        for first in range(0, sound.frames, CHUNK):
            for start, end in _chunk(sound, first):
                if found and start - found[-1][1] <= HOP / RATE:  # goes on from the chunk before
                    found[-1] = (found[-1][0], end)
                else:
                    found.append((start, end))
    return found


def _chunk(sound: soundfile.SoundFile, first: int) -> Iterator[Span]:
    """The spans of one chunk, cut at its borders."""
    begin = max(0, first - MARGIN)
    last = min(sound.frames, first + CHUNK)
    sound.seek(begin)
    samples = sound.read(last + MARGIN - begin, dtype="float32")
    for start, end in spans(samples):
        span = max(start + begin / RATE, first / RATE), min(end + begin / RATE, last / RATE)
        if span[0] < span[1]:
            yield span


def spans(samples: Array) -> list[Span]:
    """The stretches with speech energy in samples that fit into memory, in seconds."""
    score = _rise(_bands(samples))
    threshold = _thresholds(score)
    strong, weak = score > threshold, score > threshold * WEAK
    steps = np.diff(np.concatenate(([0], weak.astype(np.int8), [0])))
    return [
        (first * HOP / RATE, (end - 1) * HOP / RATE)
        for first, end in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)
        if np.count_nonzero(strong[first:end]) >= SURE
    ]


def _bands(samples: Array) -> Array:
    """Power per band and frame, smoothed over three frames."""
    bank = librosa.filters.mel(
        sr=RATE, n_fft=TRANSFORM, n_mels=BANDS, fmin=LOWEST, fmax=HIGHEST, norm=None
    )
    spectrum = librosa.stft(samples, n_fft=TRANSFORM, hop_length=HOP, win_length=WINDOW)
    power: Array = bank @ np.square(np.abs(spectrum))
    smooth: Array = uniform_filter1d(power, 3, axis=1)
    return smooth


def _rise(power: Array) -> Array:
    """How far each frame rises above the background: dB, the mean of the bands that rise most."""
    loud = np.percentile(power.sum(axis=0), 90) / len(power)
    floor = np.maximum(_background(power), max(loud * 10 ** (-RANGE / 10), ABSOLUTE))
    rise = np.clip(10 * np.log10(np.maximum(power / floor, 1e-3)), -5, 30)
    highest: Array = np.sort(rise, axis=0)[len(power) // 2 :].mean(axis=0)
    return highest


def _background(power: Array) -> Array:
    steps = -(-power.shape[1] // STEP)
    padded = np.pad(power, ((0, 0), (0, steps * STEP - power.shape[1])), mode="edge")
    loudest = padded.reshape(len(power), steps, STEP).max(axis=2)
    bursts = maximum_filter1d(loudest, BURST, axis=1)
    around = 2 * round(AROUND * RATE / HOP / STEP) + 1
    calm = percentile_filter(bursts, CALM, size=(1, around), mode="nearest")
    background: Array = np.repeat(calm, STEP, axis=1)[:, : power.shape[1]]
    return background


def _thresholds(score: Array) -> Array:
    """The rise that speech has here, per frame."""
    steps = -(-len(score) // STEP)
    padded = np.pad(score, (0, steps * STEP - len(score)), mode="edge")
    means = padded.reshape(steps, STEP).mean(axis=1)
    reach = round(LEARN * RATE / HOP / STEP)
    middles = np.arange(0, steps, EVERY)
    learned = [_between(means[max(0, at - reach) : at + reach]) for at in middles]
    spread = np.interp(np.arange(len(score)) / STEP, middles, learned)
    threshold: Array = np.maximum(spread, LEAST)
    return threshold


def _between(values: Array) -> float:
    """A value that parts the low from the high ones: Otsu's method, 1979, moved towards the low."""
    counts, borders = np.histogram(values, 64)
    centres = (borders[:-1] + borders[1:]) / 2
    low, total = np.cumsum(counts), np.cumsum(counts * centres)
    high = len(values) - low
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (total[-1] * low / len(values) - total) ** 2 / (low * high)
    best = centres[np.argmax(np.where(high > 0, apart, 0))]
    background = np.median(values[values <= best]) if (values <= best).any() else best
    speech = np.median(values[values > best]) if (values > best).any() else best
    return float(background + BETWEEN * (speech - background))


def stretch(clip: Path, speed: float, out: Path) -> None:
    """Write the clip at another speed and the same pitch."""
    samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    length = round(len(samples) / speed)
    faster = librosa.effects.time_stretch(samples.T, rate=speed)
    soundfile.write(out, librosa.util.fix_length(faster, size=length).T, rate, subtype="PCM_16")


def speakers(path: Path, turns: dict[str, list[Span]]) -> dict[str, float]:
    """The pitch of each speaker whose voice can be measured."""
    with soundfile.SoundFile(path) as sound:
        found = {speaker: middle_pitch(sound, spans) for speaker, spans in turns.items()}
    return {speaker: pitch for speaker, pitch in found.items() if pitch is not None}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Find edges, measure pitches, or stretch.

    {"edges": path}, {"pitches": path, "turns": {speaker: spans}}, {"stretch": [[in, speed, out]]}.
    """
    if "edges" in question:
        return {"spans": edges(Path(question["edges"]))}
    if "pitches" in question:
        return {"pitches": speakers(Path(question["pitches"]), question["turns"])}
    for clip, speed, out in question["stretch"]:
        stretch(Path(clip), speed, Path(out))
    return {}


if __name__ == "__main__":
    serve(answer)
