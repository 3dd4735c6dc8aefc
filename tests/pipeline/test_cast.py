"""Who speaks for whom."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.pipeline.cast import cast
from jobs.pipeline.ports import VoiceInfo

VOICES = tuple(VoiceInfo(name, name, "es") for name in ("ana", "luis", "eva"))


def test_speakers_get_voices_of_their_own_in_the_order_of_the_engine() -> None:
    assert cast([1, 0, 1], VOICES) == {0: "ana", 1: "luis"}


def test_a_chosen_voice_is_not_given_to_anybody_else() -> None:
    assert cast([0, 1], VOICES, chosen={1: "ana"}) == {0: "luis", 1: "ana"}


@given(st.sets(st.integers(0, 40)))
def test_voices_are_shared_only_when_there_are_too_few(speakers: set[int]) -> None:
    given_voices = cast(speakers, VOICES)

    assert given_voices.keys() == speakers
    assert len(set(given_voices.values())) == min(len(speakers), len(VOICES))
