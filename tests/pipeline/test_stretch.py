from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from jobs.pipeline import stretch as stretching
from jobs.pipeline.program import Stop
from jobs.pipeline.stretch import Stretch, settle, stretch

RATE = 48_000
SPEEDS = (0.90, 0.97, 1.04, 1.15, 1.25)

Sound = NDArray[np.float32]
Engine = Callable[[Sequence[Stretch], Sequence[Path], Stop | None], None]


def vowels(syllables: int = 5, pitch: float = 130.0) -> Sound:
    """Syllables of a voiced sound with hard onsets and pauses, from the first sample on."""
    at = np.arange(round(0.3 * RATE)) / RATE
    voiced = sum(np.sin(2 * np.pi * pitch * k * at) / k for k in range(1, 16))
    syllable = voiced * np.concatenate([np.ones(round(0.2 * RATE)), np.zeros(round(0.1 * RATE))])
    return np.asarray(0.12 * np.tile(syllable, syllables), np.float32)


def onset(sound: Sound) -> int:
    return int(np.argmax(np.abs(sound) > 0.01))


def decibels(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(np.square(sound))))


def pitch_of(sound: Sound) -> float:
    """The spacing of its harmonics, from the autocorrelation of its spectrum's strongest part."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    same = np.fft.irfft(power)[: RATE // 60]
    shortest = RATE // 300
    return RATE / (shortest + int(np.argmax(same[shortest:])))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "take.wav"
    soundfile.write(path, np.pad(vowels(), (192, 192)), RATE, subtype="PCM_16")
    return path


def read(path: Path) -> Sound:
    return np.asarray(soundfile.read(path, dtype="float32")[0])


def test_a_clip_at_its_own_speed_is_given_back(tmp_path: Path, clip: Path) -> None:
    assert stretch([Stretch(clip, 1.0)], tmp_path) == [clip]


@pytest.mark.parametrize("speed", [0.2, 3.0, float("nan")])
def test_a_speed_beyond_reason_is_refused(tmp_path: Path, clip: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        stretch([Stretch(clip, speed)], tmp_path)


@pytest.mark.parametrize("late", [-300, 0, 500])
def test_settling_puts_a_moved_onset_back(late: int) -> None:
    clip = vowels()
    moved = np.pad(clip * 0.8, (stretching.PAD + late, stretching.PAD - late))

    settled = settle(clip, moved, speed=1.0)

    assert len(settled) == len(clip)
    assert onset(settled) == onset(clip)
    assert decibels(settled) == pytest.approx(decibels(clip), abs=0.05)


def test_settling_never_makes_peaks_of_full_scale() -> None:
    clip = np.clip(vowels() * 3, -0.85, 0.85)
    spiky = np.pad(clip * 0.5, stretching.PAD)
    spiky[stretching.PAD + RATE // 20] = 0.8

    settled = settle(clip, spiky, speed=1.0)

    assert float(np.abs(settled).max()) == pytest.approx(10 ** (-1 / 20), abs=0.001)


def test_settling_silence_gives_silence() -> None:
    settled = settle(np.zeros(1000, np.float32), np.zeros(11_000, np.float32), speed=1.25)

    assert settled.tolist() == [0.0] * 800


@pytest.mark.ffmpeg
@pytest.mark.parametrize("speed", SPEEDS)
def test_length_onset_level_and_pitch_are_kept(tmp_path: Path, clip: Path, speed: float) -> None:
    before = read(clip)

    (made,) = stretch([Stretch(clip, speed)], tmp_path)

    after = read(made)
    assert len(after) == round(len(before) / speed)
    assert abs(onset(after) - onset(before) / speed) <= 0.003 * RATE
    assert decibels(after) == pytest.approx(decibels(before), abs=0.3)
    assert pitch_of(after) == pytest.approx(pitch_of(before), rel=0.02)


@pytest.mark.ffmpeg
def test_more_clips_than_fit_one_process_keep_their_order(tmp_path: Path) -> None:
    wanted = []
    for number in range(stretching.BATCH + 3):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, vowels(1)[: 9600 + 100 * number], RATE, subtype="PCM_16")
        wanted.append(Stretch(path, 1.0 if number % 5 == 0 else 1.1))

    made = stretch(wanted, tmp_path)

    lengths = [soundfile.info(path).frames for path in made]
    assert lengths == [
        round((9600 + 100 * number) / one.speed) for number, one in enumerate(wanted)
    ]
    assert list(tmp_path.glob("*.raw.wav")) == []


@pytest.mark.ffmpeg
def test_clips_of_the_same_name_and_the_same_clip_twice_are_kept_apart(
    tmp_path: Path, clip: Path
) -> None:
    other = tmp_path / "other" / "take.wav"
    other.parent.mkdir()
    soundfile.write(other, vowels(2), RATE, subtype="PCM_16")

    made = stretch([Stretch(clip, 1.1), Stretch(other, 1.1), Stretch(clip, 1.2)], tmp_path)

    frames = [soundfile.info(path).frames for path in made]
    assert len(set(made)) == 3
    assert frames == [round(72_384 / 1.1), round(28_800 / 1.1), round(72_384 / 1.2)]


@pytest.mark.models
def test_librosa_stretches_too(tmp_path: Path, clip: Path) -> None:
    raw = tmp_path / "raw.wav"
    before = read(clip)

    stretching.with_librosa([Stretch(clip, 1.2)], [raw], None)

    after = settle(before, read(raw), speed=1.2)
    assert len(after) == round(len(before) / 1.2)
    assert abs(onset(after) - onset(before) / 1.2) <= 0.003 * RATE
    assert pitch_of(after) == pytest.approx(pitch_of(before), rel=0.02)
