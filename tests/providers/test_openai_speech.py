"""OpenAI's speech endpoint over real HTTP."""

from datetime import date

import pytest

from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.languages import LANGUAGES
from jobs.providers.openai_speech import OpenAISpeech
from tests.peers import voiced
from tests.peers.server import VendorPeer
from tests.providers.conftest import Placed


def speaker(vendors: VendorPeer, placed: Placed, model: str = "tts-1") -> OpenAISpeech:
    return placed.open(
        OpenAISpeech(
            calls=placed.calls,
            model=model,
            api_key="a-key",
            base_url=vendors.openai_url,
            vendor="own server",
        )
    )


def test_a_text_comes_back_as_speech(vendors: VendorPeer, placed: Placed) -> None:
    speech = speaker(vendors, placed).speak("안녕하세요 여러분", language="ko", voice="nova")

    expected = voiced.seconds_of("안녕하세요 여러분") + 2 * voiced.SILENCE
    assert speech.samples.size / speech.sample_rate == pytest.approx(expected, abs=0.01)
    assert vendors.calls[0].asked == {
        "model": "tts-1",
        "voice": "nova",
        "input": "안녕하세요 여러분",
        "response_format": "wav",
    }


@pytest.mark.parametrize(("model", "sent"), [("tts-1", 1.2), ("gpt-4o-mini-tts", None)])
def test_only_models_that_obey_a_rate_are_asked_for_one(
    vendors: VendorPeer, placed: Placed, model: str, sent: float | None
) -> None:
    speaker(vendors, placed, model).speak("Hello", language="en", voice="onyx", rate=1.2)

    assert vendors.calls[0].asked.get("speed") == sent


def test_every_language_has_a_woman_and_a_man(placed: Placed) -> None:
    own = OpenAISpeech(calls=placed.calls, model="gpt-4o-mini-tts", api_key="a-key")

    for language in LANGUAGES:
        genders = {one.gender for one in own.engine.voices if one.language == language}
        assert genders == {"female", "male"}


def test_openais_own_models_tell_when_they_end(vendors: VendorPeer, placed: Placed) -> None:
    own = OpenAISpeech(calls=placed.calls, model="gpt-4o-mini-tts", api_key="a-key")

    assert own.engine.ends == date(2027, 1, 6)
    assert speaker(vendors, placed).engine.ends is None


def test_openais_speech_costs_what_it_publishes_and_ones_own_nothing(
    vendors: VendorPeer, placed: Placed
) -> None:
    speaker(vendors, placed).speak("Hello", language="en", voice="nova")

    assert placed.accounts.paid[0].bill.cost_microusd == 0
    own = OpenAISpeech(calls=placed.calls, model="tts-1", api_key="a-key")
    assert [(price.unit, price.microusd) for price in own.engine.prices] == [("characters", 15.0)]


def test_a_model_that_is_not_there_needs_our_staff(vendors: VendorPeer, placed: Placed) -> None:
    with pytest.raises(ProviderFailed) as failed:
        speaker(vendors, placed, "tts-of-tomorrow").speak("Hello", language="en", voice="nova")

    assert failed.value.code == "VENDOR_ACCOUNT"
    assert len(vendors.calls) == 1
