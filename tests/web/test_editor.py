"""The pages on which lines are edited."""

import inspect
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.queries import balance_of
from jobs import editing, editor, own_captions, replacing
from jobs.models import DubbingJob, LanguageTask, Line, Segment
from jobs.states import Stage
from tests import make
from tests.engines import engines
from tests.web.spoken import spoken_lines

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def humming(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' own engines work."""
    services: list[Any] = [
        editing.edit_lines,
        editing.cast_speaker,
        editing.render,
        editing.render_prices,
        editor.costs_of,
        editor.voices_of,
        own_captions.bring_captions,
        replacing.replace,
    ]
    for service in services:
        monkeypatch.setitem(inspect.unwrap(service).__kwdefaults__, "engines", engines)


@pytest.fixture
def person(client: Client) -> User:
    someone = make.professional(credits=1000)
    client.force_login(someone)
    return someone


def save(client: Client, line: Line, **fields: Any) -> Any:
    url = f"/jobs/{line.task.job.public_id}/edit/es/lines/{line.pk}"
    return client.post(url, {"revision": line.revision, **fields}, headers=JSON)


def first(job: DubbingJob) -> Line:
    return Line.objects.filter(task__job=job).select_related("task__job").order_by("pk")[0]


def test_a_page_of_a_thousand_lines_sends_fifty_and_takes_few_questions(
    client: Client, person: User
) -> None:
    job = spoken_lines(person, count=1000)

    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"/jobs/{job.public_id}/edit/es").content.decode()

    assert page.count("data-room=") == 50
    assert f"/jobs/{job.public_id}/edit/es/lines?from=50" in page
    assert len(asked) <= 12


def test_the_next_lines_come_by_themselves_and_end(client: Client, person: User) -> None:
    job = spoken_lines(person, count=60)

    part = client.get(f"/jobs/{job.public_id}/edit/es/lines?from=50").content.decode()

    assert part.count("data-room=") == 10
    assert "data-more" not in part


def test_a_line_is_kept_and_its_price_told(client: Client, person: User) -> None:
    line = first(spoken_lines(person))

    answer = save(client, line, text="Otra línea").json()

    assert answer["line"]["text"] == "Otra línea"
    assert answer["line"]["stale"] is True
    assert answer["line"]["revision"] == 2
    assert answer["costs"] == {"lines": 1, "credits": 1, "where": "", "reason": ""}


def test_a_line_that_somebody_else_changed_is_not_overwritten(client: Client, person: User) -> None:
    line = first(spoken_lines(person))
    save(client, line, text="Hers")

    answer = save(client, line, text="His")

    assert answer.status_code == 409
    assert answer.json()["error"] == "stale_revision"
    assert answer.json()["line"]["text"] == "Hers"
    assert Line.objects.get(pk=line.pk).text == "Hers"


def test_a_line_can_stay_as_it_was_or_say_nothing(client: Client, person: User) -> None:
    line = first(spoken_lines(person))

    save(client, line, way="original")
    line.refresh_from_db()
    as_it_was = (line.keep_original, line.mute)
    save(client, line, way="silent")
    line.refresh_from_db()

    assert as_it_was == (True, False)
    assert (line.keep_original, line.mute) == (False, True)


def test_an_edit_while_it_is_made_is_refused_with_a_reason(client: Client, person: User) -> None:
    job = spoken_lines(person)
    line = first(job)
    DubbingJob.objects.update(status="processing", finished_at=None)
    LanguageTask.objects.update(stage=Stage.DUBBING)

    answer = save(client, line, text="Otra")

    assert answer.status_code == 409
    assert answer.json()["error"] == "conflict"
    assert "being made" in answer.json()["message"]


def test_a_line_is_kept_without_javascript_too(client: Client, person: User) -> None:
    job = spoken_lines(person)
    line = first(job)

    page = client.post(
        f"/jobs/{job.public_id}/edit/es/lines/{line.pk}",
        {"revision": line.revision, "text": "Sin guion"},
        follow=True,
    )

    assert "Sin guion" in page.content.decode()


def test_without_javascript_the_page_comes_back_at_the_line(client: Client, person: User) -> None:
    job = spoken_lines(person, count=60)
    line = Line.objects.get(segment__index=55)

    answer = client.post(
        f"/jobs/{job.public_id}/edit/es/lines/{line.pk}", {"revision": 1, "text": "Sin guion"}
    )

    assert answer.headers["Location"].endswith(f"/edit/es?from=50#line-{line.pk}")


def test_without_javascript_two_people_at_one_line_lose_no_word(
    client: Client, person: User
) -> None:
    line = first(spoken_lines(person))
    url = f"/jobs/{line.task.job.public_id}/edit/es/lines/{line.pk}"
    save(client, line, text="Hers")

    refused = client.post(url, {"revision": line.revision, "text": "His", "way": "silent"})
    page = refused.content.decode()
    client.post(url, {"revision": 2, "text": "His", "way": "silent"})
    line.refresh_from_db()

    assert refused.status_code == 409
    assert ">His</textarea>" in page
    assert ">Hers</p>" in page
    assert 'name="revision" value="2"' in page
    assert 'name="way" value="silent"' in page
    assert (line.text, line.mute) == ("His", True)


def test_without_javascript_an_edit_while_it_is_made_loses_no_word(
    client: Client, person: User
) -> None:
    job = spoken_lines(person)
    segment = Segment.objects.order_by("index")[0]
    DubbingJob.objects.update(status="processing", finished_at=None)
    LanguageTask.objects.update(stage=Stage.DUBBING)

    refused = client.post(
        f"/jobs/{job.public_id}/transcript/lines/{segment.pk}", {"revision": 1, "text": "Corrected"}
    )

    assert refused.status_code == 409
    assert ">Corrected</textarea>" in refused.content.decode()


def test_a_line_offers_every_voice_by_its_name_before_any_script(
    client: Client, person: User
) -> None:
    job = spoken_lines(person, count=1)
    Line.objects.update(chosen_voice="grand-hum")

    page = client.get(f"/jobs/{job.public_id}/edit/es").content.decode()
    row = " ".join(page.partition("data-voices>")[2].partition("</select>")[0].split())

    assert '<option value="hum" >Hum (female)</option>' in row
    assert '<option value="grand-hum" selected>Grand hum (premium)</option>' in row


def test_lines_that_come_later_name_their_voice_only(client: Client, person: User) -> None:
    job = spoken_lines(person, count=51)
    Line.objects.update(chosen_voice="grand-hum")

    part = client.get(f"/jobs/{job.public_id}/edit/es/lines?from=50").content.decode()

    assert "Grand hum (premium)" in part
    assert 'value="hum"' not in part


def test_a_corrected_original_makes_its_translations_stale(client: Client, person: User) -> None:
    job = spoken_lines(person)
    segment = Segment.objects.order_by("index")[0]

    answer = client.post(
        f"/jobs/{job.public_id}/transcript/lines/{segment.pk}",
        {"revision": 1, "text": "Corrected"},
        headers=JSON,
    ).json()

    assert answer["line"]["text"] == "Corrected"
    assert answer["costs"]["lines"] == 1


def test_the_price_stands_before_the_changes_are_made(client: Client, person: User) -> None:
    job = spoken_lines(person)
    save(client, first(job), text="Otra")
    before = balance_of(person)

    question = client.get(f"/jobs/{job.public_id}/changes").content.decode()
    client.post(f"/jobs/{job.public_id}/changes")

    assert "Changed lines: 1. That costs 1 credit:" in question
    assert balance_of(person) == before - 1
    assert LanguageTask.objects.get().stage == Stage.QUEUED


def test_changed_lines_say_which_language_they_are_of(client: Client, person: User) -> None:
    job = spoken_lines(person)
    save(client, first(job), text="Otra")
    french = job.tasks.get()
    french.pk, french.language, french.variant = None, "fr", "fr"
    french.save()

    page = client.get(f"/jobs/{job.public_id}/edit/fr").content.decode()
    question = client.get(f"/jobs/{job.public_id}/changes").content.decode()

    assert "Changed lines: 1 (Spanish 1) · credits to make them anew: 1" in page
    assert "Spanish 1" in question


def test_another_voice_of_a_speaker_makes_their_lines_stale(client: Client, person: User) -> None:
    job = spoken_lines(person, count=4)

    client.post(f"/jobs/{job.public_id}/edit/es/voice", {"speaker": "1", "voice": "grand-hum"})

    stale = Line.objects.filter(stale=True).values_list("segment__speaker", flat=True)
    assert list(stale) == [1, 1]
    job.refresh_from_db()
    assert job.options["voices"] == {"es": {"1": "grand-hum"}}


def test_a_speaker_of_thousands_of_digits_is_nobody(client: Client, person: User) -> None:
    job = spoken_lines(person)
    url = f"/jobs/{job.public_id}/edit/es/voice"

    answer = client.post(url, {"speaker": "1" * 4400, "voice": "grand-hum"})

    assert answer.status_code == 302
    assert not Line.objects.filter(stale=True).exists()


def test_words_that_can_not_be_kept_are_refused(client: Client, person: User) -> None:
    job = spoken_lines(person)
    line, segment = first(job), Segment.objects.order_by("index")[0]
    heard = f"/jobs/{job.public_id}/transcript/lines/{segment.pk}"

    said = save(client, line, text="a\x00b")
    corrected = client.post(heard, {"revision": 1, "text": "a\x00b"}, headers=JSON)
    replaced = client.post(
        f"/jobs/{job.public_id}/edit/es/replace",
        {"find": "Línea", "replacement": "a\x00b"},
        follow=True,
    )

    assert {answer.status_code for answer in (said, corrected)} == {400}
    assert said.json()["message"] == "Null characters are not allowed."
    assert "Null characters are not allowed." in replaced.content.decode()
    assert not Line.objects.filter(stale=True).exists()


def test_a_premium_voice_of_a_speaker_is_in_the_price(person: User) -> None:
    job = spoken_lines(person, count=40)
    Line.objects.update(stale=True)
    ordinary = editor.costs_of(job, engines=engines).credits
    job.options = {"voices": {"es": {"0": "grand-hum", "1": "grand-hum"}}}
    job.save()

    assert editor.costs_of(job, engines=engines).credits == 2 * ordinary


def test_what_can_not_be_made_here_any_more_says_why(client: Client, person: User) -> None:
    job = spoken_lines(person)
    Line.objects.update(stale=True)

    costs = editor.costs_of(job, engines=lambda: engines(without=["es"]))

    assert costs.credits == 0
    assert "Spanish" in costs.reason


def test_the_pace_of_a_voice_is_measured(person: User) -> None:
    job = spoken_lines(person)

    paces = editor.paces_of(job.tasks.get())

    assert paces["hum"] == pytest.approx(12.0)
    assert paces[""] == pytest.approx(12.0)


def test_captions_edited_elsewhere_are_taken(client: Client, person: User) -> None:
    job = spoken_lines(person)
    captions = "1\n00:00:00,000 --> 00:00:01,500\nDesde fuera\n"

    page = client.post(
        f"/jobs/{job.public_id}/edit/es/captions",
        {"captions": SimpleUploadedFile("mine.srt", captions.encode())},
        follow=True,
    ).content.decode()

    assert "Lines changed: 1." in page
    assert first(job).text == "Desde fuera"


def test_the_editor_of_expired_files_leads_to_the_dub(client: Client, person: User) -> None:
    job = spoken_lines(person)
    client.post(f"/jobs/{job.public_id}/delete")

    for url in (f"/jobs/{job.public_id}/edit/es", f"/jobs/{job.public_id}/transcript"):
        assert client.get(url)["Location"] == f"/jobs/{job.public_id}"


def test_words_are_replaced_where_they_were_seen(client: Client, person: User) -> None:
    job = spoken_lines(person, count=12)
    url = f"/jobs/{job.public_id}/edit/es/replace"

    seen = client.get(url, {"find": "000001", "replacement": "uno"}).content.decode()
    client.post(url, {"find": "Línea 00001", "replacement": "Frase "})

    assert "1 line says it." in seen
    assert "Línea uno" in seen
    assert list(Line.objects.filter(stale=True).values_list("text", flat=True)) == [
        "Frase 0",
        "Frase 1",
    ]


def test_a_replacement_that_has_no_room_leaves_the_line(client: Client, person: User) -> None:
    job = spoken_lines(person)

    client.post(
        f"/jobs/{job.public_id}/edit/es/replace", {"find": "Línea", "replacement": "x" * 200}
    )

    assert first(job).text == "Línea 000000"


def test_a_language_without_lines_says_that_they_come(client: Client, person: User) -> None:
    job = spoken_lines(person)
    Line.objects.all().delete()

    page = client.get(f"/jobs/{job.public_id}/edit/es").content.decode()

    assert "No line is translated yet" in page


def test_words_stand_in_the_direction_of_their_language(client: Client, person: User) -> None:
    job = spoken_lines(person)
    LanguageTask.objects.update(variant="ar")
    Line.objects.update(text="مرحبا", spoken="مرحبا")

    lines = client.get(f"/jobs/{job.public_id}/edit/es").content.decode()
    found = client.get(f"/jobs/{job.public_id}/edit/es/replace?find=مرحبا").content.decode()
    dub = client.get(f"/jobs/{job.public_id}").content.decode()

    assert 'lang="ar" dir="auto"' in " ".join(lines.partition("<textarea")[2].split())
    assert '<del lang="ar" dir="auto">مرحبا</del>' in found
    assert '<span lang="ar" dir="auto">مرحبا</span>' in " ".join(dub.split())
