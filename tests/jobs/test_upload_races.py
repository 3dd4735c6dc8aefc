"""What many ask for at the same moment happens once. Only PostgreSQL proves it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from billing.queries import balance_of
from dubber.errors import UserError
from jobs import downloads, editing, retention, rows
from jobs.models import Artifact, Download, DubbingJob, Line, Upload
from jobs.ordering import order_job
from jobs.pipeline.timeline import Segment, Transcript, Translation
from jobs.services import create_job
from jobs.uploads import issue_uploads, record_source
from tests import make
from tests.engines import engines
from tests.jobs.test_races import wait_for
from tests.web.delivered import delivered

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
MANY = 8


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Do the same in many threads at once; what came of each, or the code of its refusal."""
    barrier = Barrier(MANY)

    def one(number: int) -> Any:
        try:
            barrier.wait()
            return work(number)
        except UserError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_a_link_is_used_by_exactly_one_of_many(tmp_path: Path) -> None:
    delivered(make.professional(), tmp_path)
    file = Artifact.objects.select_related("job").get(kind="full_mp3")

    results = at_once(lambda n: downloads.use_link(file, number=1, client=str(n)).pk)

    assert sorted(map(str, results)) == sorted([str(file.pk), *["link_used"] * (MANY - 1)])
    assert Download.objects.count() == 1
    file.refresh_from_db()
    assert file.link == 2


def test_the_same_order_from_many_is_one_job_paid_once() -> None:
    person = make.professional(credits=100)
    issued = issue_uploads(person, languages=["es"], names={"voice": "a.wav"})
    upload = Upload.objects.get()
    Upload.objects.update(size=4, sha256="0", arrived_at=upload.created_at)
    upload.refresh_from_db()
    record_source(upload, source=make.source())
    request = {"languages": ["es"], "voice_track_uploaded": True}

    results = at_once(
        lambda _: order_job(person, public_id=issued.public_id, request=request, engines=engines)
    )

    job = DubbingJob.objects.get()
    assert results == [(job, 7)] * MANY
    assert balance_of(person) == 93


def edited() -> DubbingJob:
    """Make a job of one line that was changed."""
    job = make.job(make.professional(credits=100), languages=["es"])
    make.done(6)
    heard = Transcript("en", (Segment(0, 1.0, 3.0, 0, "One."),))
    rows.save_transcript(job, heard)
    rows.save_translation(job.tasks.get(), heard, Translation("es", ("Uno.",), "test"))
    job.refresh_from_db()
    return job


def test_one_of_many_changes_of_the_same_revision_counts() -> None:
    job = edited()
    line = Line.objects.get()

    results = at_once(
        lambda n: (
            editing.edit_lines(
                job,
                language="es",
                changes=[editing.Change(line.pk, revision=1, text=f"Texto {n}.")],
            ).pk
        )
    )

    assert results.count("stale_revision") == MANY - 1
    line.refresh_from_db()
    assert line.revision == 2


def test_a_rendering_that_many_ask_for_is_paid_once() -> None:
    job = edited()
    Line.objects.update(stale=True)

    results = at_once(lambda _: len(editing.render(job, by=job.user, engines=engines)))

    assert results.count("conflict") == MANY - 1
    assert 93 - balance_of(job.user) == job.tasks.get().render_price


def test_a_file_that_a_job_is_made_of_in_the_last_moment_is_kept() -> None:
    person = make.professional(credits=100)
    upload = make.upload(person)
    Upload.objects.update(expires_at=timezone.now())

    def purge() -> None:
        retention.purge()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            create_job(person, voice=upload, background=None, languages=["es"], engines=engines)
            purged = pool.submit(purge)
            assert wait_for(somebody_waits_for_a_lock)
        purged.result()

    upload.refresh_from_db()
    assert upload.gone_at is None


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
