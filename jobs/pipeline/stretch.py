"""Makes clips faster or slower without changing their pitch.

Rubber Band (in ffmpeg) eats the first 5 to 12 ms of a clip that starts at once, moves the onset by
a few milliseconds and loses up to 1.6 dB. So it gets silence around the clip, and afterwards onset,
length and level are put back to what they were. Where ffmpeg lacks it, librosa's phase vocoder
stands in.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.pipeline import analysis, ffmpeg
from jobs.pipeline.program import Stop
from jobs.pipeline.timeline import SAMPLE_RATE

BATCH = 32  # clips per process: a start costs 0.1 s of CPU, every open clip about 2 MB
PAD = 4800  # samples of silence that Rubber Band gets before and after a clip
AUDIBLE = 10 ** (-40 / 20)  # what counts as the first sound of a clip
FARTHEST = 1440  # samples that an onset may be moved back; more is another sound, not a shift
FADE = 144  # samples at the end, against a click where the last sound was cut
PEAK = 10 ** (-1 / 20)
SLOWEST, FASTEST = 0.5, 2.0

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A 48 kHz mono WAV and the factor by which it shall be faster."""

    clip: Path
    speed: float


def stretch(clips: Sequence[Stretch], folder: Path, *, stop: Stop | None = None) -> list[Path]:
    """The clips at their speeds as files in `folder`, in the same order, n / speed samples long.

    The first sample over -40 dBFS stands where it stood (divided by the speed), and the RMS level
    is that of the clip. A clip at speed 1 is given back as it is. Raises MEDIA_TOOL, OUT_OF_TIME.
    """
    for one in clips:
        if not SLOWEST <= one.speed <= FASTEST:
            raise ValueError(f"speed {one.speed} is not between {SLOWEST} and {FASTEST}")
    made = {one: _named(one, folder) for one in clips if one.speed != 1.0}
    wanted = list(made)
    for first in range(0, len(wanted), BATCH):
        batch = wanted[first : first + BATCH]
        raw = [made[one].with_suffix(".raw.wav") for one in batch]
        _engine()(batch, raw, stop)
        for one, path in zip(batch, raw, strict=True):
            settled = settle(_read(one.clip), _read(path), speed=one.speed)
            soundfile.write(made[one], settled, SAMPLE_RATE, subtype="PCM_16")
            path.unlink()
    return [made.get(one, one.clip) for one in clips]


def settle(clip: Sound, stretched: Sound, *, speed: float) -> Sound:
    """Put length, onset and level of a stretched clip back to what the clip asks for.

    stretched is the clip together with PAD samples of silence that stood on both sides of it.
    """
    expected = round(PAD / speed)
    start = expected + _shift(clip, stretched, speed=speed, expected=expected)
    length = max(1, round(len(clip) / speed))
    before = np.zeros(max(0, -start), np.float32)
    cut = np.concatenate([before, stretched[max(0, start) : start + length]])[:length]
    cut = np.pad(cut, (0, length - len(cut)))
    fade = min(FADE, length)
    cut[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut * np.float32(_level(clip, cut))


def _shift(clip: Sound, stretched: Sound, *, speed: float, expected: int) -> int:
    """By how many samples the onset came later than it should have."""
    was, now = _onset(clip), _onset(stretched)
    if was is None or now is None:
        return 0
    shift = now - expected - round(was / speed)
    return shift if abs(shift) <= FARTHEST else 0


def _onset(sound: Sound) -> int | None:
    loud = np.abs(sound) > AUDIBLE
    return int(np.argmax(loud)) if loud.any() else None


def _level(clip: Sound, cut: Sound) -> float:
    """The factor that brings `cut` to the RMS level of `clip`, as far as its peak allows."""
    power, peak = float(np.mean(np.square(cut))), float(np.max(np.abs(cut)))
    if power == 0.0:
        return 1.0
    factor = (float(np.mean(np.square(clip))) / power) ** 0.5
    highest = max(PEAK, float(np.max(np.abs(clip)))) / peak
    return float(min(np.clip(factor, 0.5, 2.0), highest))


def _engine() -> Callable[[Sequence[Stretch], Sequence[Path], Stop | None], None]:
    missing = ffmpeg.versions_and_features().missing
    return with_librosa if "rubberband" in missing else with_rubber_band


def with_rubber_band(batch: Sequence[Stretch], raw: Sequence[Path], stop: Stop | None) -> None:
    """Stretch clips, with silence around them, in one ffmpeg process."""
    ends = []
    for one, out in zip(batch, raw, strict=True):
        chain = f"adelay={PAD}S,apad=pad_len={PAD},rubberband=tempo={one.speed!r}"
        ends.append(ffmpeg.output(ffmpeg.source(one.clip), out=out, acodec="pcm_s16le", af=chain))
    seconds = sum(soundfile.info(one.clip).duration for one in batch)
    ffmpeg.run(ffmpeg.together(*ends), seconds=seconds, outputs=raw, stop=stop)


def with_librosa(batch: Sequence[Stretch], raw: Sequence[Path], stop: Stop | None) -> None:
    """Stretch clips, with silence around them, in a child process."""
    for one, out in zip(batch, raw, strict=True):
        soundfile.write(out, np.pad(_read(one.clip), PAD), SAMPLE_RATE, subtype="PCM_16")
    speeds = [one.speed for one in batch]
    analysis.stretch_with_librosa(list(zip(raw, speeds, raw, strict=True)), stop=stop)


def _named(one: Stretch, folder: Path) -> Path:
    # Takes of different folders may share a name.
    digest = hashlib.sha256(f"{one.clip}@{one.speed!r}".encode()).hexdigest()[:12]
    return folder / f"{one.clip.stem}-{digest}.wav"


def _read(path: Path) -> Sound:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE:
        raise ValueError(f"a clip has {rate} Hz, not 48000")
    return np.ascontiguousarray(sound[:, 0])
