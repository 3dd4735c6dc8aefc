"""Who speaks for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.pipeline.cast import cast, perceived_gender
from jobs.pipeline.ports import VoiceInfo

VOICES = tuple(VoiceInfo(name, name, "es") for name in ("ana", "luis", "eva"))
MIXED = (
    VoiceInfo("ana", "Ana", "es", "female"),
    VoiceInfo("luis", "Luis", "es", "male"),
    VoiceInfo("eva", "Eva", "es", "female"),
    VoiceInfo("oro", "Oro", "es", "male", premium=True),
)
MAN, WOMAN, OPEN = 110.0, 200.0, 158.0


def test_speakers_get_voices_of_their_own_in_the_order_of_the_engine() -> None:
    assert cast([1, 0, 1], VOICES) == {0: "ana", 1: "luis"}


def test_a_chosen_voice_is_not_given_to_anybody_else() -> None:
    assert cast([0, 1], VOICES, chosen={1: "ana"}) == {0: "luis", 1: "ana"}


def test_a_chosen_voice_that_the_engine_has_not_is_as_if_nobody_had_chosen() -> None:
    assert cast([0, 1], VOICES, chosen={0: "aura-2-thalia-en", 1: "ana"}) == {0: "luis", 1: "ana"}


@given(st.sets(st.integers(0, 40)))
def test_voices_are_shared_only_when_there_are_too_few(speakers: set[int]) -> None:
    given_voices = cast(speakers, VOICES)

    assert given_voices.keys() == speakers
    assert len(set(given_voices.values())) == min(len(speakers), len(VOICES))


@pytest.mark.parametrize(
    ("pitch", "gender"),
    [
        (None, ""),
        (95, "male"),
        (149, "male"),
        (158, ""),
        (165, "female"),
        (260, "female"),
        (340, ""),
    ],
)
def test_a_gender_is_perceived_only_where_the_pitch_is_clear(
    pitch: float | None, gender: str
) -> None:
    assert perceived_gender(pitch) == gender


def test_a_speaker_gets_a_voice_of_the_gender_that_the_pitch_suggests() -> None:
    assert cast([0, 1], MIXED, pitches={0: MAN, 1: WOMAN}) == {0: "luis", 1: "ana"}


def test_a_speaker_of_unknown_gender_leaves_voices_to_those_who_need_them() -> None:
    assert cast([0, 1], MIXED, pitches={0: OPEN, 1: WOMAN}) == {0: "luis", 1: "ana"}


def test_a_second_man_shares_the_only_voice_of_a_man() -> None:
    assert cast([0, 1], MIXED, pitches={0: MAN, 1: MAN}) == {0: "luis", 1: "luis"}


def test_a_man_has_a_womans_voice_where_there_is_no_other() -> None:
    women = [voice for voice in MIXED if voice.gender == "female"]

    assert cast([0, 1], women, pitches={0: MAN, 1: MAN}) == {0: "ana", 1: "eva"}


def test_a_premium_voice_is_given_only_to_who_chose_it() -> None:
    assert set(cast(range(5), MIXED).values()) == {"ana", "luis", "eva"}
    assert cast([0], MIXED, chosen={0: "oro"}) == {0: "oro"}


def test_a_speaker_keeps_the_usual_voice() -> None:
    assert cast([0, 1], MIXED, usual={0: "eva"}, pitches={0: WOMAN, 1: WOMAN}) == {
        0: "eva",
        1: "ana",
    }


def test_a_usual_voice_that_is_gone_or_taken_or_no_longer_fits_is_not_kept() -> None:
    assert cast([0], MIXED, usual={0: "gone"}) == {0: "ana"}
    assert cast([0, 1], MIXED, chosen={1: "eva"}, usual={0: "eva"}) == {0: "ana", 1: "eva"}
    assert cast([0], MIXED, usual={0: "eva"}, pitches={0: MAN}) == {0: "luis"}


def test_what_was_cast_once_is_cast_so_again() -> None:
    pitches = {0: MAN, 1: MAN, 2: WOMAN, 3: OPEN}
    once = cast(pitches, MIXED, pitches=pitches)

    assert cast(pitches, MIXED, usual=once, pitches=pitches) == once
