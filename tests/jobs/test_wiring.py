"""Which engines are chosen, and what a refusal says, on machines that have more or less."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from jobs import vendors, wiring
from jobs.pipeline.calls import local_calls
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import LANGUAGES
from jobs.pipeline.ports import Price
from jobs.pipeline.weights import FULL
from jobs.providers import cards
from jobs.providers.openai_prompts import instructions

SERVER = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """A machine without engines and keys."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "py_nanotts", None)
    settings.OPENAI_BASE_URL = settings.OPENAI_API_KEY = settings.DEEPGRAM_API_KEY = ""
    settings.POLLY, settings.SPEECH_ROUTES, settings.TRANSLATION_ROUTES = False, {}, {}
    settings.VENDOR_PLACES = {}


@pytest.fixture
def apertium(bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Apertium's program and data, where a distribution puts them."""
    program = tmp_path / "bin" / "apertium"
    mode = tmp_path / "share" / "apertium" / "modes" / "eng-spa.mode"
    for file in (program, mode):
        file.parent.mkdir(parents=True)
        file.touch()
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.fixture
def pico(bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pico's package, which is only loaded by the child that speaks."""
    package = tmp_path / "packages" / "py_nanotts"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "py_nanotts")
    monkeypatch.syspath_prepend(package.parent)


@pytest.fixture
def server(bare: None, settings: Settings) -> None:
    """A translation server."""
    settings.OPENAI_BASE_URL = SERVER


@pytest.fixture
def full_set(
    bare: None, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    """The larger models and their libraries, which only their children load."""
    settings.FULL_SET, settings.MODELS = True, tmp_path / "models"
    for model in FULL:
        (settings.MODELS / model.folder).mkdir(parents=True)
        for file in model.files:
            (settings.MODELS / model.folder / file.name).touch()
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for name in ("xllamacpp", "kokoro_onnx", "misaki"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (libraries / f"{name}.py").touch()
    monkeypatch.syspath_prepend(libraries)


def refusal(source: str | None, target: str) -> PipelineError:
    with pytest.raises(PipelineError) as refused:
        wiring.route(source, target)
    return refused.value


def available() -> list[str]:
    return [offer.code for offer in wiring.offered() if offer.available]


@pytest.mark.usefixtures("apertium", "pico")
def test_the_base_set_makes_spanish_from_english() -> None:
    route = wiring.route("en", "es")

    assert (route.translator.engine.name, route.voice.engine.name) == ("Apertium", "Pico")
    assert [voice.id for voice in route.voices] == ["es-ES"]


@pytest.mark.usefixtures("apertium", "pico")
def test_the_base_set_offers_spanish_alone() -> None:
    assert available() == ["es"]


@pytest.mark.usefixtures("apertium", "pico", "server")
def test_a_translation_server_opens_every_language_with_a_voice() -> None:
    assert available() == ["en", "es", "fr", "de", "it"]


@pytest.mark.usefixtures("apertium", "pico", "server")
def test_a_configured_server_comes_before_the_rules() -> None:
    assert wiring.route("en", "es").translator.rewords is True


@pytest.mark.usefixtures("pico", "server")
def test_a_server_of_ones_own_is_asked_by_the_chat_protocol() -> None:
    assert wiring.route("en", "fr").translator.engine.name == "The translation server"


@pytest.mark.usefixtures("pico")
def test_a_key_alone_means_openai_itself(settings: Settings) -> None:
    settings.OPENAI_API_KEY = "a-key"

    engine = wiring.route("en", "fr").translator.engine

    assert (engine.name, engine.model) == ("OpenAI", "gpt-6-luna")


@pytest.mark.usefixtures("apertium", "pico")
def test_variants_go_the_way_of_their_language() -> None:
    assert wiring.route("en-GB", "es-MX").translator.engine.name == "Apertium"


@pytest.mark.usefixtures("apertium", "pico")
def test_an_undetected_source_is_given_the_benefit_of_the_doubt() -> None:
    assert wiring.route(None, "es").translator.engine.name == "Apertium"


@pytest.mark.usefixtures("apertium", "pico")
def test_an_unknown_target_is_refused() -> None:
    assert refusal("en", "xx").code == "LANGUAGE_UNKNOWN"


@pytest.mark.usefixtures("apertium", "pico", "server")
def test_a_language_that_nobody_speaks_is_refused_by_name() -> None:
    refused = refusal("en", "ko")

    assert refused.code == "LANGUAGE_UNAVAILABLE"
    assert str(refused) == (
        "Korean isn't available here: no voice that is set up here speaks Korean; "
        "set DUBBER_POLLY=true and AWS keys."
    )


@pytest.mark.usefixtures("apertium", "pico")
def test_a_language_without_translator_says_what_would_enable_it() -> None:
    assert str(refusal("en", "fr")) == (
        "French isn't available here: nothing here translates into French; "
        "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own."
    )


@pytest.mark.usefixtures("pico")
def test_spanish_without_translator_names_apertium_too() -> None:
    assert "apertium-eng-spa" in str(refusal("en", "es"))


@pytest.mark.usefixtures("apertium")
def test_a_voice_that_is_not_installed_says_how_to_install_it() -> None:
    assert str(refusal("en", "es")) == (
        "Spanish isn't available here: its voice isn't installed; run: make setup."
    )


@pytest.mark.usefixtures("apertium", "pico")
def test_a_pair_that_nobody_translates_is_refused_with_both_names() -> None:
    refused = refusal("fr", "es")

    assert refused.code == "PAIR_UNAVAILABLE"
    assert str(refused).startswith("French to Spanish isn't available: ")
    assert "OPENAI_API_KEY" in str(refused)
    assert "apertium" not in str(refused)


@pytest.mark.usefixtures("apertium", "pico")
def test_a_detected_language_that_we_do_not_know_is_refused_as_a_pair() -> None:
    assert refusal("nl", "es").code == "PAIR_UNAVAILABLE"


@pytest.mark.usefixtures("apertium", "pico", "server")
def test_a_language_is_not_translated_into_itself() -> None:
    refused = refusal("es", "es-MX")

    assert refused.code == "PAIR_UNAVAILABLE"
    assert "already spoken" in str(refused)


def test_a_bare_machine_offers_all_twelve_as_unavailable_with_reasons() -> None:
    offers = wiring.offered()

    assert len(offers) == 12
    assert not any(offer.available or offer.voices for offer in offers)
    assert all(offer.reason for offer in offers)


@pytest.mark.usefixtures("apertium", "pico")
def test_offline_languages_are_of_draft_quality_with_their_voices() -> None:
    spanish = next(offer for offer in wiring.offered() if offer.code == "es")

    assert (spanish.quality, spanish.reason, spanish.flag) == ("draft", "", "🇪🇸")
    assert [voice.id for voice in spanish.voices] == ["es-ES"]


@pytest.mark.usefixtures("apertium", "pico", "full_set")
def test_the_full_set_comes_before_the_base_set() -> None:
    route = wiring.route("en", "es")

    assert (route.translator.engine.name, route.voice.engine.name) == ("Qwen", "Kokoro")
    assert [voice.gender for voice in route.voices] == ["female", "male"]


@pytest.mark.usefixtures("apertium", "pico", "full_set")
def test_the_full_set_can_be_switched_off(settings: Settings) -> None:
    settings.FULL_SET = False

    route = wiring.route("en", "es")

    assert (route.translator.engine.name, route.voice.engine.name) == ("Apertium", "Pico")


@pytest.mark.usefixtures("pico", "full_set", "server")
def test_a_configured_server_comes_before_the_full_set() -> None:
    assert wiring.route("en", "fr").translator.engine.name == "The translation server"


@pytest.mark.usefixtures("apertium", "pico", "full_set")
@pytest.mark.parametrize("code", ["de", "it", "ru", "ja", "ko", "ar", "hi"])
def test_what_the_full_set_was_not_found_good_for_is_refused(code: str) -> None:
    assert refusal("en", code).code == "LANGUAGE_UNAVAILABLE"


@pytest.mark.usefixtures("apertium", "pico", "full_set")
def test_the_full_set_translates_from_english_alone() -> None:
    assert refusal("fr", "es").code == "PAIR_UNAVAILABLE"


def test_nobody_hears_again_unless_asked_to(settings: Settings) -> None:
    settings.HEAR_AGAIN = "off"

    assert wiring.Workshop(local_calls()).hearing() is None


def test_a_machine_without_recognizer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)

    with pytest.raises(PipelineError) as missing:
        wiring.engines()

    assert missing.value.code == "MODEL_MISSING"


@pytest.fixture
def keys(bare: None, settings: Settings) -> None:
    """The keys of Deepgram and OpenAI, and nothing else."""
    settings.DEEPGRAM_API_KEY = settings.OPENAI_API_KEY = "a-key"


def speaker(target: str) -> str:
    return wiring.route("ko" if target == "en" else "en", target).voice.engine.name


@pytest.mark.usefixtures("keys")
def test_two_keys_are_enough_for_a_dub_by_vendors() -> None:
    engines = wiring.engines()
    route = engines.route("en", "es")

    made_by = [engines.transcriber.engine, route.translator.engine, route.voice.engine]
    assert [(engine.name, engine.quality) for engine in made_by] == [
        ("Deepgram", "studio"),
        ("OpenAI", "studio"),
        ("Deepgram", "studio"),
    ]


@pytest.mark.usefixtures("keys")
def test_two_keys_offer_what_deepgram_speaks_in_studio_quality() -> None:
    offers = [offer for offer in wiring.offered() if offer.available]

    assert [offer.code for offer in offers] == ["en", "es", "fr", "de", "ja", "it"]
    assert {offer.quality for offer in offers} == {"studio"}


@pytest.mark.usefixtures("keys")
def test_every_language_has_a_voice_with_vendor_keys(settings: Settings) -> None:
    settings.POLLY = True

    speakers = {offer.code: speaker(offer.code) for offer in wiring.offered() if offer.available}

    aura, polly = "Deepgram", "Amazon Polly"
    assert speakers == {
        **dict.fromkeys(("en", "es", "fr", "de", "it", "ja"), aura),
        **dict.fromkeys(("pt", "zh", "ko", "ru", "ar", "hi"), polly),
    }


@pytest.mark.usefixtures("keys")
def test_the_keys_of_aws_alone_send_nothing_to_polly(settings: Settings) -> None:
    settings.AWS_ACCESS_KEY_ID = settings.AWS_SECRET_ACCESS_KEY = "a-key"

    assert "ko" not in available()


@pytest.mark.usefixtures("keys")
def test_a_setting_chooses_who_speaks_a_language(settings: Settings) -> None:
    settings.POLLY = True
    settings.SPEECH_ROUTES = {"ja": "polly"}

    assert (speaker("ja"), speaker("fr")) == ("Amazon Polly", "Deepgram")


def test_routes_can_be_set_for_the_languages_that_we_know(settings: Settings) -> None:
    assert list(LANGUAGES) == settings.DUBBED_LANGUAGES


def translator(source: str | None, target: str) -> str:
    return wiring.route(source, target).translator.engine.name


@pytest.mark.usefixtures("apertium", "full_set", "keys")
def test_a_setting_chooses_who_translates_into_a_language(settings: Settings) -> None:
    settings.TRANSLATION_ROUTES = {"es": "apertium", "zh": "qwen"}
    settings.POLLY = True

    assert (translator("en", "es"), translator("en", "zh")) == ("Apertium", "Qwen")
    assert translator("en", "fr") == "OpenAI"
    orders = {offer.code: offer.translation for offer in wiring.offered()}
    assert orders["es"] == ("apertium", "openai", "qwen")
    assert orders["ko"] == ("openai",)


@pytest.mark.usefixtures("apertium", "keys")
def test_a_chosen_translator_leaves_the_pairs_that_it_does_not_know(settings: Settings) -> None:
    settings.TRANSLATION_ROUTES = {"es": "apertium", "ja": "apertium"}

    assert (translator("fr", "es"), translator("en", "ja")) == ("OpenAI", "OpenAI")


@pytest.mark.usefixtures("keys")
def test_a_job_chooses_who_speaks_a_language(settings: Settings) -> None:
    settings.POLLY = True

    chosen = wiring.route("en", "ja", "polly").voice.engine.name

    assert (chosen, speaker("ja")) == ("Amazon Polly", "Deepgram")
    (offer,) = (one for one in wiring.offered() if one.code == "ja")
    assert offer.speech == ("deepgram", "polly")


@pytest.mark.usefixtures("apertium", "keys")
def test_a_job_chooses_who_translates_into_a_language() -> None:
    chosen = wiring.route("en", "es", translation="apertium").translator.engine.name

    assert (chosen, translator("en", "es")) == ("Apertium", "OpenAI")
    with pytest.raises(PipelineError, match="doesn't know both") as refused:
        wiring.route("fr", "es", translation="apertium")
    assert refused.value.code == "PAIR_UNAVAILABLE"


@pytest.mark.usefixtures("apertium", "keys")
def test_who_can_not_translate_into_a_language_here_is_not_chosen() -> None:
    with pytest.raises(PipelineError, match="translate into French") as refused:
        wiring.route("en", "fr", translation="apertium")

    assert refused.value.code == "LANGUAGE_UNAVAILABLE"


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("speech", ["polly", "nobody"])
def test_who_can_not_speak_a_language_here_is_not_chosen(speech: str) -> None:
    with pytest.raises(PipelineError, match="isn't set up here") as refused:
        wiring.route("en", "ja", speech)

    assert refused.value.code == "LANGUAGE_UNAVAILABLE"


@pytest.mark.usefixtures("keys")
def test_a_price_in_the_settings_is_what_calls_are_recorded_at(settings: Settings) -> None:
    settings.POLLY = True
    day = date(2026, 11, 20)
    settings.VENDOR_PRICES = {
        "deepgram-recognition": (0.6, day),
        "polly-neural": (12.0, day),
        "openai-output": (0.25, day),
    }

    prices = [price for _, price in wiring.vendor_prices()]

    assert [price for price in prices if price.read == day] == [
        Price("seconds, language known", 10_000.0, day),
        Price("output tokens", 0.25, day),
        Price("neural characters", 12.0, day),
    ]
    assert len(prices) == 8


@pytest.mark.usefixtures("keys")
def test_a_setting_says_how_many_calls_an_account_takes_at_once(settings: Settings) -> None:
    settings.POLLY = True
    settings.VENDOR_PLACES = {"deepgram-speech": 45, "openai-translation": 1}

    aura, polly = wiring.route("en", "es"), wiring.route("en", "ko")

    assert (aura.voice.engine.at_once, polly.voice.engine.at_once) == (45, 8)
    assert aura.translator.engine.is_server
    assert vendors.places()["openai", "translation"] == 1
    assert vendors.places()["own server", "translation"] == 4


@pytest.mark.usefixtures("keys")
def test_voices_of_the_variant_come_first() -> None:
    voices = wiring.route("en", "es-MX").voices

    assert voices[0].language == "es-MX"
    assert "es-ES" in {voice.language for voice in voices}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("target", "told", "aura", "polly"),
    [
        ("es-ES", "Spanish as spoken in Spain", "aura-2-carina-es", "Lucia"),
        ("es-419", "Latin American Spanish", "aura-2-selena-es", "Mia"),
        ("pt-BR", "Brazilian Portuguese", "", "Camila"),
        ("pt-PT", "European Portuguese", "", "Ines"),
        ("en-US", "American English", "aura-2-thalia-en", "Joanna"),
        ("en-GB", "British English", "aura-2-pandora-en", "Amy"),
        ("zh-Hans", "Mandarin Chinese, in simplified characters", "", "Zhiyu"),
        ("zh-Hant", "Mandarin Chinese, in traditional characters", "", "Zhiyu"),
    ],
)
def test_a_variant_is_told_to_the_translator_and_spoken_by_the_nearest_voice(
    settings: Settings, target: str, told: str, aura: str, polly: str
) -> None:
    settings.POLLY = True

    assert f"into {told}, to be spoken" in instructions(target)
    for speech, voice in (("deepgram", aura), ("polly", polly)):
        if voice:
            assert wiring.route("de", target, speech).voices[0].id == voice


@pytest.mark.usefixtures("keys")
def test_a_dub_in_plain_spanish_is_not_spoken_by_both_sides_of_the_ocean() -> None:
    first = [voice.language for voice in wiring.route("en", "es").voices[:8]]

    assert "es-ES" not in first


@pytest.mark.usefixtures("keys")
def test_a_route_past_its_end_is_withdrawn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SPEECH_MODEL = "tts-1"
    end = cards.OPENAI_ENDS["tts-1"]
    asked = datetime.combine(end, time(23, 59), UTC)

    monkeypatch.setattr(timezone, "now", lambda: asked)
    before = ([engine.model for engine in wiring.withdrawn()], "ko" in available())
    monkeypatch.setattr(timezone, "now", lambda: asked + timedelta(minutes=2))
    after = ([engine.model for engine in wiring.withdrawn()], "ko" in available())

    assert (before, after) == (([], True), (["tts-1"], False))


@pytest.mark.parametrize(
    ("model", "ends"),
    [
        ("gpt-4o-mini-2024-07-18", date(2027, 1, 14)),
        ("gpt-4o", date(2027, 1, 14)),
        ("tts-1-hd-1106", date(2027, 1, 6)),
        ("gpt-4o-mini-tts-2025-12-15", date(2027, 1, 6)),
        ("gpt-6-luna-2026-08-01", None),
    ],
)
def test_a_dated_model_ends_with_its_model(model: str, ends: date | None) -> None:
    assert cards.openai_translation(model, own=False).ends == ends
    assert cards.openai_speech(model, own=False).ends == ends
    assert cards.openai_speech(model, own=True).ends is None


@pytest.mark.usefixtures("keys")
def test_a_proxy_to_openai_is_asked_as_openai(settings: Settings) -> None:
    settings.OPENAI_BASE_URL, settings.TRANSLATION_API = SERVER, "responses"

    assert wiring.route("en", "es").translator.engine.name == "OpenAI"


@pytest.mark.usefixtures("keys")
def test_asking_what_can_be_done_loads_no_vendors_library() -> None:
    asked = (
        "import django, sys; django.setup(); from jobs import wiring; wiring.offered();"
        "print(sorted({'openai', 'deepgram', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "dubber.settings",
            "DEEPGRAM_API_KEY": "a",
            "OPENAI_API_KEY": "a",
            "DUBBER_POLLY": "true",
        },
    )

    assert done.stdout.strip() == "[]"
