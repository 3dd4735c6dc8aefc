"""The page of one dub: what it shows, what it costs the database, and what can be done there."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from billing.queries import balance_of, plan_of
from jobs import outcomes, receipts, rows
from jobs.models import DubbingJob, LanguageTask, Line, Segment, Step
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import LANGUAGES
from jobs.pipeline.timeline import Segment as Said
from jobs.pipeline.timeline import Transcript, Translation
from jobs.states import StepKind
from tests import make
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12


@pytest.fixture
def person(client: Client) -> User:
    someone = make.professional(credits=100)
    client.force_login(someone)
    return someone


def with_lines(job: DubbingJob, count: int) -> DubbingJob:
    """Give a job so many lines, in every language, all of them placed and each to be looked at."""
    said = [Said(n, 2.0 * n, 2.0 * n + 1, 0, f"Line {n}") for n in range(count)]
    transcript = Transcript("en", tuple(said))
    rows.save_transcript(job, transcript)
    for task in job.tasks.all():
        texts = tuple(f"Línea {n}" for n in range(count))
        rows.save_translation(task, transcript, Translation("es", texts, "test"))
    for line in Line.objects.filter(task__job=job).select_related("segment"):
        line.start_ms = line.segment.start_ms + 300
        line.end_ms = line.start_ms + 900
        line.speed_permille, line.late_ms, line.flags = 1000, 300, ["late"]
        line.save()
    return job


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def page_of(client: Client, job: DubbingJob) -> str:
    return client.get(f"/jobs/{job.public_id}").content.decode()


@pytest.mark.parametrize("count", [1, 60])
def test_a_finished_dub_takes_few_questions_however_many_its_lines(
    client: Client, person: User, tmp_path: Path, count: int
) -> None:
    job = with_lines(delivered(person, tmp_path), count)

    assert queries(client, f"/jobs/{job.public_id}") <= MOST_QUERIES


def test_the_original_is_played_while_a_dub_is_made_and_not_where_nothing_came_of_it(
    client: Client, person: User
) -> None:
    job = make.job(person, languages=["es"])
    running = page_of(client, job)

    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

    assert 'id="player"' in running
    assert 'id="player"' not in page_of(client, job)


@pytest.mark.parametrize("languages", [["es"], ["es", "fr", "de", "it", "pt", "ja"]])
def test_a_running_dub_takes_few_questions_however_many_its_languages(
    client: Client, person: User, languages: list[str]
) -> None:
    job = with_lines(make.job(person, languages=languages), 20)
    make.done(3)

    assert queries(client, f"/jobs/{job.public_id}") <= MOST_QUERIES


def test_asking_how_far_it_is_takes_few_questions(client: Client, person: User) -> None:
    job = with_lines(make.job(person, languages=["es", "fr"]), 20)
    make.done(3)

    assert queries(client, f"/jobs/{job.public_id}/progress") <= 8


def test_a_language_that_is_ready_plays_while_the_others_are_made(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = delivered(person, tmp_path, kinds=("full_m4a", "vtt"))
    task = job.tasks.get()
    LanguageTask.objects.create(
        job=job, language="fr", variant="fr", stage="dubbing", price=7, credits=7
    )
    DubbingJob.objects.filter(pk=job.pk).update(
        status="processing", finished_at=None, kept_until=None
    )

    page = page_of(client, job)

    assert f"/jobs/{job.public_id}/media/{task.language}/full_m4a" in page
    assert 'data-choose="es"' in page
    assert 'data-choose="fr"' not in page
    assert 'data-state="running"' in page


def test_the_lines_of_a_language_come_as_the_drawing_wants_them(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = with_lines(delivered(person, tmp_path), 2)

    answer = client.get(f"/jobs/{job.public_id}/timeline/es").json()

    first = answer["lines"][0]
    assert (first["said"], first["now"]) == ("Line 0", "Línea 0")
    assert (first["start"], first["now_start"], first["now_end"]) == (0.0, 0.3, 1.2)
    assert first["flags"] == ["late"]


def test_blocks_fill_as_lines_are_spoken(client: Client, person: User) -> None:
    job = with_lines(make.job(person, languages=["es"]), 4)
    make.done(3)
    make.claim()
    Step.objects.filter(kind=StepKind.DUB).update(part=3, parts=4)

    lines = client.get(f"/jobs/{job.public_id}/timeline/es").json()["lines"]

    assert [line["tint"] for line in lines] == ["natural"] * 3 + ["waiting"]


def test_a_dub_says_that_changed_lines_are_not_in_it_yet(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = with_lines(delivered(person, tmp_path), 3)
    before = page_of(client, job)

    Line.objects.filter(segment__index__lt=2).update(stale=True)
    page = page_of(client, job)

    assert "be heard here yet" not in before
    assert "2 changed lines can’t be heard here yet, nor are they in the files." in page
    assert f"/jobs/{job.public_id}/changes" in page


def test_lines_to_look_at_say_why(client: Client, person: User, tmp_path: Path) -> None:
    job = with_lines(delivered(person, tmp_path), 1)

    page = page_of(client, job)

    assert "1 line to look at" in page
    assert "starts 0.3 s late" in page
    assert 'data-at="300"' in page


def test_a_line_that_lost_its_chosen_voice_is_to_be_looked_at(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = with_lines(delivered(person, tmp_path), 2)
    Line.objects.update(flags=[], voice="hum")
    Line.objects.filter(segment__index=1).update(chosen_voice="gone")

    page = page_of(client, job)

    assert "1 line to look at" in page
    assert "isn&#x27;t offered any more" in page


def test_texts_of_lines_are_text_and_never_markup(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = with_lines(delivered(person, tmp_path), 1)
    Segment.objects.update(text="</script><script>alert(1)</script>")
    Line.objects.update(text="<img src=x onerror=alert(1)>")

    page = page_of(client, job)

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_cancelling_says_first_what_comes_back(client: Client, person: User) -> None:
    job = make.job(person, languages=["es", "fr"])

    question = client.get(f"/jobs/{job.public_id}/cancel").content.decode()

    assert "14 credits come back to your balance at once." in question
    assert balance_of(person) == 86


def test_a_spoken_language_is_not_promised_back_to_who_cancels_too_often(
    client: Client, person: User
) -> None:
    for _ in range(3):
        job = make.job(person, languages=["es"])
        make.done(3)
        make.claim()
        client.post(f"/jobs/{job.public_id}/cancel")
    job = make.job(person, languages=["es"])
    make.done(3)
    make.claim()

    question = client.get(f"/jobs/{job.public_id}/cancel").content.decode()

    assert "0 credits come back" in question
    assert "You cancelled three dubs today" in question


def test_adding_languages_names_each_price_and_takes_it(
    client: Client, person: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = delivered(person, tmp_path)
    before = balance_of(person)

    question = client.get(f"/jobs/{job.public_id}/languages").content.decode()
    refused = client.post(f"/jobs/{job.public_id}/languages", {"languages": ["es"]}, follow=True)

    assert "Add languages" in question
    assert "already" in refused.content.decode()
    assert balance_of(person) == before


def test_deleting_the_files_says_what_is_lost_and_loses_it(
    client: Client, person: User, tmp_path: Path
) -> None:
    job = delivered(person, tmp_path)

    question = client.get(f"/jobs/{job.public_id}/delete").content.decode()
    after = client.post(f"/jobs/{job.public_id}/delete", follow=True).content.decode()

    assert "can’t be recovered" in question
    assert "The files of this dub are gone" in after
    assert "Files deleted" in after
    assert "✓ ready" not in after
    assert "/media/" not in after


def test_a_dub_whose_time_is_over_says_so(client: Client, person: User, tmp_path: Path) -> None:
    job = delivered(person, tmp_path)
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(seconds=1))

    page = page_of(client, job)

    assert "The files of this dub are gone" in page
    assert "Add languages" not in page


def test_a_dub_that_waits_for_its_review_is_started_by_its_customer(
    client: Client, person: User
) -> None:
    job = make.job(person, languages=["es"], options={"review": True})
    make.done(2)

    waiting = page_of(client, job) + client.get("/jobs").content.decode()
    client.post(f"/jobs/{job.public_id}/start")
    started = page_of(client, job) + client.get("/jobs").content.decode()

    for told in ("Waiting for you to read the transcript", "the transcript waits for you"):
        assert told in waiting
        assert told not in started


def test_trying_again_says_what_it_costs_and_what_is_left(client: Client, person: User) -> None:
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_AUDIO"))

    question = client.get(f"/jobs/{job.public_id}/languages/es/retry").content.decode()

    assert "It costs 7 credits, like the first time." in question
    assert "Your balance is 93 afterwards." in question


def test_trying_again_without_credits_leads_to_them_and_back(client: Client) -> None:
    poor = make.professional(credits=7)
    client.force_login(poor)
    job = make.job(poor, languages=["es"])
    address = f"/jobs/{job.public_id}/languages/es/retry"

    question = client.get(address).content.decode()

    assert f'href="/billing?next={address}"' in question
    assert "Try again for" not in question


def test_a_question_has_the_focus_before_the_button_that_does_it(
    client: Client, person: User
) -> None:
    job = make.job(person, languages=["es"])

    question = client.get(f"/jobs/{job.public_id}/cancel").content.decode()

    assert '<h1 id="question" tabindex="-1" autofocus>' in question


def test_a_plan_without_room_offers_no_language(client: Client, person: User) -> None:
    most = plan_of(person).limits.languages
    job = make.job(person, languages=["es"])
    others = [code for code in LANGUAGES if code not in {"es", "en"}][: most - 1]
    for code in others:
        LanguageTask.objects.create(job=job, language=code, price=1, credits=1)

    question = client.get(f"/jobs/{job.public_id}/languages").content.decode()

    assert 'name="languages"' not in question
    assert "Add and pay" not in question


def test_captions_of_the_original_are_offered_once_it_was_heard(
    client: Client, person: User
) -> None:
    job = make.job(person, languages=["es"])

    before = page_of(client, job)
    with_lines(job, 1)
    after = page_of(client, job)

    assert "Captions of the original" not in before
    assert "Captions of the original" in after


def test_loudness_has_a_minus_sign() -> None:
    receipt = {
        "lines": 1,
        "speed_natural_share": 1,
        "overlap_seconds": 0,
        "speed_highest": 1,
        "start_median_ms": 20,
        "start_p95_ms": 40,
        "loudness_lufs": -14.0,
        "true_peak_db": -1.2,
        "word_error": None,
    }

    told = receipts.sentences(receipt, picture=False)

    assert "Loudness −14.0 LUFS, true peak −1.2 dBTP." in told


def test_waiting_for_a_vendor_is_told(client: Client, person: User) -> None:
    job = make.job(person, languages=["es"])
    outcomes.put_off(make.claim(), PipelineError("VENDOR_ACCOUNT", engine="speech"))

    assert "On hold while we fix a problem with a provider" in page_of(client, job)
