"""The pages that everybody may read."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import mail
from dubber import beats
from dubber.public import pricing
from dubber.public.condition import Condition, look
from dubber.public.contact import MOST_AN_HOUR
from dubber.public.sample import FILES, MANIFEST, sample_dub
from jobs import example
from jobs.models import Step, VendorHealth
from jobs.results import SUFFIXES, result_name
from tests import make

pytestmark = pytest.mark.django_db

MESSAGE = {"email": "ana@example.com", "message": "How long\nis a day?"}


def page(client: Client, url: str) -> str:
    response = client.get(url, headers={"Accept": "text/html"})
    assert response.status_code == 200
    return response.content.decode()


# -- Pricing -----------------------------------------------------------------------------------


def test_the_calculator_says_what_a_dub_costs_in_credits_and_in_money(client: Client) -> None:
    shown = page(client, "/pricing?minutes=5&languages=es&languages=ja")

    assert "66 credits" in shown
    assert "$38.28" in shown  # 66 of 50 credits for $29
    assert "2 packs for $58" in shown


def test_a_script_gets_the_answer_alone(client: Client) -> None:
    url = "/pricing?minutes=1&languages=es"

    answer = client.get(url, headers={"HX-Request": "true"})

    assert "6 credits" in answer.content.decode()
    assert "<html" not in answer.content.decode()
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("minutes=&languages=es", "Enter the minutes of your recording."),
        ("minutes=many&languages=es", "Enter the minutes as a number"),
        ("minutes=181&languages=es", "180 minutes at most"),
        ("minutes=3", "Choose at least one language."),
        ("minutes=NaN&languages=es", "Enter the minutes as a number"),
    ],
)
def test_the_calculator_says_what_it_needs(client: Client, query: str, sentence: str) -> None:
    assert sentence in page(client, f"/pricing?{query}")


def test_a_plan_that_is_too_small_says_why() -> None:
    reasons = {
        minutes: [pack.reason for pack in pricing.calculate(minutes * 60_000, ["es"]).packs]
        for minutes in (1, 4, 40)
    }

    assert reasons == {
        1: ["", "", ""],
        4: ["longest", "", ""],
        40: ["longest", "longest", ""],
    }


def test_free_credits_that_are_not_enough_are_not_called_enough() -> None:
    (starter, *_) = pricing.calculate(150_000, ["es", "fr"]).packs

    assert starter.reason == "once"


# -- Status ------------------------------------------------------------------------------------


def test_without_a_worker_the_status_says_that_dubs_wait(client: Client) -> None:
    make.job(languages=["es"])

    shown = page(client, "/status")

    assert look().workers == Condition.DOWN
    assert "nothing is lost" in shown
    assert "1 step waits" in " ".join(shown.split())


def test_with_a_worker_everything_works(client: Client) -> None:
    beats.beat("somewhere")

    assert "Everything works." in page(client, "/status")


def test_a_vendor_that_rests_is_said_so(client: Client) -> None:
    beats.beat("somewhere")
    VendorHealth.objects.create(vendor="deepgram", shut_until=timezone.now() + timedelta(minutes=5))

    shown = page(client, "/status")

    assert look().worst == Condition.SLOW
    assert "Deepgram" in shown
    assert "we pause and try again" in shown


def test_dubs_that_wait_for_an_account_are_counted_once(client: Client) -> None:
    make.job(languages=["es"])
    Step.objects.update(status="ready", reason="vendor_account")

    assert look().on_hold == 1
    assert "1 dub waits" in " ".join(page(client, "/status").split())


def test_the_status_tells_strangers_no_names_of_machines(client: Client) -> None:
    beats.beat("worker-17.internal")

    assert "worker-17" not in page(client, "/status")


# -- Contact -----------------------------------------------------------------------------------


def test_a_message_is_mailed_to_who_reads_it(
    client: Client, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CONTACT_EMAIL = "desk@example.com"

    with django_capture_on_commit_callbacks(execute=True):
        client.post("/contact", MESSAGE)
    mail.wait_until_sent()

    (sent,) = outbox.outbox
    assert (sent.to, sent.reply_to) == (["desk@example.com"], ["ana@example.com"])
    assert "How long\nis a day?" in sent.body


def test_what_programs_fill_in_is_never_sent(
    client: Client, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CONTACT_EMAIL = "desk@example.com"

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/contact", {**MESSAGE, "website": "https://example.com"})
    mail.wait_until_sent()

    assert response.status_code == 302
    assert outbox.outbox == []


def test_one_network_sends_a_few_messages_an_hour(client: Client, settings: Settings) -> None:
    settings.CONTACT_EMAIL = "desk@example.com"

    statuses = [client.post("/contact", MESSAGE).status_code for _ in range(MOST_AN_HOUR + 1)]

    assert statuses == [302] * MOST_AN_HOUR + [429]


def test_without_a_reader_the_page_says_so(client: Client, settings: Settings) -> None:
    settings.CONTACT_EMAIL = ""

    assert "Nobody reads messages" in page(client, "/contact")
    assert client.post("/contact", MESSAGE).status_code == 503


def test_a_message_cannot_add_lines_to_the_head_of_the_mail(
    client: Client, settings: Settings
) -> None:
    settings.CONTACT_EMAIL = "desk@example.com"

    response = client.post("/contact", {**MESSAGE, "email": "a@example.com\nBcc: b@example.com"})

    assert response.status_code == 400


# -- The sample --------------------------------------------------------------------------------


def made_in(folder: Path) -> None:
    line = {
        **{"index": 0, "slot": {"start": 0.5, "end": 1.5}, "source": "Hello", "text": "Hola"},
        **{"start": 0.5, "end": 1.4, "speed": 1.0, "borrowed": 0.0, "flags": []},
    }
    engines = {"translation": {"name": "OpenAI", "quality": "studio"}}
    manifest = {"source": {"duration": 2.0}, "lines": [line], "engines": engines}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    for name in FILES.values():
        (folder / name).write_bytes(b"0123456789")


def test_where_no_sample_was_made_the_home_page_shows_its_timeline_alone(
    settings: Settings, tmp_path: Path
) -> None:
    settings.SAMPLE_DUB = tmp_path

    sample = sample_dub()

    assert (sample.lines, sample.player) == (example.LINES, None)


def test_the_sample_that_was_made_here_can_be_played(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.SAMPLE_DUB = tmp_path
    made_in(tmp_path)

    part = client.get("/sample/dub", headers={"Range": "bytes=2-4"})
    beyond = client.get("/sample/dub", headers={"Range": "bytes=20-"})
    endless = client.get("/sample/dub", headers={"Range": f"bytes={'9' * 4400}-"})

    assert sample_dub().player is not None
    assert 'src="/sample/dub"' in page(client, "/")
    assert "draft quality" not in page(client, "/")
    assert (part.status_code, b"".join(part)) == (206, b"234")
    assert (part["Content-Type"], part["Content-Range"]) == ("audio/mp4", "bytes 2-4/10")
    assert beyond.status_code == 416
    assert (endless.status_code, b"".join(endless)) == (200, b"0123456789")


def test_what_is_played_is_what_the_command_calls_its_files() -> None:
    """So that `manage.py dub talk.mp4 --to es` is enough to make it, as the README says."""
    made = {result_name("talk", "es", kind, Path("-")) for kind in SUFFIXES}

    assert {FILES["dub"], FILES["captions"], MANIFEST} <= made


@pytest.mark.parametrize("name", ["nothing", "manifest"])
def test_nothing_but_the_sample_is_sent(
    client: Client, settings: Settings, tmp_path: Path, name: str
) -> None:
    settings.SAMPLE_DUB = tmp_path
    made_in(tmp_path)

    assert client.get(f"/sample/{name}").status_code == 404


# -- All of them -------------------------------------------------------------------------------


def test_the_privacy_page_names_only_vendors_that_are_set_up(
    client: Client, settings: Settings
) -> None:
    settings.DEEPGRAM_API_KEY = settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = ""
    settings.POLLY = False
    without = page(client, "/privacy")
    settings.DEEPGRAM_API_KEY = "key"
    with_one = page(client, "/privacy")

    assert "nothing you send leaves them" in without
    assert "Deepgram" not in without
    assert "Deepgram hears" in with_one
    assert "nothing you send leaves them" not in with_one


def test_each_language_stands_on_the_page_once(client: Client) -> None:
    shown = page(client, "/languages")

    for name in ("Spanish", "Hindi", "English"):
        assert shown.count(f"</span> {name}") == 1, name
