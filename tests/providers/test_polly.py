"""Amazon Polly over real HTTP: what is sent, and what comes back."""

from pathlib import Path

import pytest

from jobs.pipeline.errors import ProviderFailed
from jobs.providers.polly import Polly, marked
from tests.peers import polly as wire
from tests.peers import voiced
from tests.peers.exchange import Answer
from tests.peers.faults import Fault, always
from tests.peers.server import LOOKS, VendorPeer
from tests.providers.conftest import Placed


@pytest.fixture
def polly(vendors: VendorPeer, placed: Placed) -> Polly:
    return placed.open(
        Polly(calls=placed.calls, base_url=vendors.url, access_key="a-key", secret_key="a-secret")
    )


def say(polly: Polly, text: str, *, voice: str = "Camila", rate: float = 1.0) -> float:
    """Speak, and tell the seconds."""
    speech = polly.speak(text, language="pt", voice=voice, rate=rate)
    return speech.samples.size / speech.sample_rate


def expected(text: str, rate: float = 1.0) -> float:
    return voiced.seconds_of(text, rate) + 2 * voiced.SILENCE


def test_a_text_comes_back_as_speech(polly: Polly, vendors: VendorPeer) -> None:
    seconds = say(polly, "Bom dia a todos.")

    assert seconds == pytest.approx(expected("Bom dia a todos."), abs=0.02)
    assert vendors.calls[0].asked == {
        "Engine": "neural",
        "LanguageCode": "pt-BR",
        "OutputFormat": "ogg_vorbis",
        "SampleRate": "24000",
        "Text": "Bom dia a todos.",
        "TextType": "text",
        "VoiceId": "Camila",
    }
    assert "AWS4-HMAC-SHA256 Credential=a-key/" in vendors.calls[0].headers["authorization"]


@pytest.mark.parametrize(
    ("voice", "engine", "language"),
    [("Tatyana", "standard", "ru-RU"), ("Zhiyu", "neural", "cmn-CN"), ("Zayd", "neural", "ar-AE")],
)
def test_each_voice_is_asked_for_as_polly_knows_it(
    polly: Polly, vendors: VendorPeer, voice: str, engine: str, language: str
) -> None:
    say(polly, "Oi", voice=voice)

    asked = vendors.calls[0].asked
    assert (asked["Engine"], asked["LanguageCode"]) == (engine, language)


def test_a_rate_is_asked_for_in_marks(polly: Polly, vendors: VendorPeer) -> None:
    text = "Isto tem de caber em pouco tempo."

    assert say(polly, text, rate=1.2) == pytest.approx(expected(text, 1.2), abs=0.02)
    assert vendors.calls[0].asked["TextType"] == "ssml"


def test_what_is_said_never_becomes_marks(polly: Polly) -> None:
    text = "Cinco < seis & </prosody><break time='9s'/> fim"

    assert say(polly, text, rate=1.2) == pytest.approx(expected(text, 1.2), abs=0.02)
    assert "<break" not in marked(text, 1.2)


def test_russian_costs_a_quarter_of_neural_speech(polly: Polly, placed: Placed) -> None:
    say(polly, "Oito letras", voice="Tatyana")
    say(polly, "Oito letras", voice="Kajal")

    assert [paid.bill.cost_microusd for paid in placed.accounts.paid] == [44, 176]
    assert [paid.bill.model for paid in placed.accounts.paid] == ["standard", "neural"]
    assert [paid.bill.request_id for paid in placed.accounts.paid] == ["polly-0", "polly-1"]


def test_a_long_text_is_spoken_in_parts(polly: Polly, vendors: VendorPeer) -> None:
    text = "Uma frase comprida, para experimentar. " * 78

    assert say(polly, text, rate=2.0) == pytest.approx(expected(text, 2.0), rel=0.05)
    assert len(vendors.calls) == 2


def test_throttling_is_waited_for(polly: Polly, vendors: VendorPeer) -> None:
    vendors.plan = always(Fault.BUSY)

    with pytest.raises(ProviderFailed) as failed:
        say(polly, "Oi")

    assert failed.value.code == "VENDOR_BUSY"
    assert "ThrottlingException" in failed.value.detail


def failure(polly: Polly, *, voice: str = "Camila") -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        say(polly, "Oi", voice=voice)
    return failed.value


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"[]", status=500),
        Answer(b"null", status=400),
        Answer(b"OggS", type="audio/ogg", headers={"x-amzn-RequestCharacters": "many"}),
    ],
    ids=["a list", "null", "no number of characters"],
)
def test_an_answer_that_nobody_can_read_is_a_failure(
    polly: Polly, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(wire, "spoke", lambda *_: answer)

    assert failure(polly).code == "ENGINE_FAILED"


def test_a_list_of_voices_that_nobody_can_read_is_a_failure(
    polly: Polly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOOKS, "/v1/voices", ("polly", lambda _: Answer(b"[]")))

    with pytest.raises(ProviderFailed) as failed:
        polly.try_key()

    assert failed.value.code == "ENGINE_FAILED"


def test_a_voice_that_it_does_not_have_is_refused(polly: Polly, vendors: VendorPeer) -> None:
    assert failure(polly, voice="aura-2-thalia-en").code == "ENGINE_REFUSED"
    assert vendors.calls == []


def test_wrong_credentials_need_our_staff(vendors: VendorPeer, placed: Placed) -> None:
    stranger = placed.open(
        Polly(calls=placed.calls, base_url=vendors.url, access_key="refused", secret_key="x")
    )

    with pytest.raises(ProviderFailed) as failed:
        say(stranger, "Oi")

    assert failed.value.code == "VENDOR_ACCOUNT"


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no credentials of its own."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.usefixtures("nobody")
def test_no_credentials_need_our_staff(vendors: VendorPeer, placed: Placed) -> None:
    nobody = placed.open(Polly(calls=placed.calls, base_url=vendors.url))

    assert failure(nobody).code == "VENDOR_ACCOUNT"
    assert vendors.calls == []


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(("given", "found"), [("a-key", ""), ("", "a-key")])
def test_half_of_a_key_needs_our_staff(
    vendors: VendorPeer, placed: Placed, monkeypatch: pytest.MonkeyPatch, given: str, found: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", found)

    with pytest.raises(ProviderFailed) as failed:
        Polly(calls=placed.calls, base_url=vendors.url, access_key=given)

    assert failed.value.code == "VENDOR_ACCOUNT"


@pytest.mark.usefixtures("nobody")
def test_credentials_that_cannot_be_fetched_need_our_staff(
    vendors: VendorPeer, placed: Placed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = false\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    astray = placed.open(Polly(calls=placed.calls, base_url=vendors.url))

    assert failure(astray).code == "VENDOR_ACCOUNT"
