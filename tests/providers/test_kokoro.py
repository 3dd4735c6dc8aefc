"""Kokoro: what it says, what it can't say, and when its process ends."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from django.conf import settings

from jobs.pipeline.errors import PipelineError, ProviderFailed
from jobs.pipeline.hear import word_error
from jobs.pipeline.ports import Speech
from jobs.pipeline.weights import KOKORO_VOICES
from jobs.providers.faster_whisper import FasterWhisper
from jobs.providers.kokoro import VOICES, Kokoro, installed

SENTENCE = "El puente cruza el río y lleva a la gente a la ciudad vieja."


@pytest.fixture(scope="module")
def kokoro(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kokoro]:
    voice = Kokoro(settings.MODELS, slots=tmp_path_factory.mktemp("slots"))
    yield voice
    voice.close()


def seconds(speech: Speech) -> float:
    return speech.samples.size / speech.sample_rate


def test_every_voice_that_it_offers_is_in_its_file_and_no_other() -> None:
    assert {voice.id for voice in VOICES} == set(KOKORO_VOICES)


def test_voices_tell_language_and_gender_by_their_names() -> None:
    letters = {"en": "a", "es": "e", "fr": "f", "it": "i", "pt": "p", "ja": "j", "zh": "z"}

    for voice in VOICES:
        assert voice.id[:2] == letters[voice.language[:2]] + voice.gender[0]


def test_without_its_files_it_is_not_installed(tmp_path: Path) -> None:
    assert installed(tmp_path) is False


def test_a_missing_model_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="make models") as missing:
        Kokoro(tmp_path, slots=tmp_path).speak("Hola", language="es", voice="ef_dora")

    assert missing.value.code == "MODEL_MISSING"


@pytest.mark.fullset
def test_what_it_says_is_understood(kokoro: Kokoro, tmp_path: Path) -> None:
    speech = kokoro.speak(SENTENCE, language="es", voice="ef_dora")
    file = tmp_path / "speech.flac"
    soundfile.write(file, soxr.resample(speech.samples, speech.sample_rate, 16_000), 16_000)

    heard = FasterWhisper(settings.MODELS, slots=tmp_path).transcribe(file, language="es")

    text = " ".join(utterance.text for utterance in heard.utterances)
    assert word_error(SENTENCE, text, "es") <= 0.1


@pytest.mark.fullset
@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("af_heart", "Anna has 25 books."),
        ("am_michael", "Anna has 25 books."),
        ("em_alex", "Anna tiene 25 libros."),
        ("ff_siwis", "Anna a 25 livres."),
        ("if_sara", "Anna ha 25 libri."),
        ("im_nicola", "Anna ha 25 libri."),
        ("pf_dora", "Anna tem 25 livros."),
        ("pm_alex", "Anna tem 25 livros."),
        ("jf_alpha", "アンナは本を25冊持っています。"),
        ("jm_kumo", "アンナは本を25冊持っています。"),
        ("zf_xiaoxiao", "安娜有25本书。"),
        ("zm_yunxi", "安娜有25本书。"),
    ],
)
def test_every_voice_speaks(kokoro: Kokoro, voice: str, text: str) -> None:
    speech = kokoro.speak(text, language="", voice=voice)

    assert 0.8 < seconds(speech) < 5
    assert 0.1 < np.abs(speech.samples).max() <= 1


@pytest.mark.fullset
@pytest.mark.parametrize("text", ["", "...", "<>", "😀"])
def test_what_it_cannot_say_is_refused(kokoro: Kokoro, text: str) -> None:
    with pytest.raises(ProviderFailed) as refused:
        kokoro.speak(text, language="es", voice="ef_dora")

    assert refused.value.code == "ENGINE_REFUSED"


@pytest.mark.fullset
def test_pictures_in_a_line_are_not_said(kokoro: Kokoro) -> None:
    plain = kokoro.speak("Hola.", language="es", voice="ef_dora")

    pictured = kokoro.speak("Hola 😀.", language="es", voice="ef_dora")

    assert seconds(pictured) == pytest.approx(seconds(plain), abs=0.15)


@pytest.mark.fullset
def test_its_process_ends_when_nobody_speaks_and_starts_again(tmp_path: Path) -> None:
    voice = Kokoro(settings.MODELS, slots=tmp_path, idle=0.05)
    voice.speak("Hola.", language="es", voice="ef_dora")

    assert voice._ending is not None
    voice._ending.join()

    assert voice._child._program is None
    assert seconds(voice.speak("Hola.", language="es", voice="ef_dora")) > 0.3
    voice.close()


@pytest.mark.fullset
def test_the_place_is_free_between_two_lines(kokoro: Kokoro) -> None:
    kokoro.speak("Hola.", language="es", voice="ef_dora")

    with_place = FasterWhisper(settings.MODELS, slots=kokoro.slots)

    with pytest.raises(PipelineError):  # it gets as far as opening a file that isn't there
        with_place.transcribe(kokoro.slots / "none.flac", language="es")


@pytest.mark.fullset
def test_a_killed_process_fails_one_line_and_the_next_is_spoken(kokoro: Kokoro) -> None:
    kokoro.speak("Hola.", language="es", voice="ef_dora")
    program = kokoro._child._program
    assert program is not None
    os.kill(program._popen.pid, signal.SIGKILL)
    assert program.wait(10)

    assert seconds(kokoro.speak("Hola.", language="es", voice="ef_dora")) > 0.3


@pytest.mark.fullset
@pytest.mark.parametrize("language", ["zh", None])
def test_what_it_says_in_chinese_is_written_in_one_script(
    kokoro: Kokoro, tmp_path: Path, language: str | None
) -> None:
    text = "我奶奶教我如何做这个面包。"
    said = kokoro.speak(text, language="zh", voice="zf_xiaoxiao")
    speech = tmp_path / "speech.flac"
    soundfile.write(speech, soxr.resample(said.samples, said.sample_rate, 16_000), 16_000)

    heard = FasterWhisper(settings.MODELS, slots=tmp_path).transcribe(speech, language=language)

    written = "".join(utterance.text for utterance in heard.utterances)
    assert heard.language == "zh"
    assert {"个", "这"} & set(written)
    assert not {"個", "這", "麵"} & set(written)
