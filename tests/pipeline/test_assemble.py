import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from jobs.pipeline.assemble import assemble

RATE = 48_000


def clip(folder: Path, samples: NDArray[np.int16], name: str = "clip", rate: int = RATE) -> Path:
    path = folder / f"{name}.wav"
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def ramp(length: int, level: int = 1000) -> NDArray[np.int16]:
    return (np.arange(length) % 97 + level).astype(np.int16)


def track(path: Path) -> NDArray[np.int16]:
    return np.asarray(soundfile.read(path, dtype="int16")[0])


@pytest.mark.parametrize("samples", [1, 47_999, 48_000, 48_001, 200_123])
def test_the_track_is_as_long_as_asked_to_the_sample(tmp_path: Path, samples: int) -> None:
    out = tmp_path / "voice.flac"

    assemble([(0.5, clip(tmp_path, ramp(60_000)))], samples, out)

    written = soundfile.info(out)
    assert (written.frames, written.samplerate, written.channels) == (samples, RATE, 1)
    assert (written.format, written.subtype) == ("FLAC", "PCM_16")


def test_clips_stand_at_the_nearest_sample_and_the_rest_is_silent(tmp_path: Path) -> None:
    first, second = clip(tmp_path, ramp(100_000), "a"), clip(tmp_path, ramp(500, 2000), "b")
    expected = np.zeros(5 * RATE, np.int16)
    expected[12_000:112_000] = ramp(100_000)
    expected[192_001:192_501] = ramp(500, 2000)

    assemble([(4.0000199, second), (0.25, first)], 5 * RATE, tmp_path / "voice.flac")

    assert np.array_equal(track(tmp_path / "voice.flac"), expected)


def test_overlapping_clips_are_summed_and_never_wrap(tmp_path: Path) -> None:
    loud = clip(tmp_path, np.full(1000, 30_000, np.int16), "loud")
    low = clip(tmp_path, np.full(1000, -30_000, np.int16), "low")
    quiet = clip(tmp_path, np.full(1000, 500, np.int16), "quiet")
    placed = [(0.0, loud), (0.0, loud), (1.0, low), (1.0, low), (2.0, loud), (2.0, quiet)]

    assemble(placed, 3 * RATE, tmp_path / "voice.flac")

    made = track(tmp_path / "voice.flac")
    assert [int(made[at]) for at in (500, RATE + 500, 2 * RATE + 500)] == [32767, -32768, 30_500]


def test_what_stands_outside_the_track_is_left_out(tmp_path: Path) -> None:
    sound = clip(tmp_path, ramp(RATE))

    assemble([(-0.5, sound), (1.5, sound), (7.0, sound)], 2 * RATE, tmp_path / "voice.flac")

    made = track(tmp_path / "voice.flac")
    assert len(made) == 2 * RATE
    assert np.array_equal(made[: RATE // 2], ramp(RATE)[RATE // 2 :])
    assert np.array_equal(made[RATE * 3 // 2 :], ramp(RATE)[: RATE // 2])


def test_a_clip_of_another_rate_is_refused(tmp_path: Path) -> None:
    wrong = clip(tmp_path, ramp(100), rate=44_100)

    with pytest.raises(ValueError, match="44100 Hz"):
        assemble([(0.0, wrong)], RATE, tmp_path / "voice.flac")


def test_a_long_track_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    sound = clip(tmp_path, ramp(RATE))
    peaks = []

    for seconds in (20, 200):
        tracemalloc.start()
        placed = [(float(at), sound) for at in range(0, seconds, 2)]
        assemble(placed, seconds * RATE, tmp_path / "voice.flac")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.2
    assert peaks[1] < 4_000_000
