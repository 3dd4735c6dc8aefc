"""A job as the API shows it: one JSON document, made of one query however large the job is."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import FilteredRelation, Model, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from dubber.errors import NotFound
from jobs import links
from jobs.models import DubbingJob, LanguageTask, Step
from jobs.pipeline.languages import LANGUAGES
from jobs.progress import progress_of
from jobs.states import ENDED, STAGE_OF, JobStatus, Stage, StepKind, StepStatus
from jobs.versions import SHOWN, steps_column, steps_in, values_of
from jobs.words import STATUS_OF, clock, job_message, job_status, seconds

OF_JOB = frozenset(
    {
        "id",
        "public_id",
        "status",
        "title",
        "background_id",
        "heard_language",
        "duration_ms",
        "kept_until",
        "files_gone_at",
        "reviewed_at",
        "created_at",
        "updated_at",
        "started_at",
        "finished_at",
    }
)
OF_LANGUAGE = frozenset(
    {"id", "job_id", "language", "stage", "credits", "refunded", "error", "updated_at"}
)
OF_FILE = ("file__id", "file__kind", "file__link", "file__bytes")
BESIDE = ("steps_now", "job__options__review")
"""What a document is made of, column by column. Of the options, which may hold whole captions, only
the one that counts is read."""

MEASURED = 200  # how many finished steps of each kind tell its speed, about
SPEEDS_FOR = 300  # seconds for which measured speeds are taken as they are


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file whose link is shown."""

    id: int
    kind: str
    link: int
    bytes: int

    @property
    def url(self) -> str:
        """Its current link."""
        return links.download_url(self.id, self.link)


@dataclass(frozen=True, slots=True)
class JobRows:
    """All rows that one document is made of; files by the language's id."""

    job: DubbingJob
    tasks: list[LanguageTask] = field(default_factory=list)
    files: dict[int, dict[str, ShownFile]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def stored(self) -> list[Any]:
        """Everything stored that the document says; what is measured or guessed isn't in it."""
        files = [(file.id, file.link) for kinds in self.files.values() for file in kinds.values()]
        return values_of(self.job, self.tasks, files, self.steps)


def rows_of_job(user: User, public_id: str) -> JobRows:
    """One job of a person. Raises NotFound job_not_found."""
    tasks = _tasks_with_files().filter(job__public_id=public_id, job__user=user)
    found = _gathered(tasks)
    if not found:
        raise NotFound("job", code="job_not_found")
    return found[0]


def rows_of_jobs(jobs: QuerySet[DubbingJob]) -> list[JobRows]:
    """The jobs of a query, which may be a slice; the newest first."""
    tasks = _tasks_with_files().filter(job__in=jobs.values("pk"))
    return _gathered(tasks.order_by("-job_id", "pk"))


def with_status(jobs: QuerySet[DubbingJob], status: str) -> QuerySet[DubbingJob]:
    """Those jobs that the API says are in this status."""
    stored = {
        "pending": [JobStatus.PENDING],
        "uploading": [],
        "complete": [JobStatus.COMPLETE],
        "error": [JobStatus.ERROR, JobStatus.CANCELLED],
    }
    if status in stored:
        return jobs.filter(status__in=stored[status])
    running = jobs.filter(status=JobStatus.PROCESSING)
    early = _having([Stage.QUEUED, Stage.STT, Stage.TRANSLATING])
    if status == "processing":
        return running.filter(early)
    dubbing = _having([Stage.DUBBING])
    return running.filter(~early & dubbing if status == "generating" else ~early & ~dubbing)


def document(rows: JobRows) -> dict[str, Any]:
    """The whole document."""
    job, tasks = rows.job, rows.tasks
    languages = [_language(rows, task) for task in tasks]
    left = [one["estimatedTimeRemaining"] for one in languages]
    known = [one for one in left if one is not None]
    ends = timezone.now() + timedelta(seconds=max(known)) if known else None
    done = [
        100 if task.stage in ENDED else one["progress"] for task, one in _pairs(rows, languages)
    ]
    return {
        "id": job.public_id,
        "status": job_status(job, tasks),
        "progress": round(sum(done) / len(done)),
        "message": job_message(job, tasks),
        "languages": languages,
        "totalLanguages": len(tasks),
        "completedLanguages": sum(task.stage == Stage.COMPLETE for task in tasks),
        "startedAt": clock(job.started_at),
        "estimatedCompletion": clock(ends),
        "created_at": clock(job.created_at),
        "updated_at": clock(job.updated_at),
        "title": job.title,
        "voice_track_duration": seconds(job.duration_ms),
        "target_languages": [task.language for task in tasks],
        "background_track_uploaded": job.background_id is not None,
        "credit_cost": sum(task.credits for task in tasks),
        "credits_refunded": sum(task.refunded for task in tasks),
        "download_urls": {
            task.language: {SHOWN[kind]: file.url for kind, file in _files(rows, task).items()}
            for task in tasks
            if _files(rows, task)
        },
    }


@lru_cache(maxsize=2)
def speeds(_period: int) -> dict[str, float]:
    """Seconds of work per second of media, by kind of step, as measured on the latest steps."""
    done = Step.objects.filter(kind__in=STAGE_OF, status=StepStatus.DONE, started_at__isnull=False)
    latest = done.order_by("-pk").values_list(
        "kind", "started_at", "finished_at", "job__duration_ms"
    )
    found: dict[str, list[float]] = {}
    for kind, start, end, ms in latest[: MEASURED * len(STAGE_OF)]:
        if start and end:
            found.setdefault(kind, []).append((end - start).total_seconds() / ms * 1000)
    return {kind: sum(all_) / len(all_) for kind, all_ in found.items()}


def _tasks_with_files() -> QuerySet[LanguageTask]:
    shown = Q(
        artifacts__current=True,
        artifacts__working=False,
        artifacts__gone_at__isnull=True,
        artifacts__kind__in=list(SHOWN),
    )
    files = FilteredRelation("artifacts", condition=shown)
    tasks = LanguageTask.objects.annotate(file=files, steps_now=steps_column())
    return tasks.order_by("job_id", "pk")


def _gathered(tasks: QuerySet[LanguageTask]) -> list[JobRows]:
    """The rows of a join of jobs, languages and files, put together again.

    This is what is polled: only what is shown is fetched, and each row is made into an object once.
    """
    job_names, task_names = _columns(DubbingJob, OF_JOB), _columns(LanguageTask, OF_LANGUAGE)
    names = [*(f"job__{name}" for name in job_names), *task_names, *OF_FILE, *BESIDE]
    ends = len(job_names), len(job_names) + len(task_names)
    jobs: dict[int, JobRows] = {}
    for *row, steps, review in tasks.values_list(*names):
        of_job, of_task, of_file = row[: ends[0]], row[ends[0] : ends[1]], row[ends[1] :]
        rows = jobs.get(of_job[0])
        if rows is None:
            job = DubbingJob.from_db(DEFAULT_DB_ALIAS, job_names, of_job)
            job.options = {"review": review}
            rows = jobs[of_job[0]] = JobRows(job, steps=steps_in(steps))
        if not rows.tasks or rows.tasks[-1].pk != of_task[0]:
            rows.tasks.append(LanguageTask.from_db(DEFAULT_DB_ALIAS, task_names, of_task))
        if of_file[0] is not None:
            file = ShownFile(*of_file)
            rows.files.setdefault(of_task[0], {})[file.kind] = file
    return list(jobs.values())


@lru_cache
def _columns(model: type[Model], wanted: frozenset[str]) -> list[str]:
    """Those columns in the model's own order, which begins with the id."""
    return [one.attname for one in model._meta.concrete_fields if one.attname in wanted]


def _having(stages: Sequence[Stage]) -> Q:
    open_tasks = LanguageTask.objects.filter(stage__in=stages)
    return Q(pk__in=open_tasks.values("job"))


def _pairs(
    rows: JobRows, languages: Sequence[dict[str, Any]]
) -> Iterable[tuple[LanguageTask, dict[str, Any]]]:
    return zip(rows.tasks, languages, strict=True)


def _files(rows: JobRows, task: LanguageTask) -> dict[str, ShownFile]:
    """The files of a language that may be fetched: those of a complete one, while they last."""
    if task.stage != Stage.COMPLETE or rows.job.files_expired:
        return {}
    files = rows.files.get(task.pk, {})
    return {kind: files[kind] for kind in SHOWN if kind in files}


def _language(rows: JobRows, task: LanguageTask) -> dict[str, Any]:
    language = LANGUAGES[task.language]
    steps = [step for step in rows.steps if step.task_id in {None, task.pk}]
    progress = progress_of(task, steps)
    full = _files(rows, task).get("full_mp3")
    return {
        "languageCode": task.language,
        "languageName": language.name,
        "flag": language.flag,
        "status": STATUS_OF[task.stage],
        "stage": task.stage,
        "progress": progress.percent,
        "message": task.error or progress.sentence,
        "estimatedTimeRemaining": time_left(rows.job, task, steps),
        "fileSize": full.bytes if full else None,
        "downloadUrl": full.url if full else None,
        "error": task.error or None,
    }


def time_left(job: DubbingJob, task: LanguageTask, steps: Sequence[Step]) -> int | None:
    """Seconds of work that a running language still needs, by measured speeds; None if unknown.

    `steps` are those of the language and of the whole job.
    """
    if task.stage in ENDED or job.status != JobStatus.PROCESSING or job.awaits_review:
        return None
    measured = speeds(int(time.time() / SPEEDS_FOR))
    left = 0.0
    for step in steps:
        if step.status == StepStatus.DONE:
            continue
        speed = measured.get(StepKind(step.kind).value)
        if speed is None:
            return None
        done = step.part / step.parts if step.parts else 0.0
        left += speed * job.duration_ms / 1000 * (1 - min(done, 1.0))
    return max(1, round(left))
