"""What a question reads where there are many rows. Only PostgreSQL's plans tell."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from jobs.models import DubbingJob, Upload
from jobs.queries import cancels_are_limited
from jobs.states import JobStatus
from tests import make

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

EVENTS = """
INSERT INTO jobs_jobevent (job_id, kind, details)
SELECT id, 'step_done', '{}' FROM jobs_dubbingjob, generate_series(1, 40)
"""


def old_jobs(person: User, *, many: int) -> None:
    """So many jobs of last month, each with the events of an ordinary one."""
    past = timezone.now() - timedelta(days=30)
    uploads = Upload.objects.bulk_create(
        Upload(user=person, key=f"old-{n}", role="voice", limit_bytes=1, expires_at=past)
        for n in range(many)
    )
    DubbingJob.objects.bulk_create(
        DubbingJob(
            user=person,
            voice=upload,
            duration_ms=1000,
            kept_for=timedelta(days=1),
            status=JobStatus.COMPLETE,
            finished_at=past,
        )
        for upload in uploads
    )
    DubbingJob.objects.update(updated_at=past)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS)
        cursor.execute("ANALYZE")


def test_whether_cancels_are_limited_reads_no_events_of_long_ago() -> None:
    person = make.professional()
    old_jobs(person, many=500)

    with CaptureQueriesContext(connection) as asked:
        limited = cancels_are_limited(person)

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked.captured_queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert not limited
    assert "Seq Scan on jobs_jobevent" not in plan
