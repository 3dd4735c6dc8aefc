"""The API of jobs, word by word."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from billing.queries import balance_of
from jobs import documents, outcomes, wiring
from jobs.models import DubbingJob, Step, Upload
from jobs.pipeline.errors import PipelineError
from jobs.states import JobStatus, Stage, StepKind, StepStatus
from jobs.uploads import record_source
from tests import make
from tests.engines import engines
from tests.web.api import Api, fetched
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(autouse=True)
def no_limits(settings: Settings) -> Iterator[None]:
    """Don't count how often a test asks, and measure speeds anew."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10_000)
    documents.speeds.cache_clear()
    yield
    documents.speeds.cache_clear()


@pytest.fixture(autouse=True)
def tests_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' own engines do the work: what is installed here doesn't matter."""
    for function in (
        "jobs.ordering.order_job",
        "jobs.services.create_job",
        "jobs.services.add_languages",
    ):
        module, _, name = function.rpartition(".")
        service = getattr(__import__(module, fromlist=[name]), name)
        monkeypatch.setitem(service.__kwdefaults__, "engines", engines)


@pytest.fixture
def person() -> User:
    return make.professional(credits=100)


def sent(api: Api, *, background: bool = False, seconds: float = 61.0) -> str:
    """Ask for upload addresses and send something to each; the job's id to be."""
    asked: dict[str, Any] = {"languages": ["es"], "voice_track_name": "talk.wav"}
    if background:
        asked["background_track_name"] = "music.wav"
    answer = api.post("/api/jobs/upload-urls", asked).json()
    for url in answer["upload_urls"].values():
        path = url.removeprefix("http://localhost:8000")
        assert api.client.put(path, b"RIFF" + url.encode()).status_code == 200
    for upload in Upload.objects.filter(for_job=answer["job_id"]):
        record_source(upload, source=make.source(seconds=seconds))
    job_id: str = answer["job_id"]
    return job_id


def order(api: Api, job_id: str, **more: Any) -> Any:
    body = {"job_id": job_id, "voice_track_uploaded": True, "background_track_uploaded": False}
    return api.post("/api/jobs/", {**body, "languages": ["es"], **more})


def test_upload_addresses_are_as_the_contract_says(person: User) -> None:
    asked = {
        "languages": ["es", "fr"],
        "voice_track_name": "talk.mp4",
        "background_track_name": "music.wav",
        "sizes": {"voice": 1000},
    }

    response = Api(person).post("/api/jobs/upload-urls", asked)

    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {
        "job_id",
        "upload_urls",
        "voice_track_path",
        "background_track_path",
    }
    assert re.fullmatch(r"job_[a-z0-9]{12}", answer["job_id"])
    assert set(answer["upload_urls"]) == {"voice_track", "background_track"}
    assert answer["upload_urls"]["voice_track"].startswith("http://localhost:8000/uploads/")


def test_a_job_is_made_from_what_was_sent(person: User) -> None:
    api = Api(person)
    job_id = sent(api, background=True)

    response = order(api, job_id, background_track_uploaded=True, languages=["es", "hi"])

    job = DubbingJob.objects.get()
    assert response.status_code == 201
    assert response.json() == {"jobId": job_id, "job_id": job_id, "credit_cost": 7 + 10}
    assert response["Location"] == f"/api/jobs/{job_id}"
    assert (job.public_id, job.user, job.background is not None) == (job_id, person, True)
    assert balance_of(person) == 83


def test_the_same_order_twice_is_one_job(person: User) -> None:
    api = Api(person)
    job_id = sent(api)
    first = order(api, job_id)

    second = order(api, job_id)

    assert (second.status_code, second.json()) == (201, first.json())
    assert DubbingJob.objects.count() == 1
    assert balance_of(person) == 93


def test_another_order_for_the_same_files_is_a_conflict(person: User) -> None:
    api = Api(person)
    job_id = sent(api)
    order(api, job_id)

    response = order(api, job_id, languages=["fr"])

    assert (response.status_code, response.json()["error"]) == (409, "conflict")


def test_files_that_did_not_arrive_make_no_job(person: User) -> None:
    api = Api(person)
    asked = {"languages": ["es"], "voice_track_name": "talk.wav"}
    job_id = api.post("/api/jobs/upload-urls", asked).json()["job_id"]

    response = order(api, job_id)

    told = response.json()
    assert (response.status_code, told["error"], told["details"]["role"]) == (
        409,
        "upload_missing",
        "voice",
    )


@pytest.mark.parametrize("job_id", ["job_aaaaaaaaaaaa", "nonsense", "../../etc/passwd"])
def test_an_id_that_was_not_issued_is_not_found(person: User, job_id: str) -> None:
    response = order(Api(person), job_id)

    assert (response.status_code, response.json()["error"]) == (404, "job_not_found")


def test_the_files_of_somebody_else_are_not_found(person: User) -> None:
    job_id = sent(Api(make.professional()))

    response = order(Api(person), job_id)

    assert (response.status_code, response.json()["error"]) == (404, "job_not_found")


def test_lengths_that_differ_are_told_at_the_top_too(person: User) -> None:
    api = Api(person)
    job_id = sent(api, background=True)
    background = Upload.objects.get(role="background")
    record_source(background, source=make.source(seconds=63.0))

    response = order(api, job_id, background_track_uploaded=True)

    answer = response.json()
    assert (response.status_code, answer["error"]) == (400, "duration_mismatch")
    assert (answer["voice_duration"], answer["background_duration"]) == (61.0, 63.0)
    assert balance_of(person) == 100


def test_too_few_credits_say_how_many_are_missing() -> None:
    poor = make.user(credits=3)
    api = Api(poor)

    response = order(api, sent(api))

    assert (response.status_code, response.json()["error"]) == (402, "insufficient_credits")
    assert response.json()["details"] == {"required": 7, "balance": 3, "shortfall": 4}
    assert not DubbingJob.objects.exists()


PROTECTED = {
    "user": 1,
    "user_id": 1,
    "status": "complete",
    "duration_ms": 1,
    "voice_track_duration": 1,
    "credit_cost": 0,
    "credits": 0,
    "price": 0,
    "kept_for": "9999",
    "kept_until": "2999-01-01T00:00:00Z",
    "public_id": "job_mineminemine",
    "samples": 1,
    "files_gone_at": None,
    "reviewed_at": "2020-01-01T00:00:00Z",
    "voice_track_url": "file:///etc/passwd",
    "voice": 1,
    "tasks": [],
    "request_hash": "x",
}


def test_what_is_not_for_a_client_to_say_is_not_heard(person: User) -> None:
    api = Api(person)
    job_id = sent(api)

    response = order(api, job_id, **PROTECTED)

    job = DubbingJob.objects.get()
    assert response.status_code == 201
    assert (job.user, job.status, job.duration_ms) == (person, JobStatus.PENDING, 61_000)
    assert (job.public_id, job.kept_until, job.samples) == (job_id, None, None)
    assert job.kept_for.days == 30
    assert (job.reviewed_at, job.files_gone_at) == (None, None)
    assert job.voice.key.startswith("uploads/")
    assert balance_of(person) == 93


@pytest.mark.parametrize(
    "options",
    [
        {"loudness": "loud"},
        {"unknown": 1},
        {"review": "yes"},
        {"variants": {"es": "fr-CA"}},
        {"variants": {"fr": "fr-CA"}},
        {"voices": {"es": {"0": "nobody"}}},
        {"transcript_srt": "no captions"},
        {"transcript_srt": "1\n00:00:00,000 --> 00:00:01,000\na\x00b"},
        {"transcript_srt": "1\n00:00:00,000 --> 00:00:01,000\nHello"},
    ],
)
def test_an_option_that_makes_no_sense_is_refused(person: User, options: dict[str, Any]) -> None:
    api = Api(person)

    response = order(api, sent(api), options=options)

    assert (response.status_code, response.json()["error"]) == (400, "validation_error")
    assert not DubbingJob.objects.exists()


def test_good_options_are_kept(person: User) -> None:
    api = Api(person)
    options = {
        "review": True,
        "variants": {"es": "es-MX"},
        "voices": {"es": {"0": "grand-hum"}},
        "loudness": "source",
        "keep_original_db": None,
        "wav": True,
    }

    response = order(api, sent(api), options=options)

    job = DubbingJob.objects.get()
    assert response.json()["credit_cost"] == 13
    assert job.tasks.get().variant == "es-MX"
    assert job.options == {key: value for key, value in options.items() if key != "variants"}


def test_a_variant_may_be_spelled_in_any_case(person: User) -> None:
    api = Api(person)

    order(api, sent(api), options={"variants": {"es": "ES_mx"}})

    assert DubbingJob.objects.get().tasks.get().variant == "es-MX"


def test_null_in_an_upload_is_the_same_as_nothing(person: User) -> None:
    asked = {
        "languages": ["es"],
        "voice_track_name": "talk.mp4",
        "background_track_name": None,
        "content_types": {"voice": "video/mp4", "background": None},
        "sizes": {"voice": None, "background": None},
    }

    response = Api(person).post("/api/jobs/upload-urls", asked)

    upload = Upload.objects.get()
    assert response.status_code == 200
    assert (upload.content_type, upload.declared_size) == ("video/mp4", None)


def test_an_order_may_say_with_null_what_it_does_not_choose(person: User) -> None:
    api = Api(person)
    options = dict.fromkeys(("review", "variants", "voices", "loudness", "glossary", "tone", "wav"))

    response = order(
        api,
        sent(api),
        background_track_uploaded=None,
        voice_track_url="",
        background_track_url="",
        options=options,
    )

    assert response.status_code == 201
    assert DubbingJob.objects.get().options == {}


def test_the_document_has_every_field_of_the_contract(person: User, tmp_path: Path) -> None:
    job = delivered(person, tmp_path, kinds=("full_mp3", "voice_mp3", "srt"))

    answer = Api(person).get(f"/api/jobs/{job.public_id}").json()

    language = answer["languages"][0]
    assert {name: type(value).__name__ for name, value in answer.items()} == {
        "id": "str",
        "status": "str",
        "progress": "int",
        "message": "str",
        "languages": "list",
        "totalLanguages": "int",
        "completedLanguages": "int",
        "startedAt": "str",
        "estimatedCompletion": "NoneType",
        "created_at": "str",
        "updated_at": "str",
        "title": "str",
        "voice_track_duration": "int",
        "target_languages": "list",
        "background_track_uploaded": "bool",
        "credit_cost": "int",
        "credits_refunded": "int",
        "download_urls": "dict",
    }
    assert all(TIME.fullmatch(answer[name]) for name in ("startedAt", "created_at", "updated_at"))
    assert (answer["status"], answer["progress"], answer["voice_track_duration"]) == (
        "complete",
        100,
        61,
    )
    assert language["languageName"] == "Spanish"
    assert (language["status"], language["stage"], language["error"]) == (
        "complete",
        "complete",
        None,
    )
    assert language["fileSize"] == 256_000
    assert language["downloadUrl"] == answer["download_urls"]["es"]["full"]
    assert set(answer["download_urls"]["es"]) == {"voice", "full", "captions"}


@pytest.mark.parametrize(
    ("done", "stage", "status"),
    [
        (0, "stt", "processing"),
        (1, "stt", "processing"),
        (2, "translating", "processing"),
        (3, "dubbing", "generating"),
        (4, "mixing", "finalizing"),
        (5, "exporting", "finalizing"),
    ],
)
def test_status_words_follow_the_steps(person: User, done: int, stage: str, status: str) -> None:
    job = make.job(person, languages=["es"])
    make.done(done)
    make.claim()

    answer = Api(person).get(f"/api/jobs/{job.public_id}").json()

    assert (answer["status"], answer["languages"][0]["stage"]) == (status, stage)
    assert answer["languages"][0]["status"] == status
    assert answer["download_urls"] == {}
    listed = Api(person).get(f"/api/jobs?status={status}").json()
    assert [one["id"] for one in listed] == [job.public_id]


def test_a_job_that_nobody_began_is_pending(person: User) -> None:
    job = make.job(person)

    answer = Api(person).get(f"/api/jobs/{job.public_id}/").json()

    assert (answer["status"], answer["progress"], answer["startedAt"]) == ("pending", 0, None)


def test_time_left_is_told_by_measured_speeds(person: User) -> None:
    make.job(person, languages=["fr"])
    make.done(6)
    job = make.job(person, languages=["es"])
    make.claim()

    answer = Api(person).get(f"/api/jobs/{job.public_id}").json()

    assert answer["languages"][0]["estimatedTimeRemaining"] >= 1
    assert TIME.fullmatch(answer["estimatedCompletion"])


def test_a_cancelled_job_is_an_error_that_says_what_came_back(person: User) -> None:
    job = make.job(person, languages=["es", "fr"])

    answer = Api(person).post(f"/api/jobs/{job.public_id}/cancel").json()

    assert (answer["status"], answer["message"]) == ("error", "Cancelled, 14 credits returned")
    assert balance_of(person) == 100
    assert {one["stage"] for one in answer["languages"]} == {"cancelled"}


def fail(job: DubbingJob, language: str) -> None:
    """Let the language's next step fail."""
    while (claim := make.claim()).task_id != job.tasks.get(language=language).pk:
        outcomes.finish(claim, kept=[], write=lambda: None)
    outcomes.fail(claim, PipelineError("ENGINE_REFUSED", engine="it"))


def test_failed_languages_are_named_refunded_and_can_be_made_again(person: User) -> None:
    job = make.job(person, languages=["es"])
    fail(job, "es")
    api = Api(person)
    failed = api.get(f"/api/jobs/{job.public_id}").json()

    again = api.post(f"/api/jobs/{job.public_id}/retry")

    assert failed["status"] == "error"
    assert failed["credits_refunded"] == 7
    assert failed["languages"][0]["error"] == "The it engine refused this text or sound."
    assert (again.status_code, again.json()["status"]) == (200, "processing")
    assert balance_of(person) == 93
    assert api.post(f"/api/jobs/{job.public_id}/retry").json()["error"] == "conflict"


def test_an_answer_that_is_known_is_not_sent_again_until_something_happens(person: User) -> None:
    job = make.job(person, languages=["es"])
    make.done(1)
    api = Api(person)
    path = f"/api/jobs/{job.public_id}"
    etag = api.get(path)["ETag"]

    known = api.get(path, If_None_Match=etag)
    Step.objects.filter(kind=StepKind.TRANSCRIBE).update(part=1, parts=2)
    news = api.get(path, If_None_Match=etag)

    assert (known.status_code, known.content) == (304, b"")
    assert news.status_code == 200


def test_using_a_link_is_news_and_looking_is_not(person: User, tmp_path: Path) -> None:
    job = delivered(person, tmp_path)
    api = Api(person)
    path = f"/api/jobs/{job.public_id}"
    first = api.get(path)
    link = first.json()["languages"][0]["downloadUrl"].removeprefix("http://localhost:8000")

    api.client.head(link)
    looked = api.get(path)
    fetched(api, link)
    used = api.get(path)

    assert looked["ETag"] == first["ETag"]
    assert used["ETag"] != first["ETag"]
    assert used.json()["languages"][0]["downloadUrl"] != link


def test_a_list_is_an_array_with_its_total_in_a_header(person: User) -> None:
    jobs = [make.job(person, languages=["es"]).public_id for _ in range(3)]
    make.job()

    response = Api(person).get("/api/jobs/?limit=2&offset=1")

    assert [one["id"] for one in response.json()] == [jobs[1], jobs[0]]
    assert response["X-Total-Count"] == "3"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "offset=-1", "status=lost", "limit=x"])
def test_a_list_that_makes_no_sense_is_refused(person: User, query: str) -> None:
    response = Api(person).get(f"/api/jobs?{query}")

    assert (response.status_code, response.json()["error"]) == (400, "validation_error")


def test_a_job_with_a_review_waits_until_it_is_started(person: User) -> None:
    api = Api(person)
    job_id = sent(api)
    order(api, job_id, options={"review": True})
    early = api.post(f"/api/jobs/{job_id}/start")
    make.done(2)
    DubbingJob.objects.update(heard_language="en")
    waiting = api.get(f"/api/jobs/{job_id}").json()
    ready = Step.objects.filter(status=StepStatus.READY).count()

    started = api.post(f"/api/jobs/{job_id}/start")

    assert (early.status_code, early.json()["error"]) == (409, "conflict")
    assert waiting["message"] == "Check the transcript, then start the dub"
    assert ready == 0
    assert started.status_code == 200
    assert Step.objects.get(status=StepStatus.READY).kind == StepKind.TRANSLATE
    assert api.post(f"/api/jobs/{job_id}/start").status_code == 200


def test_added_languages_are_charged_and_nothing_is_heard_again(person: User) -> None:
    job = make.job(person, languages=["es"])
    make.done(6)
    api = Api(person)

    response = api.post(f"/api/jobs/{job.public_id}/languages", {"languages": ["fr", "ru"]})

    assert response.status_code == 200
    assert response.json()["target_languages"] == ["es", "fr", "ru"]
    assert balance_of(person) == 100 - 7 - 7 - 10
    ready = Step.objects.filter(status=StepStatus.READY)
    assert set(ready.values_list("kind", flat=True)) == {StepKind.TRANSLATE}
    assert job.tasks.get(language="es").stage == Stage.COMPLETE


def test_a_language_that_is_there_is_not_added_again(person: User) -> None:
    job = make.job(person, languages=["es"])

    response = Api(person).post(f"/api/jobs/{job.public_id}/languages", {"languages": ["es-MX"]})

    assert response.status_code == 409
    assert balance_of(person) == 93


def test_an_idempotency_key_adds_languages_once(person: User) -> None:
    job = make.job(person, languages=["es"])
    api = Api(person)
    path = f"/api/jobs/{job.public_id}/languages"

    one = api.post(path, {"languages": ["fr"]}, Idempotency_Key="a")
    two = api.post(path, {"languages": ["fr"]}, Idempotency_Key="a")
    other = api.post(path, {"languages": ["de"]}, Idempotency_Key="a")

    assert (one.status_code, two.status_code, two.json()) == (200, 200, one.json())
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_mismatch")
    assert balance_of(person) == 86


def test_deleting_a_job_stops_refunds_and_removes_its_files(person: User) -> None:
    job = make.job(person, languages=["es"])
    api = Api(person)

    response = api.delete(f"/api/jobs/{job.public_id}")

    assert (response.status_code, response.content) == (204, b"")
    assert balance_of(person) == 100
    assert api.delete(f"/api/jobs/{job.public_id}/").status_code == 204
    retried = api.post(f"/api/jobs/{job.public_id}/languages", {"languages": ["fr"]})
    assert (retried.status_code, retried.json()["error"]) == (410, "files_expired")


SOMEBODY_ELSES = [
    ("get", ""),
    ("delete", ""),
    ("post", "/start"),
    ("post", "/cancel"),
    ("post", "/retry"),
    ("post", "/languages"),
    ("get", "/download?lang=es"),
]


@pytest.mark.parametrize(("method", "path"), SOMEBODY_ELSES)
def test_a_job_of_somebody_else_looks_like_none(method: str, path: str) -> None:
    job, api = make.job(), Api(make.user())
    send = getattr(api, method)
    body = [{"languages": ["fr"]}] if method == "post" else []

    theirs = send(f"/api/jobs/{job.public_id}{path}", *body)
    none = send(f"/api/jobs/job_aaaaaaaaaaaa{path}", *body)

    assert theirs.status_code == none.status_code == 404
    assert without_id(theirs) == without_id(none)
    assert theirs.json()["error"] == "job_not_found"


def without_id(response: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(response.content)
    del content["request_id"]
    return content


@pytest.mark.parametrize(("method", "path"), SOMEBODY_ELSES)
def test_nobody_is_asked_to_sign_in(method: str, path: str) -> None:
    job = make.job()

    response = getattr(Api(), method)(f"/api/jobs/{job.public_id}{path}")

    assert (response.status_code, response.json()["error"]) == (401, "authentication_required")


def test_the_languages_are_public_and_twelve() -> None:
    response = Api().get("/api/languages")

    languages = response.json()
    assert response.status_code == 200
    assert [one["code"] for one in languages] == [offer.code for offer in wiring.offered()]
    assert len(languages) == 12
    hindi = next(one for one in languages if one["code"] == "hi")
    assert (hindi["classification"], hindi["multiplier"]) == ("rare", 1.5)
    assert set(hindi) == {
        "code",
        "name",
        "flag",
        "classification",
        "multiplier",
        "quality",
        "available",
        "variants",
        "voices",
    }
