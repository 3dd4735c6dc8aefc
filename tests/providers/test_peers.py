"""The vendors' stand-in itself: what tests rely on when they talk to it."""

import json
import re
import socket
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import numpy as np
import pytest
import soundfile

from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.languages import LANGUAGES
from jobs.pipeline.ports import Line
from jobs.pipeline.wording import usable
from jobs.providers.openai_translation import OpenAITranslator
from tests.peers import rule, voiced
from tests.peers.faults import PASSING, Fault, always, first, never, seeded
from tests.peers.script import steady
from tests.peers.server import Latency, VendorPeer
from tests.providers.conftest import Placed

SPEAK = "/v1/speak?model=aura-2-thalia-en&sample_rate=48000"


def post(vendors: VendorPeer, text: str = "Hello") -> bytes:
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(
        vendors.url + SPEAK, body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())


def test_every_call_is_logged_with_a_hash_of_its_body(vendors: VendorPeer) -> None:
    post(vendors)
    post(vendors)
    post(vendors, "Other")

    assert [call.number for call in vendors.calls] == [0, 1, 2]
    assert vendors.calls[0].sha256 == vendors.calls[1].sha256 != vendors.calls[2].sha256
    assert vendors.count("deepgram", "speech") == 3


@pytest.mark.parametrize("rate", [0.8, 1.0, 1.25])
def test_speech_lasts_as_long_as_its_text(rate: float) -> None:
    sound = voiced.spoken("x" * 45, voice="any", sample_rate=24_000, rate=rate)

    assert sound.size / 24_000 == pytest.approx(3 / rate + 2 * voiced.SILENCE, abs=0.001)


def test_speech_is_loud_within_and_silent_around() -> None:
    sound = voiced.spoken("Hello, how are you?", voice="any", sample_rate=24_000)
    edge = int(voiced.SILENCE * 24_000)

    assert not sound[:edge].any()
    assert not sound[-edge:].any()
    assert np.sqrt(np.mean(sound[edge:-edge] ** 2)) > 0.05
    assert np.abs(sound).max() <= 1.0


def test_voices_differ_in_pitch() -> None:
    low, high = (
        voiced.spoken("Hello", voice=name, sample_rate=24_000) for name in ("nova", "onyx")
    )

    assert not np.array_equal(low, high)


@pytest.mark.parametrize(("make", "form"), [(voiced.ogg, "OGG"), (voiced.mp3, "MP3")])
def test_encoded_speech_is_whole(make: object, form: str) -> None:
    sound = voiced.spoken("A sentence long enough.", voice="any", sample_rate=24_000)

    assert callable(make)
    with soundfile.SoundFile(BytesIO(make(sound, 24_000))) as file:
        assert file.format == form
        assert file.frames == pytest.approx(sound.size, rel=0.05)


@pytest.mark.parametrize("target", [code for code in LANGUAGES if code != "en"])
def test_translations_by_rule_pass_for_the_language(target: str) -> None:
    text = "How many people still live from fishing here?"

    said = rule.translated(text, target)

    assert usable(said, text, source="en", target=target)
    assert said == rule.translated(text, target)


def test_a_line_that_took_too_long_gets_a_shorter_wording(
    vendors: VendorPeer, placed: Placed
) -> None:
    translator = placed.open(
        OpenAITranslator(model="gpt-6-luna", calls=placed.calls, base_url=vendors.openai_url)
    )
    text = "How many people still live from fishing here?"
    line = Line(1, text, 1.0, max_chars=40, earlier=rule.translated(text, "es"), spoken=2.5)

    said = translator.translate([line], source="en", target="es", context=[])

    assert len(said[1]) <= 20


@pytest.mark.parametrize("responses", [True, False])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.WRONG_IDS, {}),
        (Fault.REFUSAL, "ENGINE_REFUSED"),
        (Fault.CONTENT_FILTER, "ENGINE_REFUSED"),
    ],
)
def test_words_go_wrong_by_plan(
    vendors: VendorPeer, placed: Placed, fault: Fault, said: object, responses: bool
) -> None:
    translator = placed.open(
        OpenAITranslator(
            model="any", calls=placed.calls, base_url=vendors.openai_url, responses=responses
        )
    )
    vendors.plan = first(fault)

    found: object
    try:
        found = translator.translate([Line(1, "Hi", 1.0)], source="en", target="es", context=[])
    except ProviderFailed as failed:
        found = failed.code

    assert found == said


def test_the_same_seed_fails_the_same_calls() -> None:
    plan, again, other = (seeded(seed, 0.2, PASSING) for seed in (7, 7, 8))
    calls = [("deepgram", "speech", number) for number in range(500)]
    faults = [plan(*call) for call in calls]

    assert faults == [again(*call) for call in calls]
    assert faults != [other(*call) for call in calls]
    assert 70 < sum(fault is not None for fault in faults) < 130


def test_plans_say_which_calls_fail() -> None:
    assert [first(Fault.BUSY, None, Fault.HTML)("v", "k", n) for n in range(4)] == [
        Fault.BUSY,
        None,
        Fault.HTML,
        None,
    ]
    assert always(Fault.BUSY)("v", "k", 99) is Fault.BUSY
    assert never("v", "k", 0) is None


def test_more_calls_at_once_than_the_account_allows_are_turned_away(vendors: VendorPeer) -> None:
    vendors.latency = Latency(speech=(0.2, 0.0))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: status(vendors), range(20)))

    assert answers.count(429) == 5
    assert answers.count(200) == 15


def status(vendors: VendorPeer) -> int:
    try:
        return 200 if post(vendors) else 0
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize(
    ("path", "refused"), [("/v1/projects", 401), ("/v1/models", 401), ("/v1/voices", 403)]
)
def test_keys_can_be_tried(vendors: VendorPeer, path: str, refused: int) -> None:
    def look(key: str) -> int:
        request = urllib.request.Request(vendors.url + path, headers={"Authorization": key})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    assert (look("Token good"), look("Token refused")) == (200, refused)


def test_a_script_fills_the_sound_with_two_speakers() -> None:
    heard = steady(60.0)

    assert {said.speaker for said in heard.utterances} == {0, 1}
    assert 50 < heard.utterances[-1].end <= 60
    assert all(
        a.end < b.start for a, b in zip(heard.utterances, heard.utterances[1:], strict=False)
    )


def test_the_server_runs_by_itself_and_tells_calls_without_words(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "tests.peers", "--port", str(port), "--stripe-port", "0"]
    argv += ["--book", str(tmp_path / "stripe.json")]
    with Popen(argv, stdout=PIPE, stderr=DEVNULL, text=True) as program:
        try:
            assert program.stdout is not None
            assert re.search(rf"127.0.0.1:{port}", program.stdout.readline())
            body = json.dumps({"text": "Secret"}).encode()
            address = f"http://127.0.0.1:{port}{SPEAK}"
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.read(4) == b"RIFF"
            told = program.stdout.readline()
        finally:
            program.terminate()

    assert json.loads(told)["vendor"] == "deepgram"
    assert "Secret" not in told
