"""Works on the samples of one spoken line: level, silence at its edges, and cuts.

Sound here is 48 kHz mono float32 in -1..1.
"""

from io import BytesIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from jobs.pipeline.ports import Speech
from jobs.pipeline.timeline import SAMPLE_RATE

Sound = NDArray[np.float32]

LEVEL = -20.0  # dBFS RMS of the parts that speak
PEAK = -1.0  # dBFS
AUDIBLE = 10 ** (-40 / 20)  # after levelling, what is softer than this is silence
SILENT = 10 ** (-50 / 20)  # a take whose loudest sample is softer than this says nothing
BRIEFEST = 0.03  # seconds: less is a click, not speech
ACTIVE = 10 ** (-25 / 20)  # a frame speaks when it is at most 25 dB below the loudest one
FRAME = SAMPLE_RATE // 100
ROLL = SAMPLE_RATE * 4 // 1000  # kept before the first and after the last audible sample
FADE = SAMPLE_RATE * 5 // 1000


def at_48k(speech: Speech) -> Sound:
    """The speech at 48 kHz, through a band-limited resampler, with nothing over full scale."""
    sound = np.asarray(speech.samples, dtype=np.float32).reshape(-1)
    sound = np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0)
    if speech.sample_rate != SAMPLE_RATE and sound.size:
        sound = np.asarray(soxr.resample(sound, speech.sample_rate, SAMPLE_RATE, "HQ"), np.float32)
    loudest = float(np.abs(sound).max(initial=0.0))
    return sound / loudest if loudest > 1.0 else sound


def wav(sound: Sound) -> bytes:
    """The sound as a 16-bit WAV file."""
    file = BytesIO()
    soundfile.write(file, sound, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    return file.getvalue()


def from_wav(content: bytes) -> Sound:
    """The sound in a 48 kHz mono WAV file."""
    sound, rate = soundfile.read(BytesIO(content), dtype="float32", always_2d=True)
    if rate != SAMPLE_RATE:
        raise ValueError(f"a take has {rate} Hz, not 48000")
    return np.ascontiguousarray(sound[:, 0])


def is_silent(sound: Sound) -> bool:
    """Say whether this is no speech at all: empty, a click, or next to nothing."""
    return int(np.count_nonzero(np.abs(sound) > SILENT)) < BRIEFEST * SAMPLE_RATE / 4


def levelled(sound: Sound) -> Sound:
    """The same with its speaking parts at -20 dBFS RMS, or lower if peaks would pass -1 dBFS."""
    active = active_rms(sound)
    if active <= 0:
        return sound
    gain = 10 ** (LEVEL / 20) / active
    highest = 10 ** (PEAK / 20) / float(np.abs(sound).max())
    return (sound * np.float32(min(gain, highest))).astype(np.float32)


def active_rms(sound: Sound) -> float:
    """Root mean square over the frames in which something is said."""
    if not sound.size:
        return 0.0
    padded = np.pad(sound, (0, -sound.size % FRAME)).reshape(-1, FRAME).astype(np.float64)
    power = np.mean(padded * padded, axis=1)
    loud = power[power >= float(power.max()) * ACTIVE**2]
    return float(np.sqrt(loud.mean()))


def trimmed(sound: Sound) -> Sound:
    """The same without the silence at both ends, but for 4 ms each, faded."""
    audible = np.flatnonzero(np.abs(sound) > AUDIBLE)
    if not audible.size:
        return sound[:0]
    first = max(0, int(audible[0]) - ROLL)
    last = min(sound.size, int(audible[-1]) + 1 + ROLL)
    kept = sound[first:last].copy()
    _fade(kept[: int(audible[0]) - first])
    _fade(kept[kept.size - (last - int(audible[-1]) - 1) :][::-1])
    return kept


def shortened(sound: Sound, samples: int) -> Sound:
    """At most `samples` of the sound, ended at its quietest moment near there, faded out.

    Looks for that moment in the last fifth of what may stay.
    """
    if sound.size <= samples:
        return sound
    return _cut(sound, _quietest(sound, samples * 4 // 5, samples))


def ended(sound: Sound, samples: int) -> Sound:
    """Exactly the first `samples` of the sound, faded out; for an excess of a few milliseconds."""
    return sound if sound.size <= samples else _cut(sound, samples)


def joined(parts: list[Sound], pause: float) -> Sound:
    """The parts one after the other with `pause` seconds between them."""
    between = np.zeros(round(pause * SAMPLE_RATE), np.float32)
    pieces = [piece for part in parts for piece in (part, between)][:-1]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _cut(sound: Sound, samples: int) -> Sound:
    kept = sound[:samples].copy()
    _fade(kept[-FADE:][::-1])
    return kept


def _quietest(sound: Sound, first: int, last: int) -> int:
    frames = (last - first) // FRAME
    if frames < 2:
        return last
    part = sound[last - frames * FRAME : last].reshape(frames, FRAME).astype(np.float64)
    power = np.mean(part * part, axis=1)
    # Half a frame, so that the cut is in the middle of the quiet one.
    return last - (frames - int(power.argmin())) * FRAME + FRAME // 2


def _fade(edge: Sound) -> None:
    """Fade in, in place; hand a reversed view over to fade out."""
    edge *= np.linspace(0.0, 1.0, edge.size, endpoint=False, dtype=np.float32)
