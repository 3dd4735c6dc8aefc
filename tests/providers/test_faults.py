"""Every fault on every vendor: what it becomes, how often is asked, and that work goes on."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Line
from jobs.pipeline.timeline import Recognition
from jobs.providers.aura import Aura
from jobs.providers.deepgram import DeepgramTranscriber
from jobs.providers.openai_speech import OpenAISpeech
from jobs.providers.openai_translation import OpenAITranslator
from jobs.providers.polly import Polly
from tests.peers.faults import ACCOUNT, AUDIO, STATUS, TRANSPORT, Fault, always, first
from tests.peers.server import VendorPeer
from tests.providers.conftest import RETRIES, Placed

SOUND = (*AUDIO, Fault.TOO_SHORT)
BECOMES = {
    Fault.BUSY: "VENDOR_BUSY",
    Fault.BUSY_UNTIL: "VENDOR_BUSY",
    Fault.BROKEN: "ENGINE_FAILED",
    Fault.BAD_GATEWAY: "ENGINE_FAILED",
    Fault.UNAVAILABLE: "VENDOR_BUSY",
    Fault.TIMED_OUT: "ENGINE_FAILED",
    **dict.fromkeys(ACCOUNT, "VENDOR_ACCOUNT"),
    **dict.fromkeys((*TRANSPORT, *SOUND, Fault.CUT_JSON), "ENGINE_FAILED"),
}
SPEECH_FAULTS = (*STATUS, *TRANSPORT, *SOUND)
RECOGNITION_FAULTS = (*STATUS, *TRANSPORT, Fault.CUT_JSON, Fault.TOO_LONG)
TRANSLATION_FAULTS = (*STATUS, *TRANSPORT, Fault.CUT_JSON)
TEXT = "A sentence of so many letters that nobody, however quick, says it within a second."
PASSING = [fault for fault in SPEECH_FAULTS if fault not in ACCOUNT]

Speak = Callable[[], object]


def aura(url: str, placed: Placed) -> Speak:
    voice = placed.open(Aura(api_key="a-key", calls=placed.calls, paced=True, base_url=url))
    return lambda: voice.speak(TEXT, language="en", voice="aura-2-thalia-en")


def polly(url: str, placed: Placed) -> Speak:
    voice = placed.open(Polly(calls=placed.calls, base_url=url, access_key="a", secret_key="s"))
    return lambda: voice.speak(TEXT, language="en", voice="Joanna")


def openai(url: str, placed: Placed) -> Speak:
    voice = placed.open(
        OpenAISpeech(calls=placed.calls, model="tts-1", api_key="k", base_url=f"{url}/v1")
    )
    return lambda: voice.speak(TEXT, language="en", voice="nova")


SPEAKERS = {"deepgram": aura, "polly": polly, "openai": openai}


@pytest.fixture(params=sorted(SPEAKERS))
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def patience(fault: Fault) -> Placed:
    """Patient, except where an answer never comes."""
    return Placed(attempt=0.4) if fault is Fault.TRICKLE else Placed()


def failure(work: Callable[[], object]) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        work()
    return failed.value


def allowed(code: str) -> int:
    return 1 if code == "VENDOR_ACCOUNT" else 1 + RETRIES


@pytest.mark.parametrize("fault", SPEECH_FAULTS)
def test_a_fault_that_stays_becomes_its_code_after_the_allowed_calls(
    vendors: VendorPeer, vendor: str, fault: Fault
) -> None:
    vendors.plan = always(fault)

    with patience(fault) as placed:
        failed = failure(SPEAKERS[vendor](vendors.url, placed))

    assert failed.code == BECOMES[fault]
    assert number(vendors, vendor, "speech") == allowed(failed.code)


@pytest.mark.parametrize("fault", [fault for fault in PASSING if fault is not Fault.TRICKLE])
def test_a_fault_that_passes_costs_one_more_call(
    vendors: VendorPeer, vendor: str, fault: Fault, placed: Placed
) -> None:
    vendors.plan = first(fault)

    SPEAKERS[vendor](vendors.url, placed)()

    assert number(vendors, vendor, "speech") == 2
    assert [type(paid.bill).__name__ for paid in placed.accounts.paid][-1:] == ["Bill"]
    assert len(placed.waits) == 1


def test_a_time_to_come_back_is_kept(vendors: VendorPeer, vendor: str, placed: Placed) -> None:
    vendors.plan = first(Fault.BUSY_UNTIL)
    vendors.retry_after = "7"

    SPEAKERS[vendor](vendors.url, placed)()

    assert placed.waits == [pytest.approx(7.25)]


@pytest.mark.parametrize("fault", SOUND)
def test_speech_that_cannot_be_used_is_paid_for_and_never_given_on(
    vendors: VendorPeer, vendor: str, fault: Fault, placed: Placed
) -> None:
    vendors.plan = always(fault)

    failed = failure(SPEAKERS[vendor](vendors.url, placed))

    assert isinstance(failed, Spoiled)
    assert len(placed.accounts.paid) == 1 + RETRIES


def test_speech_that_breaks_off_on_its_way_is_paid_for(
    vendors: VendorPeer, vendor: str, placed: Placed
) -> None:
    vendors.plan = always(Fault.HALF_CLOSED)

    failed = failure(SPEAKERS[vendor](vendors.url, placed))

    assert isinstance(failed, Spoiled)
    assert len({paid.bill.request_id for paid in placed.accounts.paid}) == 1 + RETRIES
    assert all(paid.bill.units > 0 for paid in placed.accounts.paid) or vendor == "openai"


def test_a_page_from_somebody_between_is_not_paid_for(
    vendors: VendorPeer, vendor: str, placed: Placed
) -> None:
    vendors.plan = always(Fault.HTML)

    failure(SPEAKERS[vendor](vendors.url, placed))

    assert placed.accounts.paid == []


def test_a_vendor_that_is_not_there_is_a_failure(vendor: str, placed: Placed) -> None:
    failed = failure(SPEAKERS[vendor]("http://127.0.0.1:9", placed))

    assert failed.code == "ENGINE_FAILED"
    assert len(placed.waits) == RETRIES


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN, Fault.HTML, Fault.EMPTY_AUDIO])
def test_no_failure_repeats_what_was_to_be_said(
    vendors: VendorPeer, vendor: str, fault: Fault
) -> None:
    vendors.plan = always(fault)

    with patience(fault) as placed:
        failed = failure(SPEAKERS[vendor](vendors.url, placed))

    assert "sentence" not in f"{failed} {failed.detail}"


@pytest.mark.parametrize("fault", TRANSLATION_FAULTS)
def test_translation_that_keeps_failing_has_its_code(vendors: VendorPeer, fault: Fault) -> None:
    vendors.plan = always(fault)

    with patience(fault) as placed:
        failed = failure(lambda: translated(vendors, placed))

    assert failed.code == BECOMES[fault]
    assert "sentence" not in f"{failed} {failed.detail}"
    assert number(vendors, "openai", "translation") == allowed(failed.code)


@pytest.mark.parametrize(
    "fault",
    [one for one in TRANSLATION_FAULTS if one not in ACCOUNT and one is not Fault.TRICKLE],
)
def test_translation_goes_on_after_what_passes(
    vendors: VendorPeer, fault: Fault, placed: Placed
) -> None:
    vendors.plan = first(fault)

    assert translated(vendors, placed)
    assert number(vendors, "openai", "translation") == 2


@pytest.mark.parametrize("fault", [Fault.HALF_CLOSED, Fault.CUT_JSON])
def test_translation_that_breaks_off_is_recorded_by_the_vendors_id(
    vendors: VendorPeer, fault: Fault, placed: Placed
) -> None:
    vendors.plan = always(fault)

    failed = failure(lambda: translated(vendors, placed))

    assert isinstance(failed, Spoiled)
    recorded = [paid.bill.request_id for paid in placed.accounts.paid]
    assert recorded == [f"req-translation-{number}" for number in range(1 + RETRIES)]


@pytest.mark.ffmpeg
@pytest.mark.parametrize("fault", RECOGNITION_FAULTS)
def test_recognition_that_keeps_failing_has_its_code(
    vendors: VendorPeer, fault: Fault, tmp_path: Path
) -> None:
    vendors.plan = always(fault)

    with patience(fault) as placed:
        failed = failure(lambda: heard(vendors, placed, tmp_path))

    calls = number(vendors, "deepgram", "recognition")
    assert failed.code == BECOMES[fault]
    assert len(placed.accounts.paid) == isinstance(failed, Spoiled)
    assert calls == allowed(failed.code) or isinstance(failed, Spoiled)
    assert calls <= allowed(failed.code)


@pytest.mark.ffmpeg
@pytest.mark.parametrize("fault", [Fault.HALF_CLOSED, Fault.CUT_JSON, Fault.TOO_LONG])
def test_recognition_that_was_answered_but_cannot_be_read_is_paid_for_once(
    vendors: VendorPeer, fault: Fault, placed: Placed, tmp_path: Path
) -> None:
    vendors.plan = always(fault)

    failed = failure(lambda: heard(vendors, placed, tmp_path))

    assert isinstance(failed, Spoiled)
    recorded = [(paid.bill.request_id, paid.bill.units) for paid in placed.accounts.paid]
    assert recorded == [("dg-recognition-0", 8.0)]


@pytest.mark.ffmpeg
@pytest.mark.parametrize("fault", [Fault.HTML, Fault.RESET, Fault.BROKEN])
def test_recognition_that_was_not_answered_by_the_vendor_is_not_paid_for(
    vendors: VendorPeer, fault: Fault, placed: Placed, tmp_path: Path
) -> None:
    vendors.plan = always(fault)

    failure(lambda: heard(vendors, placed, tmp_path))

    assert placed.accounts.paid == []


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    "faults", [[Fault.BUSY], [Fault.RESET], [Fault.BROKEN, Fault.HTML], [Fault.REFUSED]]
)
def test_recognition_goes_on_after_what_passes(
    vendors: VendorPeer, faults: Sequence[Fault], placed: Placed, tmp_path: Path
) -> None:
    vendors.plan = first(*faults)

    assert heard(vendors, placed, tmp_path).utterances
    assert number(vendors, "deepgram", "recognition") == 1 + len(faults)


def translated(vendors: VendorPeer, placed: Placed) -> dict[int, str]:
    """A line, translated through the Responses API."""
    translator = placed.open(
        OpenAITranslator(
            model="gpt-6-luna", calls=placed.calls, api_key="k", base_url=vendors.openai_url
        )
    )
    return translator.translate([Line(0, TEXT, 3.0)], source="en", target="es", context=[])


def heard(vendors: VendorPeer, placed: Placed, folder: Path) -> Recognition:
    speech = folder / "speech.flac"
    soundfile.write(speech, np.zeros(16_000 * 8), 16_000)
    transcriber = placed.open(
        DeepgramTranscriber(api_key="a-key", calls=placed.calls, base_url=vendors.url)
    )
    return transcriber.transcribe(speech, language=None)


def number(vendors: VendorPeer, vendor: str, kind: str) -> int:
    """How many calls reached the vendor, those included that it dropped unread."""
    return vendors.arrived[vendor, kind]
