"""The capability tables: every language has voices, and the names are those that vendors know."""

from itertools import pairwise
from typing import get_args

import pytest
from botocore.session import get_session
from deepgram.speak.v1.audio.types.audio_generate_request_model import AudioGenerateRequestModel

from jobs.pipeline.languages import LANGUAGES, find
from jobs.pipeline.ports import VoiceInfo
from jobs.providers.polly import CODES
from jobs.providers.voices import (
    AURA_PACED_VOICES,
    AURA_UNPACED_VOICES,
    POLLY_NEURAL_VOICES,
    POLLY_VOICES,
)

AURA_VOICES = (*AURA_PACED_VOICES, *AURA_UNPACED_VOICES)


def of(language: str, voices: tuple[VoiceInfo, ...]) -> list[VoiceInfo]:
    return [voice for voice in voices if voice.language.partition("-")[0] == language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_voice_with_vendor_keys(language: str) -> None:
    assert of(language, AURA_VOICES) or of(language, POLLY_VOICES)


def test_deepgram_speaks_six_languages_and_polly_all_twelve() -> None:
    deepgram = {language for language in LANGUAGES if of(language, AURA_VOICES)}
    polly = {language for language in LANGUAGES if of(language, POLLY_VOICES)}

    assert deepgram == {"en", "es", "fr", "de", "it", "ja"}
    assert polly == set(LANGUAGES)


def test_only_russian_has_no_neural_voice() -> None:
    assert {language for language in LANGUAGES if not of(language, POLLY_NEURAL_VOICES)} == {"ru"}


def test_deepgrams_library_knows_every_aura_voice() -> None:
    known = set(get_args(get_args(AudioGenerateRequestModel)[0]))
    ours = {voice.id for voice in AURA_VOICES}

    assert ours <= known
    assert {name for name in known - ours if name.startswith("aura-2-")} == {
        name for name in known if name.startswith("aura-2-") and name.endswith("-nl")
    }


def test_amazons_library_knows_every_polly_voice_and_language() -> None:
    asked = get_session().get_service_model("polly").operation_model("SynthesizeSpeech")
    members = asked.input_shape.members

    assert {voice.id for voice in POLLY_VOICES} <= set(members["VoiceId"].enum)
    languages = {CODES.get(voice.language, voice.language) for voice in POLLY_VOICES}
    assert languages <= set(members["LanguageCode"].enum)


@pytest.mark.parametrize("voices", [AURA_VOICES, POLLY_VOICES], ids=["aura", "polly"])
def test_ids_are_unique_and_nothing_is_premium(voices: tuple[VoiceInfo, ...]) -> None:
    assert len({voice.id for voice in voices}) == len(voices)
    assert not any(voice.premium for voice in voices)
    assert {voice.gender for voice in voices} == {"female", "male"}


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "it", "ja"])
def test_the_first_two_speakers_get_a_woman_and_a_man(language: str) -> None:
    first, second = next(pairwise(of(language, AURA_VOICES)))

    assert first.gender != second.gender


def test_languages_are_tags_that_we_know() -> None:
    for voice in (*AURA_VOICES, *POLLY_VOICES):
        assert find(voice.language.partition("-")[0])
