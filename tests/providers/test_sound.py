"""What is believed of the speech that vendors send."""

import struct

import pytest

from jobs.providers import sound
from tests.peers import voiced

RATE = 48_000
TEXT = "A sentence of so many letters that nobody, however quick, says it within a second."


@pytest.mark.parametrize("claimed", [0, 0x7FFFFFDB, 0x7FFFFFFF, 0xFFFFFFDB, 0xFFFFFFFF])
def test_a_streamed_file_reaches_to_its_end_whatever_length_it_claims(claimed: int) -> None:
    content = bytearray(voiced.wav(voiced.lasting(1.0, voice="v", sample_rate=RATE), RATE))
    struct.pack_into("<I", content, content.index(b"data") + 4, claimed)

    speech = sound.from_wav(bytes(content), least=0.5, most=2.0)

    assert speech.samples.size == pytest.approx(1.24 * RATE, abs=1)


def test_a_file_that_ends_before_its_own_length_is_cut_off() -> None:
    content = voiced.wav(voiced.lasting(1.0, voice="v", sample_rate=RATE), RATE)

    with pytest.raises(sound.Unusable, match="cut off"):
        sound.from_wav(content[:-1000], least=0.5, most=2.0)


@pytest.mark.parametrize(
    ("text", "language"),
    [(TEXT, "en"), ("Oh!", "es"), ("…", "fr"), ("我们今天去港口看船。", "zh-Hant"), ("1984", "de")],
)
def test_what_voices_take_for_a_text_lies_within_its_bounds(text: str, language: str) -> None:
    seconds = voiced.seconds_of(text)

    assert sound.shortest(text, language, 1.0) < seconds < sound.longest(text, language, 1.0)
