"""Correcting lines over the API, and having them made anew."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing import ledger, services
from billing.queries import balance_of
from dubber.errors import UserError
from jobs import editing, outcomes, rows, storage
from jobs.extras import ask_for
from jobs.models import Artifact, DubbingJob, LanguageTask, Line, Segment, Step
from jobs.pipeline.errors import PipelineError
from jobs.services import cancel_job, refund_language
from jobs.states import LANGUAGE_KINDS, JobStatus, Stage, StepKind, StepStatus
from tests import make
from tests.engines import engines
from tests.web.api import Api
from tests.web.spoken import HEARD, dub_of, kept, say, spoken

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def surroundings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Don't count how often a test asks, and let the tests' own engines work."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    edit: Any = editing.edit_lines
    render: Any = editing.render
    for service in (edit.__wrapped__, render):
        monkeypatch.setitem(service.__kwdefaults__, "engines", engines)


@pytest.fixture
def person() -> User:
    return make.professional(credits=100)


@pytest.fixture
def job(person: User) -> DubbingJob:
    """Return a finished job of three lines."""
    return spoken(person)


def lines_path(job: DubbingJob) -> str:
    return f"/api/jobs/{job.public_id}/languages/es/lines"


def line_of(index: int) -> Line:
    return Line.objects.get(segment__index=index)


def change(row: Line | Segment, **columns: Any) -> dict[str, Any]:
    return {"lines": [{"id": str(row.pk), "revision": row.revision, **columns}]}


def test_what_was_heard_is_shown_with_its_room(job: DubbingJob, person: User) -> None:
    lines = Api(person).get(f"/api/jobs/{job.public_id}/transcript").json()["lines"]

    assert [line["text"] for line in lines] == ["One.", "Two.", "3."]
    assert set(lines[0]) == {
        "id",
        "start",
        "end",
        "speaker",
        "text",
        "max_chars",
        "flags",
        "revision",
    }
    assert (lines[0]["start"], lines[0]["end"], lines[0]["revision"]) == (1.0, 3.0, 1)
    assert lines[0]["max_chars"] == int(30 * (5.0 - 0.08 - 1.0)) + 40


def test_a_correction_makes_only_its_own_line_stale(job: DubbingJob, person: User) -> None:
    segment = Segment.objects.get(index=1)

    answer = Api(person).patch(
        f"/api/jobs/{job.public_id}/transcript", change(segment, text="  Two\n and a half. ")
    )

    assert answer.status_code == 200
    assert [line["text"] for line in answer.json()["lines"]] == ["One.", "Two and a half.", "3."]
    assert answer.json()["lines"][1]["revision"] == 2
    stale = Line.objects.filter(stale=True, outdated=True)
    assert [line.segment.index for line in stale] == [1]


def test_null_leaves_a_line_as_it_is(job: DubbingJob, person: User) -> None:
    sent = change(line_of(0), text="Hola.", voice=None, keep_original=None, mute=None)

    answer = Api(person).patch(lines_path(job), sent)

    line = line_of(0)
    assert answer.status_code == 200
    assert (line.text, line.chosen_voice, line.keep_original, line.mute) == (
        "Hola.",
        "",
        False,
        False,
    )


def test_a_change_of_what_somebody_else_changed_is_refused(job: DubbingJob, person: User) -> None:
    api, line = Api(person), line_of(0)
    first = api.patch(lines_path(job), change(line, text="Uno, uno."))

    second = api.patch(lines_path(job), change(line, text="Otra cosa."))

    assert first.status_code == 200
    assert (second.status_code, second.json()["error"]) == (409, "stale_revision")
    assert second.json()["details"]["revision"] == 2
    assert line_of(0).text == "Uno, uno."


def test_one_bad_line_changes_none(job: DubbingJob, person: User) -> None:
    good, bad = line_of(0), line_of(1)
    body = {
        "lines": [
            change(good, text="Bueno.")["lines"][0],
            change(bad, text="x" * 500)["lines"][0],
        ]
    }

    answer = Api(person).patch(lines_path(job), body)

    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert answer.json()["details"]["max_chars"] == int(30 * 3.92) + 40
    assert not Line.objects.filter(stale=True).exists()


def test_a_line_may_have_a_voice_stay_as_it_was_or_be_silent(job: DubbingJob, person: User) -> None:
    api = Api(person)
    api.patch(lines_path(job), change(line_of(0), voice="grand-hum"))
    api.patch(lines_path(job), change(line_of(1), keep_original=True))
    api.patch(lines_path(job), change(line_of(2), mute=True))

    lines = api.get(lines_path(job)).json()["lines"]

    task = job.tasks.get()
    options = rows.options_of(task)
    assert [line["stale"] for line in lines] == [True, True, True]
    assert (lines[0]["voice"], lines[1]["keep_original"], lines[2]["mute"]) == (
        "grand-hum",
        True,
        True,
    )
    assert dict(options.line_voices) == {0: "grand-hum"}
    assert (options.kept, options.muted) == (frozenset({1}), frozenset({2}))
    assert rows.translation_of(task).texts == ("Uno.", "Dos.", "")


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ({"text": "Nuevo."}, {"text": "0!"}),
        ({"mute": True}, {"mute": False}),
        ({"keep_original": True}, {"keep_original": False}),
        ({"voice": "grand-hum"}, {"voice": ""}),
        ({"voice": "grand-hum"}, {"voice": "hum"}),
    ],
)
def test_a_line_that_is_changed_back_costs_nothing(
    job: DubbingJob, person: User, there: dict[str, Any], back: dict[str, Any]
) -> None:
    Line.objects.update(text=F("spoken"))
    api = Api(person)
    api.patch(lines_path(job), change(line_of(0), **there))
    assert line_of(0).stale

    answer = api.patch(lines_path(job), change(line_of(0), **back))

    assert [line["stale"] for line in answer.json()["lines"]] == [False, False, False]
    assert editing.render_prices(job, engines=engines) == {}


def test_a_line_that_is_to_be_translated_anew_stays_changed(job: DubbingJob, person: User) -> None:
    Line.objects.update(text=F("spoken"))
    Line.objects.filter(segment__index=0).update(outdated=True, stale=True)
    api = Api(person)

    api.patch(lines_path(job), change(line_of(0), mute=True))
    api.patch(lines_path(job), change(line_of(0), mute=False))

    assert line_of(0).stale


def test_a_speaker_who_gets_the_old_voice_back_costs_nothing(job: DubbingJob) -> None:
    Line.objects.update(text=F("spoken"))
    for voice, changed in (("grand-hum", 3), ("hum", 0)):
        editing.cast_speaker(job, language="es", speaker=0, voice=voice, engines=engines)

        assert Line.objects.filter(stale=True).count() == changed


def test_a_line_that_was_not_changed_keeps_the_wording_that_fitted(
    job: DubbingJob, person: User
) -> None:
    Api(person).patch(lines_path(job), change(line_of(0), text="Nuevo."))

    editing.render(job, by=person, engines=engines)

    assert rows.translation_of(job.tasks.get()).texts == ("Nuevo.", "1!", "2!")


@pytest.mark.parametrize(
    "columns",
    [
        {"voice": "nobody"},
        {"text": ""},
        {"keep_original": "perhaps"},
        {"revision": 0},
        {"id": "x"},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    job: DubbingJob, person: User, columns: dict[str, Any]
) -> None:
    body = {"lines": [change(line_of(0))["lines"][0] | columns]}

    answer = Api(person).patch(lines_path(job), body)

    assert (answer.status_code, answer.json()["error"]) == (400, "validation_error")
    assert not Line.objects.filter(stale=True).exists()


PROTECTED = {"start": 0, "end": 99, "speaker": 7, "flags": ["x"], "stale": False, "outdated": True}


def test_what_is_not_for_a_client_to_say_is_not_heard(job: DubbingJob, person: User) -> None:
    Api(person).patch(lines_path(job), change(line_of(0), text="Nuevo.", **PROTECTED))

    line = line_of(0)
    assert (line.stale, line.outdated, line.flags, line.segment.speaker) == (True, False, [], 0)
    assert (line.start_ms, line.segment.start_ms) == (1000, 1000)


def test_a_line_of_another_job_is_not_found(job: DubbingJob, person: User) -> None:
    theirs = Segment.objects.create(
        job=make.job(), index=0, start_ms=0, end_ms=1, speaker=0, text="secret"
    )

    answer = Api(person).patch(f"/api/jobs/{job.public_id}/transcript", change(theirs, text="x"))

    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    theirs.refresh_from_db()
    assert theirs.text == "secret"


def test_a_change_keeps_the_files_for_longer(job: DubbingJob, person: User) -> None:
    DubbingJob.objects.update(kept_until=timezone.now() + timedelta(hours=1))

    Api(person).patch(lines_path(job), change(line_of(0), text="Nuevo."))

    job.refresh_from_db()
    assert job.kept_until is not None
    assert job.kept_until > timezone.now() + timedelta(days=29)


def test_rendering_costs_the_slots_that_changed_and_does_their_steps(
    job: DubbingJob, person: User
) -> None:
    api = Api(person)
    api.patch(lines_path(job), change(line_of(0), text="Nuevo."))
    before = balance_of(person)

    answer = api.post(f"/api/jobs/{job.public_id}/render")

    task = job.tasks.get()
    assert answer.status_code == 200
    assert before - balance_of(person) == 1  # 3.92 s at a tenth of a credit, rounded up
    assert (task.stage, task.render_price) == (Stage.QUEUED, 1)
    assert answer.json()["status"] == "processing"
    todo = Step.objects.filter(status__in=[StepStatus.READY, StepStatus.WAITING])
    assert set(todo.values_list("kind", flat=True)) == set(LANGUAGE_KINDS)
    again = api.post(f"/api/jobs/{job.public_id}/render")
    assert (again.status_code, again.json()["error"]) == (409, "conflict")
    edit = api.patch(lines_path(job), change(line_of(0), text="Otra."))
    assert edit.status_code == 409


def test_a_premium_line_costs_double(job: DubbingJob, person: User) -> None:
    api = Api(person)
    api.patch(lines_path(job), change(line_of(2), voice="grand-hum"))  # 52 s: 5.2 credits, double
    before = balance_of(person)

    api.post(f"/api/jobs/{job.public_id}/render")

    assert before - balance_of(person) == 11


def test_premium_and_other_lines_of_a_language_are_rounded_up_together(
    job: DubbingJob, person: User
) -> None:
    api = Api(person)
    api.patch(lines_path(job), change(line_of(0), text="Nuevo."))  # 3.92 s: 0.4 credits
    api.patch(lines_path(job), change(line_of(2), voice="grand-hum"))  # 10.4 credits
    before = balance_of(person)

    api.post(f"/api/jobs/{job.public_id}/render")

    assert before - balance_of(person) == 11


def test_rendering_nothing_is_a_conflict(job: DubbingJob, person: User) -> None:
    answer = Api(person).post(f"/api/jobs/{job.public_id}/render")

    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert balance_of(person) == 93


def test_a_held_account_has_nothing_rendered(job: DubbingJob, person: User) -> None:
    api = Api(person)
    api.patch(lines_path(job), change(line_of(0), text="Nuevo."))
    services.freeze(person, reason="Looks like a stolen card", by=make.staff())

    answer = api.post(f"/api/jobs/{job.public_id}/render")

    assert (answer.status_code, answer.json()["error"]) == (403, "permission_denied")
    assert balance_of(person) == 93


def test_whoever_owes_credits_has_nothing_rendered(job: DubbingJob, person: User) -> None:
    api = Api(person)
    api.patch(lines_path(job), change(line_of(0), text="Nuevo."))
    ledger.take_back(person, credits=100, reference="dispute:1", description="Payment refunded")

    answer = api.post(f"/api/jobs/{job.public_id}/render")

    assert (answer.status_code, answer.json()["error"]) == (402, "insufficient_credits")
    assert job.tasks.get().stage == Stage.COMPLETE


def rendering(job: DubbingJob) -> LanguageTask:
    """Have one line made anew."""
    Line.objects.filter(segment__index=0).update(stale=True)
    editing.render(job, by=job.user, engines=engines)
    return job.tasks.get()


def test_a_rendering_that_fails_is_refunded_and_leaves_the_language_as_it_was(
    job: DubbingJob, person: User
) -> None:
    rendering(job)

    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    job.refresh_from_db()
    task = job.tasks.get()
    assert (job.status, task.stage, task.render_price) == (JobStatus.COMPLETE, Stage.COMPLETE, 0)
    assert (task.credits, task.refunded) == (8, 1)
    assert balance_of(person) == 93
    assert line_of(0).stale
    assert rendering(job).stage == Stage.QUEUED


@pytest.mark.usefixtures("adds_up")
def test_a_language_is_refunded_in_full_after_a_rendering_of_it_failed(
    job: DubbingJob, person: User
) -> None:
    rendering(job)
    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    credits = refund_language(job, language="es", reason="Sounds odd", by=make.staff())

    assert credits == 7
    assert balance_of(person) == 100


def test_working_files_of_a_rendering_that_fails_are_put_away(
    job: DubbingJob, person: User
) -> None:
    task = rendering(job)
    delivered = {kind: storage.current(job, task, kind) for kind in ("dub", "mix")}
    outcomes.finish(make.claim(), kept=[], write=lambda: None)
    outcomes.finish(make.claim(), kept=kept("dub", b"edited"), write=lambda: None)

    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    assert {kind: storage.current(job, task, kind) for kind in ("dub", "mix")} == delivered
    assert Artifact.objects.filter(task=task, kind="dub").count() == 2


def test_after_a_rendering_that_failed_lines_say_what_the_files_say(
    job: DubbingJob, person: User
) -> None:
    api = Api(person)
    said = api.get(lines_path(job)).json()["lines"]
    placed = list(Line.objects.values_list("start_ms", "end_ms", "late_ms", "voice"))
    api.patch(lines_path(job), change(line_of(0), text="Nuevo."))
    editing.render(job, by=person, engines=engines)
    task = job.tasks.get()
    outcomes.finish(make.claim(), kept=[], write=lambda: None)
    say(task, dub_of("{} otra vez", late=0.2, voice="drone"))

    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    after = api.get(lines_path(job)).json()["lines"]
    changed = {"text": "Nuevo.", "stale": True, "revision": 2}
    assert after == [{**said[0], **changed}, *said[1:]]
    assert [line["spoken"] for line in after] == ["0!", "1!", "2!"]
    assert list(Line.objects.values_list("start_ms", "end_ms", "late_ms", "voice")) == placed
    assert job.tasks.get().cast == {"0": "hum"}


def test_a_rendering_that_is_cancelled_leaves_the_language_as_it_was(
    job: DubbingJob, person: User
) -> None:
    rendering(job)
    job.refresh_from_db()

    cancel_job(job, by=person)

    job.refresh_from_db()
    assert (job.status, job.tasks.get().stage) == (JobStatus.COMPLETE, Stage.COMPLETE)
    assert balance_of(person) == 93
    assert not job.steps.filter(status__in=[StepStatus.READY, StepStatus.WAITING]).exists()


def test_who_cancels_a_rendering_is_promised_what_comes_back(
    client: Client, job: DubbingJob, person: User
) -> None:
    rendering(job)
    client.force_login(person)
    before = balance_of(person)

    question = client.get(f"/jobs/{job.public_id}/cancel").content.decode()
    client.post(f"/jobs/{job.public_id}/cancel")

    assert balance_of(person) - before == 1
    assert "Stop updating the dub?" in question
    assert "Cancel and get 1 credit back" in question
    assert "These languages stop" not in question


@pytest.mark.parametrize("asked_before", [True, False])
@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_after_a_rendering_was_given_up_a_wav_is_made_and_lines_are_edited(
    job: DubbingJob, person: User, end: str, asked_before: bool
) -> None:
    task = rendering(job)
    if asked_before:  # an earlier release let somebody ask while the language was made
        Step.objects.create(job=job, task=task, kind=StepKind.WAV)
    claim = make.claim()
    if end == "failed":
        outcomes.fail(claim, PipelineError("ENGINE_REFUSED", engine="it"))
    else:
        cancel_job(DubbingJob.objects.get(pk=job.pk), by=person)
    if not asked_before:
        ask_for(job, task=task, kind=StepKind.WAV)

    wav = make.claim()
    outcomes.finish(wav, kept=[], write=lambda: None)

    assert wav.kind == StepKind.WAV
    assert rendering(job).stage == Stage.QUEUED


def test_nothing_is_made_of_a_language_whose_rendering_has_just_begun(job: DubbingJob) -> None:
    rendering(job)

    with pytest.raises(UserError) as refused:
        ask_for(job, task=job.tasks.get(), kind=StepKind.WAV)

    assert refused.value.code == "file_not_ready"
    assert not job.steps.filter(kind=StepKind.WAV).exists()


def test_nothing_is_made_of_files_that_have_just_gone(job: DubbingJob) -> None:
    DubbingJob.objects.update(files_gone_at=timezone.now())

    with pytest.raises(UserError) as refused:
        ask_for(job, task=job.tasks.get(), kind=StepKind.WAV)

    assert refused.value.code == "files_expired"


def test_files_that_are_gone_can_not_be_edited(job: DubbingJob, person: User) -> None:
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    api = Api(person)

    answers = [
        api.get(lines_path(job)),
        api.patch(lines_path(job), change(line_of(0), text="x")),
        api.post(f"/api/jobs/{job.public_id}/render"),
    ]

    assert {(one.status_code, one.json()["error"]) for one in answers} == {(410, "files_expired")}


def test_a_transcript_is_corrected_before_any_language_is_made(person: User) -> None:
    job = make.job(person, languages=["es"], options={"review": True})
    make.done(1)
    outcomes.finish(make.claim(), kept=[], write=lambda: rows.save_transcript(job, HEARD))

    answer = Api(person).patch(
        f"/api/jobs/{job.public_id}/transcript", change(Segment.objects.get(index=0), text="New.")
    )

    assert answer.status_code == 200
    assert Segment.objects.get(index=0).text == "New."
    assert job.steps.get(kind=StepKind.TRANSLATE).status == StepStatus.WAITING


@pytest.mark.parametrize("path", ["/transcript", "/languages/es/lines"])
def test_the_lines_of_somebody_else_look_like_none(job: DubbingJob, path: str) -> None:
    stranger = Api(make.user())

    answers = [
        stranger.get(f"/api/jobs/{job.public_id}{path}"),
        stranger.patch(f"/api/jobs/{job.public_id}{path}", change(line_of(0), text="x")),
        stranger.get(f"/api/jobs/job_aaaaaaaaaaaa{path}"),
    ]

    assert {(one.status_code, one.json()["error"]) for one in answers} == {(404, "job_not_found")}
