"""How high a voice is, measured with librosa, whose process this is for: `analysis_child`.

Only the loud parts of a speaker's turns count, which are vowels, and of those only moments at which
the pitch stands still: consonants, breath and other sounds have a new one in every frame.
"""

from collections.abc import Sequence

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 16_000
FRAME = 1024  # samples: four periods of the lowest voice
HOP = 256
LOWEST, HIGHEST = 60.0, 400.0  # Hz; speech of men, women and children
MOST = 60.0  # seconds of one speaker that are enough to know the voice
SHORTEST = 0.3  # seconds; a turn shorter than this says nothing
LOUD = 60  # percent of all frames that are less loud than those that count
STILL = 0.05  # by which share the pitch may move from frame to frame
LEAST = 1.0  # seconds of such moments without which nothing is known

Array = NDArray[np.float32]


def middle_pitch(sound: soundfile.SoundFile, turns: Sequence[tuple[float, float]]) -> float | None:
    """The median pitch (Hz) of whoever speaks in these seconds of a 16 kHz mono file, if any."""
    found: list[NDArray[np.float64]] = []
    heard = 0.0
    for start, end in sorted(turns, key=lambda turn: turn[0] - turn[1]):
        if end - start < SHORTEST or heard >= MOST:
            break
        heard += end - start
        sound.seek(min(round(start * RATE), sound.frames))
        samples = sound.read(round(min(end - start, MOST) * RATE), dtype="float32")
        found.append(pitches(samples))
    every = np.concatenate(found) if found else np.empty(0)
    return float(np.median(every)) if every.size * HOP >= LEAST * RATE else None


def pitches(samples: Array) -> NDArray[np.float64]:
    """The pitch of every moment at which a voice holds one, in Hz."""
    if samples.size < 2 * FRAME or not samples.any():
        return np.empty(0)
    power = librosa.feature.rms(y=samples, frame_length=FRAME, hop_length=HOP)[0]
    pitch = librosa.yin(
        samples, sr=RATE, fmin=LOWEST, fmax=HIGHEST, frame_length=FRAME, hop_length=HOP
    )
    moved = np.abs(np.diff(pitch)) > STILL * pitch[:-1]
    still = ~(np.append(moved, True) | np.insert(moved, 0, True))
    inside = (pitch > LOWEST * 1.05) & (pitch < HIGHEST * 0.95)
    loud = power > max(float(np.percentile(power, LOUD)), 1e-4)
    chosen: NDArray[np.float64] = pitch[still & inside & loud]
    return chosen
