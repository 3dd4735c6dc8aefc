"""What `manage.py doctor` finds."""

import hashlib
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from dubber import doctor
from dubber.doctor import Finding, State
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.weights import KOKORO, WHISPER_BASE, Model, Weight
from tests.peers.exchange import Answer
from tests.peers.faults import Fault, always
from tests.peers.openai_wire import failing
from tests.peers.server import LOOKS, VENDORS, VendorPeer


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1
    return findings[0]


def test_a_finding_is_one_line_with_its_remedy() -> None:
    wrong = Finding("ffmpeg", State.WRONG, "isn't installed", "make setup")

    assert str(wrong) == "✗ ffmpeg: isn't installed → make setup"


def test_missing_models_are_wrong_and_the_remedy_fetches_them(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS = tmp_path

    found, *larger = doctor.check_models()

    assert found.state is State.WRONG
    assert "model.bin is missing" in found.seen
    assert found.remedy == "make models-base"
    assert [one.state for one in larger] == [State.OFF, State.OFF]
    assert all("make models" in one.seen for one in larger)


def test_a_larger_model_that_is_half_there_is_wrong(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS = tmp_path
    (tmp_path / KOKORO.folder).mkdir()
    (tmp_path / KOKORO.folder / "voices.npz").write_bytes(b"cut off")

    kokoro = list(doctor.check_models())[-1]

    assert kokoro.state is State.WRONG
    assert "model.onnx is missing" in kokoro.seen
    assert "voices.npz is corrupt" in kokoro.seen
    assert kokoro.remedy == "make models"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Model:
    """A larger model of one byte, which is there."""
    settings.MODELS = tmp_path
    file = Weight("model.bin", 1, hashlib.sha256(b"1").hexdigest(), ())
    model = Model("Small", "small", (), (file,), library="small_library", command="make models")
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "model.bin").write_bytes(b"1")
    monkeypatch.setattr(doctor, "FULL", (model,))
    return model


@pytest.mark.usefixtures("small")
def test_a_larger_model_without_its_library_is_wrong(settings: Settings) -> None:
    settings.FULL_SET = True

    found = list(doctor.check_models())[-1]

    assert (found.state, found.remedy) == (State.WRONG, "make models")
    assert "small_library" in found.seen


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("used", "state"), [(True, State.FINE), (False, State.OFF)])
def test_a_larger_model_that_is_switched_off_is_off(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    used: bool,
    state: State,
) -> None:
    settings.FULL_SET = used
    (tmp_path / "small_library.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    assert list(doctor.check_models())[-1].state is state


def test_a_model_of_the_right_size_with_other_bytes_is_corrupt(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS = tmp_path
    (tmp_path / WHISPER_BASE.folder).mkdir()
    for file in WHISPER_BASE.files:
        with (tmp_path / WHISPER_BASE.folder / file.name).open("wb") as stream:
            stream.truncate(file.size)

    found = next(doctor.check_models())

    assert "model.bin is corrupt" in found.seen


def test_a_machine_without_ffmpeg_is_told_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    found = only(list(doctor.check_ffmpeg()))

    assert (found.state, found.seen) == (State.WRONG, "isn't installed")


@pytest.mark.ffmpeg
def test_the_ffmpeg_here_has_all_that_we_use() -> None:
    found = only(list(doctor.check_ffmpeg()))

    assert found.state is State.FINE, found.seen


@pytest.mark.django_db
def test_a_migrated_database_is_fine() -> None:
    assert only(list(doctor.check_database())).state is State.FINE


@pytest.mark.django_db
def test_a_database_that_lacks_a_migration_is_wrong() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id ="
            " (SELECT max(id) FROM django_migrations WHERE app = 'jobs')"
        )

    found = only(list(doctor.check_database()))

    assert found.state is State.WRONG
    assert found.remedy == "run python manage.py setup_database"


def test_storage_that_can_be_used_is_left_as_it_was(settings: Settings, tmp_path: Path) -> None:
    use_folder(settings, tmp_path / "storage")

    found = only(list(doctor.check_storage()))

    assert found.state is State.FINE
    assert [path for path in (tmp_path / "storage").rglob("*") if path.is_file()] == []


def test_storage_that_cannot_be_written_is_wrong(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "storage").write_text("a file where a folder should be")
    use_folder(settings, tmp_path / "storage")

    assert only(list(doctor.check_storage())).state is State.WRONG


def test_scratch_that_cannot_be_written_is_wrong(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file where a folder should be")
    settings.SCRATCH = tmp_path / "scratch"

    found = only(list(doctor.check_scratch()))

    assert (found.state, found.remedy) == (
        State.WRONG,
        "set DUBBER_SCRATCH to a folder that can",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "state"),
    [("http://dub.example", State.WRONG), ("http://localhost:8000", State.FINE)],
)
def test_only_a_site_that_others_reach_must_be_encrypted(
    settings: Settings, address: str, state: State
) -> None:
    settings.SITE_URL = address

    found = only(list(doctor.check_settings()))

    assert found.state is state


def test_every_language_is_told() -> None:
    found = [one for one in doctor.check_languages() if "(" in one.name]

    assert len(found) == 12
    assert all(one.seen for one in found)


@pytest.mark.django_db
def test_the_command_fails_when_something_needed_is_missing(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS = tmp_path
    said = StringIO()

    with pytest.raises(CommandError, match="to put right"):
        call_command("doctor", stdout=said)

    assert "✗ Whisper base model" in said.getvalue()


@pytest.mark.django_db
@pytest.mark.models
def test_the_doctor_has_nothing_to_mend_here(settings: Settings) -> None:
    settings.DEBUG = True

    found = list(doctor.examine())

    assert [str(one) for one in found if one.state is State.WRONG] == []
    assert any(str(one).startswith("✓ Spanish (es): draft quality") for one in found)


def use_folder(settings: Settings, folder: Path) -> None:
    settings.STORAGE_ROOT = folder
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder},
        },
    }


@pytest.fixture
def vendors(settings: Settings) -> Iterator[VendorPeer]:
    with VendorPeer() as peer:
        settings.DEEPGRAM_API_KEY = settings.OPENAI_API_KEY = "a-key"
        settings.DEEPGRAM_BASE_URL = settings.AWS_ENDPOINT_URL_POLLY = peer.url
        settings.OPENAI_BASE_URL, settings.TRANSLATION_API = peer.openai_url, "responses"
        settings.POLLY = True
        settings.POLLY_ACCESS_KEY_ID = settings.POLLY_SECRET_ACCESS_KEY = "a-key"
        yield peer


def test_keys_are_tried_with_two_letters_a_word_and_a_moment(vendors: VendorPeer) -> None:
    found = {finding.name: finding.state for finding in doctor.check_vendors()}

    assert found == dict.fromkeys(
        ("Deepgram's key", "OpenAI's key", "Amazon Polly's key"), State.FINE
    )
    bought = [(call.vendor, call.kind) for call in vendors.calls]
    assert bought == [
        ("deepgram", "speech"),
        ("deepgram", "recognition"),
        ("openai", "translation"),
        ("polly", "speech"),
    ]
    assert [vendors.calls[0].asked["text"], vendors.calls[3].asked["Text"]] == ["A", "A"]
    assert vendors.calls[1].seconds == 0.5


def test_openais_speech_is_tried_with_a_letter_where_it_is_set_up(
    vendors: VendorPeer, settings: Settings
) -> None:
    settings.SPEECH_MODEL = "tts-1"

    states = {finding.state for finding in doctor.check_vendors()}

    assert states == {State.FINE}
    [spoken] = [call for call in vendors.calls if (call.vendor, call.kind) == ("openai", "speech")]
    assert spoken.asked["input"] == "A"


def test_a_key_that_is_no_good_is_explained_with_its_remedy_and_nothing_is_bought(
    vendors: VendorPeer, settings: Settings
) -> None:
    settings.DEEPGRAM_API_KEY = settings.OPENAI_API_KEY = "refused-key"
    settings.POLLY_ACCESS_KEY_ID = "refused-key"

    findings = list(doctor.check_vendors())

    assert [finding.state for finding in findings] == [State.WRONG] * 3
    assert all("isn't accepted" in finding.seen for finding in findings), findings
    assert all("copy it again" in finding.remedy for finding in findings)
    assert "refused-key" not in "".join(map(str, findings))
    assert vendors.calls == []


def test_a_key_that_may_do_nothing_is_said_to_lack_the_permission(vendors: VendorPeer) -> None:
    vendors.plan = always(Fault.FORBIDDEN)

    findings = list(doctor.check_vendors())

    assert [finding.state for finding in findings] == [State.WRONG] * 3
    assert all("may not" in finding.seen for finding in findings), findings
    assert all("permission" in finding.remedy for finding in findings)


def test_a_key_that_may_buy_needs_not_look_at_the_account(
    vendors: VendorPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, (vendor, _) in tuple(LOOKS.items()):
        refused = partial(VENDORS[vendor].failed, fault=Fault.FORBIDDEN)
        monkeypatch.setitem(LOOKS, path, (vendor, refused))

    findings = list(doctor.check_vendors())

    assert [finding.state for finding in findings] == [State.FINE] * 3
    assert len(vendors.calls) == 4


def test_an_account_without_credit_is_said_to_be_one(vendors: VendorPeer) -> None:
    vendors.plan = always(Fault.UNPAID)

    findings = list(doctor.check_vendors())

    assert [finding.state for finding in findings] == [State.WRONG] * 3
    assert all("no credit left" in finding.seen for finding in findings), findings
    assert len(vendors.calls) == 3


def test_a_model_that_understands_no_question_of_ours_is_said(vendors: VendorPeer) -> None:
    vendors.model = failing(400, "unsupported_value")

    [found] = [finding for finding in doctor.check_vendors() if finding.state is State.WRONG]

    assert "may not be meant for this" in found.seen
    assert "DUBBER_TRANSLATION_MODEL" in found.remedy


def test_vendors_that_cannot_be_reached_are_said(vendors: VendorPeer, settings: Settings) -> None:
    settings.DEEPGRAM_BASE_URL = settings.AWS_ENDPOINT_URL_POLLY = "http://127.0.0.1:9"
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"

    findings = list(doctor.check_vendors())

    assert [finding.state for finding in findings] == [State.WRONG] * 3
    assert all("can't be reached" in finding.seen for finding in findings)
    assert all("network" in finding.remedy for finding in findings)


def test_half_of_a_key_is_said_to_be_missing(vendors: VendorPeer, settings: Settings) -> None:
    settings.POLLY_SECRET_ACCESS_KEY = settings.AWS_SECRET_ACCESS_KEY = ""

    [found] = [finding for finding in doctor.check_vendors() if finding.state is State.WRONG]

    assert found.name == "Amazon Polly's key"
    assert found.seen.startswith("is missing")
    assert all(call.vendor != "polly" for call in vendors.calls)


def test_vendors_whose_answers_make_no_sense_are_said(
    vendors: VendorPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, (vendor, _) in tuple(LOOKS.items()):
        monkeypatch.setitem(LOOKS, path, (vendor, lambda _: Answer(b"[1]")))

    findings = list(doctor.check_vendors())

    assert [finding.state for finding in findings] == [State.WRONG] * 3
    assert all("no answer that makes sense" in finding.seen for finding in findings)
    assert vendors.calls == []


def test_missing_credentials_are_said_to_be_missing() -> None:
    error = ProviderFailed("VENDOR_ACCOUNT", engine="Amazon Polly", detail="no credentials")

    seen, remedy = doctor.explained(error)

    assert seen == "is missing"
    assert "DUBBER_POLLY_ACCESS_KEY_ID" in remedy


@pytest.mark.usefixtures("vendors")
def test_prices_are_told_with_the_day_on_which_they_were_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    settings.VENDOR_PRICES = {
        "deepgram-speech": (27.0, date(2026, 11, 20)),
        "polly-neural": (14.0, date(2025, 11, 20)),
    }
    settings.TRANSLATION_MODEL = "gpt-of-tomorrow"

    found = {f"{one.name}: {one.seen}": one.state for one in doctor.check_prices()}

    aura = "Price of Deepgram aura-2: $27 a million characters, read on 2026-11-20"
    polly = "Price of Amazon Polly neural: $14 a million neural characters, read on 2025-11-20"
    unknown = [name for name in found if "gpt-of-tomorrow: unknown" in name]
    nova = "Price of Deepgram nova-3: $0.0077 a minute, language known, read on 2026-08-01"
    assert nova in found
    assert (found[aura], found[polly]) == (State.FINE, State.OFF)
    assert [found[name] for name in unknown] == [State.OFF, State.OFF]


@pytest.mark.usefixtures("vendors")
@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        ("TRANSLATION_MODEL", "may not use this model (no model model-of-tomorrow)"),
        ("RECOGNITION_MODEL", "may not use this model (no model model-of-tomorrow)"),
        ("SPEECH_MODEL", "may not use this model (404 model_not_found"),
    ],
)
def test_a_model_that_the_key_may_not_use_is_said(
    settings: Settings, setting: str, seen: str
) -> None:
    setattr(settings, setting, "model-of-tomorrow")

    found = [finding for finding in doctor.check_vendors() if finding.state is State.WRONG]

    assert seen in only(found).seen
    assert f"DUBBER_{setting}" in only(found).remedy
