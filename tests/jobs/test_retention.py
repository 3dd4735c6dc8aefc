"""How long files are kept, and that rows and storage agree on what is there."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from billing.queries import balance_of
from jobs import downloads, extras, incoming, retention
from jobs.models import Artifact, DubbingJob, Segment, Take, Upload
from jobs.retention import differences, purge
from jobs.services import add_languages, start_job
from jobs.states import JobStatus, StepKind
from jobs.uploads import issue_uploads
from tests import make
from tests.engines import engines
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(settings: Settings, tmp_path: Path) -> Path:
    """Give every test a storage of its own."""
    root = tmp_path / "storage"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": root, "allow_overwrite": True},
        },
    }
    return root


@pytest.fixture
def job(tmp_path: Path) -> DubbingJob:
    """Return a finished job with a file, a take and a text."""
    job = delivered(make.professional(), tmp_path)
    step = job.steps.get(kind=StepKind.DUB)
    key = default_storage.save(f"jobs/{job.public_id}/takes/a", ContentFile(b"take"))
    Take.objects.create(
        job=job, step=step, key="k", kind="dub", object_key=key, sha256="0", bytes=4, took_ms=1
    )
    Segment.objects.create(job=job, index=0, start_ms=0, end_ms=1, speaker=0, text="secret")
    return job


def expire(job: DubbingJob) -> None:
    DubbingJob.objects.filter(pk=job.pk).update(kept_until=timezone.now() - timedelta(seconds=1))


def files_in(storage: Path) -> set[str]:
    found = (path for path in storage.rglob("*") if path.is_file())
    return {str(path.relative_to(storage)) for path in found}


def test_a_job_keeps_its_files_as_long_as_its_plan_promised_at_creation() -> None:
    professional, starter = make.job(), make.job(make.user(credits=20), languages=["es"])

    assert professional.kept_for == timedelta(days=30)
    assert starter.kept_for == timedelta(hours=48)


def test_everything_of_a_job_goes_together_when_its_time_is_over(
    job: DubbingJob, storage: Path
) -> None:
    expire(job)

    done = purge()

    job.refresh_from_db()
    assert (done.jobs, done.files) == (1, 3)
    assert files_in(storage) == set()
    assert not Segment.objects.exists()
    assert not Take.objects.exists()
    assert Artifact.objects.get().gone_at is not None
    assert job.voice.gone_at is not None
    assert (job.status, job.files_expired) == (JobStatus.COMPLETE, True)
    assert differences() == retention.Difference([], [])


def test_purging_again_changes_nothing(job: DubbingJob) -> None:
    expire(job)
    purge()

    again = purge()

    assert (again.jobs, again.files) == (0, 0)


def test_a_file_that_can_not_be_deleted_keeps_no_other_job_from_going(
    job: DubbingJob, storage: Path, tmp_path: Path
) -> None:
    other = delivered(make.professional(), tmp_path)
    expire(job)
    expire(other)
    stuck = Path(default_storage.path(Take.objects.get().object_key))
    stuck.unlink()
    (stuck / "something").mkdir(parents=True)

    done = purge()

    assert done.jobs == 1
    assert Artifact.objects.get(job=other).gone_at is not None
    assert Artifact.objects.get(job=job).gone_at is None


def test_a_job_that_ends_while_it_is_to_be_deleted_is_deleted() -> None:
    seen = make.job(languages=["es"])
    make.done(6)

    retention.delete_job(seen, by=seen.user)

    seen.refresh_from_db()
    assert (seen.status, seen.files_expired) == (JobStatus.COMPLETE, True)


def test_a_dry_run_only_counts(job: DubbingJob, storage: Path) -> None:
    expire(job)
    before = files_in(storage)

    done = purge(dry_run=True)

    assert (done.jobs, done.files) == (1, 3)
    assert files_in(storage) == before
    assert not DubbingJob.objects.get().files_gone_at


def test_a_job_whose_time_is_not_over_is_left_alone(job: DubbingJob, storage: Path) -> None:
    before = files_in(storage)

    assert purge().jobs == 0
    assert purge(older_than=timedelta(hours=1)).jobs == 0
    assert files_in(storage) == before


def test_older_than_takes_what_ended_so_long_ago(job: DubbingJob, storage: Path) -> None:
    DubbingJob.objects.update(finished_at=timezone.now() - timedelta(hours=49))

    call_command("purge_artifacts", "--older-than", "48h", stdout=io.StringIO())

    assert files_in(storage) == set()


def test_what_is_being_made_or_downloaded_stays_for_now(job: DubbingJob, storage: Path) -> None:
    file = Artifact.objects.get()
    downloads.use_link(file, number=1, client="somebody")
    expire(job)
    while_downloaded = purge().jobs
    file.downloads.update(expires_at=timezone.now())
    DubbingJob.objects.update(kept_until=timezone.now() + timedelta(hours=1))
    extras.ask_for(job, task=job.tasks.get(), kind=StepKind.BUNDLE)
    expire(job)
    while_made = purge().jobs
    job.steps.filter(kind=StepKind.BUNDLE).update(status="done")

    assert (while_downloaded, while_made, purge().jobs) == (0, 0, 1)
    assert files_in(storage) == set()


def test_a_purge_that_broke_off_is_finished_by_the_next(job: DubbingJob, storage: Path) -> None:
    DubbingJob.objects.update(files_gone_at=timezone.now())
    default_storage.delete(Artifact.objects.get().object_key)

    assert purge().jobs == 1

    assert files_in(storage) == set()
    assert differences() == retention.Difference([], [])


def test_a_running_job_is_never_purged() -> None:
    job = make.job(languages=["es"])
    make.claim()
    expire(job)

    assert purge().jobs == 0


def test_deleting_now_does_not_wait_for_a_download(job: DubbingJob, storage: Path) -> None:
    downloads.use_link(Artifact.objects.get(), number=1, client="somebody")

    retention.delete_job(job, by=job.user)

    assert files_in(storage) == set()


def test_the_words_of_a_customer_go_with_the_files(job: DubbingJob) -> None:
    DubbingJob.objects.update(
        options={
            "transcript_srt": "secret",
            "glossary": [{"source": "secret", "target": None, "language": None}],
            "wav": True,
        }
    )
    expire(job)

    purge()

    assert DubbingJob.objects.get().options == {"wav": True}


def test_an_upload_that_became_no_job_goes_after_a_day(storage: Path) -> None:
    upload = make.upload(make.user())
    before = purge().uploads
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert (before, purge().uploads, purge().uploads) == (0, 1, 0)

    upload.refresh_from_db()
    assert upload.gone_at is not None
    assert files_in(storage) == set()


def test_what_arrived_of_a_broken_transfer_goes_with_its_permission(storage: Path) -> None:
    issue_uploads(make.user(), languages=["es"], names={"voice": "a.wav"})
    upload = Upload.objects.get()
    (incoming.incoming_folder() / f"{upload.pk}.part").write_bytes(b"half")
    purge()
    kept = files_in(storage)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    purge()

    assert kept == {f"incoming/{upload.pk}.part"}
    assert files_in(storage) == set()


def test_a_missing_file_and_a_file_without_a_row_are_told(job: DubbingJob, storage: Path) -> None:
    default_storage.delete(Artifact.objects.get().object_key)
    fresh = default_storage.save("jobs/fresh", ContentFile(b"x"))
    stray = default_storage.save("jobs/stray", ContentFile(b"x"))
    os.utime(storage / stray, (0, 0))
    out = io.StringIO()

    with pytest.raises(CommandError):
        call_command("check_files", stdout=out)
    with pytest.raises(CommandError):
        call_command("check_files", "--remove-orphans", stdout=io.StringIO())

    lines = out.getvalue().splitlines()
    assert lines == [f"missing: {Artifact.objects.get().object_key}", f"no row: {stray}"]
    assert default_storage.exists(fresh)
    assert not default_storage.exists(stray)


def test_rows_and_storage_that_agree_are_told_so(job: DubbingJob) -> None:
    out = io.StringIO()

    call_command("check_files", stdout=out)

    assert out.getvalue() == "Rows and storage agree.\n"


def forget(job: DubbingJob) -> None:
    """Let all of it be a week ago, heard and ordered."""
    past = timezone.now() - timedelta(days=7, seconds=1)
    job.steps.filter(kind=StepKind.TRANSCRIBE).update(finished_at=past)
    job.tasks.update(created_at=past)


def test_a_review_that_nobody_makes_is_refunded_after_seven_days() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"], options={"review": True})
    make.done(2)
    early = retention.end_forgotten_reviews()
    forget(job)

    late = retention.end_forgotten_reviews()

    job.refresh_from_db()
    assert (early, late) == (0, 1)
    assert job.status == JobStatus.CANCELLED
    assert balance_of(person) == 100


def test_a_language_that_is_added_after_a_forgotten_review_has_its_own_seven_days() -> None:
    job = make.job(languages=["es"], options={"review": True})
    make.done(2)
    forget(job)
    retention.end_forgotten_reviews()
    job.refresh_from_db()
    add_languages(job, languages=["fr"], engines=engines)

    at_once = retention.end_forgotten_reviews()
    forget(job)
    late = retention.end_forgotten_reviews()

    assert (at_once, late) == (0, 1)


def test_a_review_that_ends_in_the_last_moment_is_not_cancelled() -> None:
    job = make.job(languages=["es"], options={"review": True})
    make.done(2)
    forget(job)
    later = iter([lambda: start_job(job)])

    def let_go_on(execute: Callable[..., Any], *query: Any) -> Any:
        found = execute(*query)
        if act := next(later, None):  # the forgotten ones were just listed
            act()
        return found

    with connection.execute_wrapper(let_go_on):
        ended = retention.end_forgotten_reviews()

    job.refresh_from_db()
    assert (ended, job.status) == (0, JobStatus.PROCESSING)
