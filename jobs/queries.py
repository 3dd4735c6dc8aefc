"""What pages ask about jobs. Nobody finds a job here but its owner."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from accounts.models import User
from jobs.models import Artifact, DubbingJob, JobEvent, LanguageTask, Step
from jobs.pipeline.languages import LANGUAGES, Language
from jobs.progress import Progress, ending_of, progress_of
from jobs.states import ENDED, SPOKEN, Stage

DELIVERED = (
    "video",
    "full_m4a",
    "full_mp3",
    "full_wav",
    "voice_mp3",
    "voice_wav",
    "srt",
    "vtt",
    "transcript",
    "manifest",
)
"""The kinds of file that a customer may have, in the order in which pages list them."""

FREE_CANCELS = 3
CANCELS_COUNT_FOR = timedelta(days=1)
"""After so many cancels of jobs past the start of speech, in so much time, they cost something."""


@dataclass(frozen=True, slots=True)
class LanguageView:
    """One language as pages show it. draft: the engines here make it in draft quality."""

    task: LanguageTask
    progress: Progress
    files: Sequence[Artifact]
    draft: bool

    @property
    def language(self) -> Language:
        """Name, flag and tags of the language."""
        return LANGUAGES[self.task.language]

    @property
    def ended(self) -> bool:
        """Say whether nothing more happens to it by itself."""
        return self.task.stage in ENDED

    @property
    def failed(self) -> bool:
        """Say whether it can be tried again."""
        return self.task.stage == Stage.FAILED

    @property
    def made_in_draft(self) -> bool:
        """Say whether it is, or is being, made in draft quality."""
        return self.draft and self.task.stage not in {Stage.FAILED, Stage.CANCELLED}

    @property
    def sound(self) -> Artifact | None:
        """The file that the page plays."""
        return next((file for file in self.files if file.kind in {"full_m4a", "full_mp3"}), None)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as pages show it, with all of its languages.

    strict: a cancel now would give back only what isn't spoken yet.
    """

    job: DubbingJob
    languages: Sequence[LanguageView]
    strict: bool = False

    @property
    def percent(self) -> int:
        """How far the whole job is: languages that ended count as done."""
        done = [100 if one.ended else one.progress.percent for one in self.languages]
        return round(sum(done) / len(done)) if done else 0

    @property
    def ended(self) -> bool:
        """Say whether all languages have ended."""
        return all(one.ended for one in self.languages)

    @property
    def ending(self) -> str:
        """What became of a job that has ended."""
        return ending_of([one.task for one in self.languages])

    @property
    def charged(self) -> int:
        """Credits charged for all languages."""
        return sum(one.task.credits for one in self.languages)

    @property
    def refunded(self) -> int:
        """Credits given back."""
        return sum(one.task.refunded for one in self.languages)

    @property
    def to_return(self) -> int:
        """Credits that come back when the job is cancelled now."""
        kept = SPOKEN if self.strict else frozenset()
        return sum(
            one.task.credits - one.task.refunded
            for one in self.languages
            if not one.ended and one.task.stage not in kept
        )


def jobs_of(user: User) -> QuerySet[DubbingJob]:
    """A person's jobs with their languages and steps, newest first."""
    return DubbingJob.objects.filter(user=user).prefetch_related("tasks", "steps").order_by("-pk")


def jobs_with_files_of(user: User) -> QuerySet[DubbingJob]:
    """A person's jobs, with what there is to download too."""
    files = Artifact.objects.filter(current=True, working=False, kind__in=DELIVERED)
    return jobs_of(user).prefetch_related(Prefetch("tasks__artifacts", files, to_attr="delivered"))


def files_of(user: User) -> QuerySet[Artifact]:
    """Everything that a person may download."""
    return Artifact.objects.filter(
        job__user=user,
        task__stage=Stage.COMPLETE,
        current=True,
        working=False,
        kind__in=DELIVERED,
    ).select_related("job", "task")


def cancels_are_limited(user: User) -> bool:
    """Say whether this person cancelled so often today that spoken languages are not given back."""
    late = JobEvent.objects.filter(
        kind=JobEvent.Kind.LANGUAGE_CANCELLED,
        job__user=user,
        details__spoken=True,
        at__gt=timezone.now() - CANCELS_COUNT_FOR,
    )
    return late.values("job").distinct().count() >= FREE_CANCELS


def view_of(job: DubbingJob, drafts: Collection[str] = (), *, strict: bool = False) -> JobView:
    """A job as pages show it. It must come from one of the queries above: this asks no more.

    `drafts` are the languages that are made in draft quality, `strict` what
    `cancels_are_limited` says of the person.
    """
    steps = list(job.steps.all())
    return JobView(
        job,
        [_language(task, steps, draft=task.language in drafts) for task in job.tasks.all()],
        strict,
    )


def _language(task: LanguageTask, steps: Sequence[Step], *, draft: bool) -> LanguageView:
    mine = [step for step in steps if step.task_id in {None, task.pk}]
    ready = task.stage == Stage.COMPLETE
    files: list[Artifact] = getattr(task, "delivered", []) if ready else []
    return LanguageView(
        task=task,
        progress=progress_of(task, mine),
        draft=draft,
        files=sorted(files, key=lambda file: DELIVERED.index(file.kind)),
    )
