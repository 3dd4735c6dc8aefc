"""What tells whether the document of a job changed: a few stored values, read without the rest.

Whoever polls with the tag of the last answer is answered by these alone. They are read by plain
SQL, for to compose such a query takes Django longer than to run it takes the database.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from accounts.models import User
from dubber.plain_sql import rows_of
from jobs.models import DubbingJob, LanguageTask, Step
from jobs.states import STAGE_OF

SHOWN = {"voice_mp3": "voice", "full_mp3": "full", "srt": "captions"}
"""The kinds of file whose links a job shows, and what it calls them."""

OF_JOB = (
    *("id", "public_id", "status", "title", "heard_language", "duration_ms", "kept_until"),
    *("reviewed_at", "files_gone_at", "updated_at"),
)
OF_STEP = ("id", "task_id", "kind", "status", "reason", "attempt", "part", "parts")
"""Both in the model's own order, as `from_db` wants them."""

OF_TASK = ("id", "stage", "credits", "refunded", "error")
OF_FILE = ("id", "link")

JOB = """
SELECT {job}, {tasks}, {files}, {steps} FROM jobs_dubbingjob WHERE public_id = %s AND user_id = %s
"""
TASKS = "SELECT * FROM jobs_languagetask WHERE job_id = jobs_dubbingjob.id"
FILES = """
SELECT * FROM jobs_artifact WHERE job_id = jobs_dubbingjob.id AND task_id IS NOT NULL AND current
    AND NOT working AND gone_at IS NULL AND kind IN ({kinds})
"""
STEPS = "SELECT * FROM jobs_step WHERE job_id = jobs_dubbingjob.id AND kind IN ({kinds})"
WHILE_RUNNING = "CASE WHEN jobs_dubbingjob.finished_at IS NULL THEN {steps} END"
AT_FIRST_TASK = """
CASE WHEN NOT EXISTS (
    SELECT 1 FROM jobs_languagetask AS earlier
    WHERE earlier.job_id = jobs_dubbingjob.id AND earlier.id < jobs_languagetask.id
) THEN {steps} END
"""
"""The steps belong to the job: in a query of languages they stand in one of its rows. Asked for the
least id instead, PostgreSQL reads through all ids there are while it has no statistics."""


def known_values(user: User, public_id: str) -> list[Any] | None:
    """The values of one job of a person, None if there is no such job."""
    owner = User._meta.pk.get_db_prep_value(user.pk, connection)
    sql = _job_sql(connection.vendor)
    for job, now in rows_of(DubbingJob, OF_JOB, sql, [public_id, owner]):
        return [_of_job(job), *(json.loads(values or "[]") for values in now)]
    return None


def values_of(
    job: DubbingJob,
    tasks: Sequence[LanguageTask],
    links: Sequence[tuple[int, int]],
    steps: Sequence[Step],
) -> list[Any]:
    """The same values, of rows that were fetched already. links are ids and numbers of files."""
    return [
        _of_job(job),
        [[getattr(task, name) for name in OF_TASK] for task in tasks],
        [list(link) for link in sorted(links)],
        [[getattr(step, name) for name in OF_STEP] for step in steps],
    ]


def steps_column() -> RawSQL:
    """The steps of a running job as `steps_in` reads them, in a query of its languages."""
    steps = AT_FIRST_TASK.format(steps=_steps(connection.vendor))
    return RawSQL(steps, [], output_field=TextField())  # noqa: S611 (made of constants)


def steps_in(text: str | None) -> list[Step]:
    """The steps that such a column holds; none where the job has ended."""
    return [Step.from_db(None, OF_STEP, values) for values in json.loads(text or "[]")]


def _of_job(job: DubbingJob) -> list[Any]:
    return [
        *(job.public_id, job.status, job.title, job.updated_at, job.files_expired),
        *(job.heard_language, job.duration_ms, job.reviewed_at),
    ]


@cache
def _job_sql(vendor: str) -> str:
    files = FILES.format(kinds=_quoted(SHOWN))
    return JOB.format(
        job=", ".join(OF_JOB),
        tasks=_listed(vendor, TASKS, OF_TASK),
        files=_listed(vendor, files, OF_FILE),
        steps=_steps(vendor),
    )


@cache
def _steps(vendor: str) -> str:
    steps = _listed(vendor, STEPS.format(kinds=_quoted(STAGE_OF)), OF_STEP)
    return WHILE_RUNNING.format(steps=steps)


def _listed(vendor: str, rows: str, columns: Sequence[str]) -> str:
    """Rows as one JSON text, in the order of their ids."""
    postgres = vendor == "postgresql"
    row = "json_build_array" if postgres else "json_array"
    every = "json_agg" if postgres else "json_group_array"
    names = ", ".join(f"one.{name}" for name in columns)
    return f"(SELECT CAST({every}({row}({names})) AS text) FROM ({rows} ORDER BY id) AS one)"  # noqa: S608


def _quoted(words: Any) -> str:
    return ", ".join(f"'{word}'" for word in words)
