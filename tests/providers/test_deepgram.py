"""Deepgram over real HTTP: what is sent, what is heard and spoken, and what is doubted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline.errors import PipelineError, ProviderFailed
from jobs.pipeline.timeline import Recognition, Utterance, Word
from jobs.providers.aura import Aura
from jobs.providers.cards import AURA_LONGEST
from jobs.providers.deepgram import DeepgramTranscriber, try_key
from tests.peers import deepgram, voiced
from tests.peers.exchange import Answer, Request
from tests.peers.faults import Fault, first
from tests.peers.script import utterance, written
from tests.peers.server import LOOKS, VendorPeer
from tests.providers.conftest import Placed

SECONDS = 6.0
SPOKEN = written((0.5, "Hello there, friend.", 0), (3.0, "Good morning.", 1))


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """What a recognizer is given: 16 kHz mono FLAC."""
    path = tmp_path / "speech.flac"
    sound = voiced.spoken("a" * 82, voice="anyone", sample_rate=16_000)
    soundfile.write(path, np.resize(sound, int(SECONDS * 16_000)), 16_000)
    return path


@pytest.fixture
def transcriber(vendors: VendorPeer, placed: Placed) -> DeepgramTranscriber:
    vendors.script = lambda seconds: SPOKEN
    return placed.open(
        DeepgramTranscriber(api_key="a-key", calls=placed.calls, base_url=vendors.url)
    )


@pytest.fixture
def aura(vendors: VendorPeer, placed: Placed) -> Aura:
    return placed.open(Aura(api_key="a-key", calls=placed.calls, paced=True, base_url=vendors.url))


def say(voice: Aura, text: str, *, rate: float = 1.0) -> float:
    """Speak, and tell the seconds."""
    speech = voice.speak(text, language="es", voice="aura-2-celeste-es", rate=rate)
    return speech.samples.size / speech.sample_rate


def expected(text: str, rate: float = 1.0) -> float:
    return voiced.seconds_of(text, rate) + 2 * voiced.SILENCE


@pytest.mark.ffmpeg
def test_utterances_words_and_speakers_are_heard(
    transcriber: DeepgramTranscriber, speech: Path
) -> None:
    heard = transcriber.transcribe(speech, language=None)

    assert [(u.speaker, u.text) for u in heard.utterances] == [
        (0, "Hello there, friend."),
        (1, "Good morning."),
    ]
    assert heard.utterances[0].words == SPOKEN.utterances[0].words
    assert heard.language == "en"


@pytest.mark.ffmpeg
def test_the_sound_goes_out_as_small_mono_opus_marked_as_private(
    transcriber: DeepgramTranscriber, speech: Path, vendors: VendorPeer
) -> None:
    transcriber.transcribe(speech, language=None)

    call = vendors.calls[0]
    options = ("model", "language", "diarize", "utterances", "mip_opt_out", "smart_format")
    assert [call.option(name) for name in options] == ["nova-3", "multi"] + ["true"] * 4
    assert call.seconds == pytest.approx(SECONDS, abs=0.1)
    assert call.size < SECONDS * 6000
    assert int(call.headers["content-length"]) == call.size
    assert call.headers["authorization"] == "Token a-key"


@pytest.mark.ffmpeg
@pytest.mark.parametrize(("hint", "asked"), [("es", "es"), ("pt-BR", "pt"), (None, "multi")])
def test_a_known_language_is_asked_for(
    transcriber: DeepgramTranscriber,
    speech: Path,
    vendors: VendorPeer,
    hint: str | None,
    asked: str,
) -> None:
    heard = transcriber.transcribe(speech, language=hint)

    assert vendors.calls[0].option("language") == asked
    assert heard.language == (hint or "en")


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("named", "language"), [("pt-BR", "pt-BR"), ("Portuguese (Brazil), probably", "und")]
)
def test_a_language_that_is_named_otherwise_than_by_a_tag_is_unknown(
    transcriber: DeepgramTranscriber, speech: Path, vendors: VendorPeer, named: str, language: str
) -> None:
    vendors.script = lambda _: replace(SPOKEN, language=named)

    assert transcriber.transcribe(speech, language=None).language == language


@pytest.mark.ffmpeg
def test_each_recognition_is_billed_once_by_its_seconds(
    transcriber: DeepgramTranscriber, speech: Path, vendors: VendorPeer, placed: Placed
) -> None:
    vendors.plan = first(Fault.UNAVAILABLE)

    transcriber.transcribe(speech, language="en")

    (paid,) = placed.accounts.paid
    assert (paid.bill.model, paid.bill.unit, paid.bill.units) == ("nova-3", "seconds", SECONDS)
    assert paid.bill.cost_microusd == round(SECONDS * (7700 + 2000) / 60)
    assert paid.bill.request_id == "dg-recognition-1"


@pytest.mark.ffmpeg
def test_every_attempt_sends_the_whole_sound(
    transcriber: DeepgramTranscriber, speech: Path, vendors: VendorPeer
) -> None:
    vendors.plan = first(Fault.BROKEN, Fault.RESET)

    transcriber.transcribe(speech, language=None)

    assert len({call.sha256 for call in vendors.calls}) == 1
    assert len(vendors.calls) == 3


@pytest.mark.ffmpeg
def test_words_make_utterances_where_the_vendor_gives_none(
    transcriber: DeepgramTranscriber,
    speech: Path,
    vendors: VendorPeer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strip(monkeypatch, lambda request: {**request.query, "utterances": ("false",)})

    heard = transcriber.transcribe(speech, language=None)

    assert [(u.start, u.end, u.speaker, u.text) for u in heard.utterances] == [
        (u.start, u.end, u.speaker, u.text) for u in SPOKEN.utterances
    ]


@pytest.mark.ffmpeg
def test_silence_is_no_speech_and_is_paid_for(
    transcriber: DeepgramTranscriber, speech: Path, vendors: VendorPeer, placed: Placed
) -> None:
    vendors.script = lambda seconds: Recognition("en", (), "script")

    with pytest.raises(PipelineError) as failed:
        transcriber.transcribe(speech, language=None)

    assert failed.value.code == "NO_SPEECH"
    assert len(placed.accounts.paid) == 1


def backwards() -> Utterance:
    said = utterance(1.0, "One two three")
    return Utterance(said.start, said.end, 0, said.text, said.words[::-1])


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    "heard",
    [
        utterance(SECONDS + 5, "Hello"),
        Utterance(2.0, 1.0, 0, "Hello", (Word(2.0, 1.0, "Hello"),)),
        Utterance(-3.0, 1.0, 0, "Hello", (Word(-3.0, 1.0, "Hello"),)),
        backwards(),
    ],
    ids=["after the end", "ends before it starts", "before the start", "backwards"],
)
def test_times_that_cannot_be_are_not_believed(
    transcriber: DeepgramTranscriber, speech: Path, vendors: VendorPeer, heard: Utterance
) -> None:
    vendors.script = lambda seconds: Recognition("en", (heard,), "script")

    with pytest.raises(ProviderFailed) as failed:
        transcriber.transcribe(speech, language=None)

    assert failed.value.code == "ENGINE_FAILED"


def strip(monkeypatch: pytest.MonkeyPatch, query: Callable[[Request], object]) -> None:
    """Let the peer see another query than the one that was sent."""
    listened = deepgram.listened

    def other(request: Request, heard: Recognition, fault: Fault | None) -> Answer:
        changed = Request(**{**vars(request), "query": query(request)})
        return listened(changed, heard, fault)

    monkeypatch.setattr(deepgram, "listened", other)


def test_a_text_comes_back_as_speech_at_48_kilohertz(aura: Aura, vendors: VendorPeer) -> None:
    speech = aura.speak("Buenos días a todos.", language="es", voice="aura-2-celeste-es")

    assert speech.sample_rate == 48_000
    assert speech.samples.size / 48_000 == pytest.approx(expected("Buenos días a todos."), abs=0.01)
    assert float(np.abs(speech.samples).max()) > 0.1
    call = vendors.calls[0]
    assert call.option("model") == "aura-2-celeste-es"
    assert call.option("mip_opt_out") == "true"
    assert call.asked == {"text": "Buenos días a todos."}


def test_spanish_can_be_spoken_faster_by_the_vendor(aura: Aura, vendors: VendorPeer) -> None:
    text = "Esto tiene que caber en muy poco tiempo."

    assert say(aura, text, rate=1.25) == pytest.approx(expected(text, 1.25), abs=0.01)
    assert vendors.calls[0].option("speed") == "1.25"


def test_french_has_no_rate_to_ask_for(vendors: VendorPeer, placed: Placed) -> None:
    french = placed.open(
        Aura(api_key="a-key", calls=placed.calls, paced=False, base_url=vendors.url)
    )

    french.speak("Bonjour à tous.", language="fr", voice="aura-2-agathe-fr", rate=1.25)

    assert french.rates is None
    assert vendors.calls[0].option("speed") == ""


def test_a_long_text_is_spoken_in_parts(aura: Aura, vendors: VendorPeer) -> None:
    text = "Una frase bastante larga, para probar los límites. " * 25

    seconds = say(aura, text)

    assert all(len(call.asked["text"]) <= AURA_LONGEST for call in vendors.calls)
    assert "".join(call.asked["text"] for call in vendors.calls).count("frase") == 25
    assert seconds == pytest.approx(expected(text), rel=0.05)


def test_a_text_refused_as_too_long_is_halved(
    aura: Aura, vendors: VendorPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deepgram, "LONGEST_TEXT", 300)
    text = "Una frase bastante larga, para probar los límites. " * 15

    seconds = say(aura, text)

    assert seconds == pytest.approx(expected(text), rel=0.1)
    assert max(len(call.asked["text"]) for call in vendors.calls[-2:]) <= 300


def test_speech_is_billed_by_its_characters(aura: Aura, placed: Placed) -> None:
    say(aura, "Hola")

    (paid,) = placed.accounts.paid
    assert (paid.vendor, paid.kind) == ("deepgram", "speech")
    assert (paid.bill.units, paid.bill.cost_microusd) == (4, 120)
    assert paid.bill.request_id == "dg-speech-0"


def test_errors_hold_neither_key_nor_words(aura: Aura, vendors: VendorPeer) -> None:
    vendors.plan = first(*[Fault.BROKEN] * 5)

    with pytest.raises(ProviderFailed) as failed:
        say(aura, "Secreto")

    told = f"{failed.value} {failed.value.detail}"
    assert "a-key" not in told
    assert "Secreto" not in told
    assert "dg-speech-2" in told


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"<html></html>"])
def test_a_list_of_projects_that_nobody_can_read_is_a_failure(
    vendors: VendorPeer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setitem(LOOKS, "/v1/projects", ("deepgram", lambda _: Answer(body)))

    with pytest.raises(ProviderFailed) as failed:
        try_key("a-key", vendors.url, seconds=5)

    assert failed.value.code == "ENGINE_FAILED"
