"""Whisper on speech that Pico speaks: words, times, languages, silence, and long recordings."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.conf import settings
from numpy.typing import NDArray

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.hear import word_error
from jobs.pipeline.timeline import Recognition
from jobs.providers import faster_whisper_child as child
from jobs.providers.faster_whisper import FasterWhisper
from jobs.providers.pico import Pico

pytestmark = pytest.mark.models

RATE = 16_000
FIRST = "The old bridge has nine arches, and a small train crosses the mountains every day."
SECOND = "In the winter, the city is quiet."


def spoken(text: str, voice: str) -> NDArray[np.float32]:
    """The text as Pico speaks it, without silence at its ends."""
    pico = Pico()
    sound = pico.speak(text, language=voice[:2], voice=voice).samples
    pico.close()
    audible = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[audible[0] : audible[-1]]


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


def saved(path: Path, *pieces: NDArray[np.float32]) -> Path:
    soundfile.write(path, np.concatenate(pieces), RATE)
    return path


def recognizer(slots: Path) -> FasterWhisper:
    return FasterWhisper(settings.MODELS, slots=slots)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Recognition:
    """Two sentences, the first 2 s after the start, the second 3 s after the first."""
    folder = tmp_path_factory.mktemp("speech")
    first, second = spoken(FIRST, "en-US"), spoken(SECOND, "en-US")
    speech = saved(folder / "speech.flac", silence(2), first, silence(3), second, silence(1))
    return recognizer(folder).transcribe(speech, language=None)


def test_the_words_are_heard(heard: Recognition) -> None:
    text = " ".join(utterance.text for utterance in heard.utterances)

    assert word_error(f"{FIRST} {SECOND}", text, "en") <= 0.1


def test_the_language_is_detected(heard: Recognition) -> None:
    assert heard.language == "en"


def test_words_are_timed_on_the_recording(heard: Recognition) -> None:
    words = [word for utterance in heard.utterances for word in utterance.words]
    second = next(word for word in words if word.text == "In")
    end_of_first = max(word.end for word in words if word.end < second.start)

    assert words[0].start == pytest.approx(2.0, abs=0.4)
    assert second.start - end_of_first == pytest.approx(3.0, abs=0.6)
    assert all(before.start <= after.start for before, after in pairwise(words))


def test_spanish_is_detected_and_heard(tmp_path: Path) -> None:
    text = "El río cruza la ciudad, y de la torre puedes ver las montañas."
    speech = saved(tmp_path / "speech.flac", spoken(text, "es-ES"), silence(1))

    heard = recognizer(tmp_path).transcribe(speech, language=None)

    assert heard.language == "es"
    assert word_error(text, " ".join(one.text for one in heard.utterances), "es") <= 0.15


@pytest.mark.parametrize("language", [None, "en"])
def test_silence_and_noise_hold_no_speech(tmp_path: Path, language: str | None) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, 5 * RATE).astype(np.float32)
    speech = saved(tmp_path / "speech.flac", silence(3), noise)

    with pytest.raises(PipelineError) as failed:
        recognizer(tmp_path).transcribe(speech, language=language)

    assert failed.value.code == "NO_SPEECH"


def test_a_recording_longer_than_a_window_is_heard_in_one_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.providers.faster_whisper.WINDOW", 8.0)
    first, second = spoken(FIRST, "en-US"), spoken(SECOND, "en-US")
    speech = saved(tmp_path / "speech.flac", first, silence(1.5), second, silence(7), second)
    third = (first.size + 2 * second.size + 8.5 * RATE - second.size) / RATE

    heard = recognizer(tmp_path).transcribe(speech, language=None)

    text = " ".join(utterance.text for utterance in heard.utterances)
    assert word_error(f"{FIRST} {SECOND} {SECOND}", text, "en") <= 0.1
    assert heard.utterances[-1].words[0].start == pytest.approx(third, abs=0.4)


def test_a_missing_model_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as failed:
        FasterWhisper(tmp_path, slots=tmp_path).transcribe(tmp_path / "any.flac", language=None)

    assert failed.value.code == "MODEL_MISSING"


def test_a_damaged_model_is_said_plainly(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "whisper-base"
    shutil.copytree(settings.MODELS / "whisper-base", folder)
    with (folder / "vocabulary.txt").open("r+b") as file:
        file.write(b"\0")

    with pytest.raises(PipelineError) as failed:
        FasterWhisper(tmp_path / "models", slots=tmp_path).transcribe(
            tmp_path / "any.flac", language=None
        )

    assert failed.value.code == "MODEL_CORRUPT"


def test_windows_are_cut_where_it_is_quiet_and_lose_nothing(tmp_path: Path) -> None:
    loud = np.random.default_rng(2).normal(0, 0.1, 10 * RATE).astype(np.float32)
    loud[6 * RATE : 7 * RATE] = 0
    speech = saved(tmp_path / "speech.flac", loud)

    first, following = child.read_window(str(speech), 0, 9.0)
    assert following is not None
    rest, end = child.read_window(str(speech), following, 9.0)

    assert 6 * RATE < following < 7 * RATE
    assert end is None
    assert first.size + rest.size == loud.size
