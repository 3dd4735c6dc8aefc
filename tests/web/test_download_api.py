"""Asking for files over the API."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from jobs import outcomes
from jobs.models import DubbingJob, Step
from jobs.states import StepKind, StepStatus
from tests import make
from tests.web.api import Api, fetched
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(tmp_path: Path) -> DubbingJob:
    """Return a finished job."""
    return delivered(make.professional(), tmp_path, kinds=("full_mp3", "voice_mp3", "srt"))


def path(job: DubbingJob, query: str) -> str:
    return f"/api/jobs/{job.public_id}/download?{query}"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("lang=es", ".es.mp3"),
        ("lang=es&type=full&format=mp3", ".es.mp3"),
        ("lang=es-MX&type=voice", ".es.voice.mp3"),
        ("lang=es&type=captions", ".es.srt"),
    ],
)
def test_a_download_leads_to_the_link(job: DubbingJob, query: str, kind: str) -> None:
    api = Api(job.user)

    response = api.get(path(job, query), Accept="text/html")
    link = response["Location"].removeprefix("http://localhost:8000")

    assert response.status_code == 302
    assert response["Vary"].startswith("Accept")
    assert kind in api.client.head(link)["Content-Disposition"]


def test_a_program_gets_the_link_as_json(job: DubbingJob) -> None:
    response = Api(job.user).get(path(job, "lang=es"), Accept="application/json")

    assert response.status_code == 200
    assert set(response.json()) == {"url", "expires_at"}
    assert response.json()["url"].startswith("http://localhost:8000/d/")


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("lang=es&format=wav", StepKind.WAV),
        ("lang=es&type=voice&format=wav", StepKind.WAV),
        ("lang=es&type=bundle", StepKind.BUNDLE),
    ],
)
def test_what_is_made_on_demand_is_asked_for_once(
    job: DubbingJob, query: str, kind: StepKind
) -> None:
    api = Api(job.user)

    first, second = api.get(path(job, query)), api.get(path(job, query))

    assert (first.status_code, second.status_code) == (202, 202)
    assert int(first["Retry-After"]) > 0
    assert Step.objects.get(kind=kind).status == StepStatus.READY


def test_a_look_at_what_is_made_on_demand_has_nothing_made(job: DubbingJob) -> None:
    client = Client()
    client.force_login(job.user)

    looked = client.head(path(job, "lang=es&type=bundle"))

    assert looked.status_code == 202
    assert not Step.objects.filter(kind=StepKind.BUNDLE).exists()


def test_what_was_made_since_the_look_is_given_and_not_made_again(
    job: DubbingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_job = outcomes.lock_job

    def finished_first(job_id: int) -> DubbingJob:
        made = job.artifacts.get(kind="srt")
        made.pk, made.kind, made.object_key = None, "bundle", "made-meanwhile.zip"
        made.save()
        return lock_job(job_id)

    monkeypatch.setattr(outcomes, "lock_job", finished_first)

    answer = Api(job.user).get(path(job, "lang=es&type=bundle"))

    assert answer.status_code == 302
    assert not Step.objects.filter(kind=StepKind.BUNDLE).exists()


def test_what_broke_off_is_asked_for_again(job: DubbingJob) -> None:
    api = Api(job.user)
    api.get(path(job, "lang=es&type=bundle"))
    Step.objects.filter(kind=StepKind.BUNDLE).update(
        status=StepStatus.FAILED, error_code="MEDIA_TOOL"
    )

    api.get(path(job, "lang=es&type=bundle"))

    assert Step.objects.get(kind=StepKind.BUNDLE).status == StepStatus.READY


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("lang=fr", 404, "not_found"),
        ("lang=xx", 404, "not_found"),
        ("lang=es&type=video", 404, "not_found"),
        ("lang=es&type=voice&format=m4a", 400, "validation_error"),
        ("lang=es&type=poem", 400, "validation_error"),
        ("type=full", 400, "validation_error"),
    ],
)
def test_what_is_not_there_is_told(job: DubbingJob, query: str, status: int, code: str) -> None:
    response = Api(job.user).get(path(job, query))

    assert (response.status_code, response.json()["error"]) == (status, code)


def test_a_language_that_is_not_finished_has_no_files_yet() -> None:
    job = make.job(languages=["es"])

    response = Api(job.user).get(path(job, "lang=es"))

    assert (response.status_code, response.json()["error"]) == (404, "file_not_ready")
    assert response.json()["message"] == "This language isn't finished yet."


def test_files_whose_time_is_over_are_gone(job: DubbingJob) -> None:
    DubbingJob.objects.update(kept_until=timezone.now() - timedelta(seconds=1))
    api = Api(job.user)

    response = api.get(path(job, "lang=es"))
    shown = api.get(f"/api/jobs/{job.public_id}").json()

    assert (response.status_code, response.json()["error"]) == (410, "files_expired")
    assert (shown["download_urls"], shown["languages"][0]["downloadUrl"]) == ({}, None)


def test_downloads_of_the_past_are_listed(job: DubbingJob) -> None:
    api = Api(job.user)
    link = api.get(path(job, "lang=es"))["Location"].removeprefix("http://localhost:8000")
    fetched(api, link)

    entries = api.get("/api/downloads").json()

    entry = entries[0]
    assert len(entries) == 1
    assert (entry["job_id"], entry["language_code"]) == (job.public_id, "es")
    assert (entry["file_type"], entry["file_size"], entry["is_expired"]) == ("full", 256_000, False)
    assert entry["download_url"].startswith("http://localhost:8000/d/")
    assert Api(make.user()).get("/api/downloads").json() == []
