"""What pages ask about jobs. Nobody finds a job here but its owner."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from accounts.models import User
from jobs.documents import time_left
from jobs.models import Artifact, DubbingJob, JobEvent, LanguageTask, Step
from jobs.pipeline.errors import FAILURES
from jobs.pipeline.languages import LANGUAGES, Language
from jobs.progress import Progress, current_step, ending_of, progress_of
from jobs.results import DELIVERED
from jobs.states import ENDED, SPOKEN, Stage, StepKind, StepStatus

FREE_CANCELS = 3
CANCELS_COUNT_FOR = timedelta(days=1)
"""After so many cancels of jobs past the start of speech, in so much time, they cost something."""


@dataclass(frozen=True, slots=True)
class LanguageView:
    """One language as pages show it. draft: the engines here make it in draft quality.

    steps are its own and those of the whole job.
    """

    task: LanguageTask
    progress: Progress
    files: Sequence[Artifact]
    draft: bool
    steps: Sequence[Step] = ()

    @property
    def language(self) -> Language:
        """Name, flag and tags of the language."""
        return LANGUAGES[self.task.language]

    @property
    def ended(self) -> bool:
        """Say whether nothing more happens to it by itself."""
        return self.task.stage in ENDED

    @property
    def updating(self) -> bool:
        """Say whether it was delivered before, and its changed lines are made anew."""
        return not self.ended and self.task.render_price > 0

    @property
    def failed(self) -> bool:
        """Say whether it can be tried again."""
        return self.task.stage == Stage.FAILED

    @property
    def unusable(self) -> bool:
        """Say whether it failed by the recording, so that trying again is in vain."""
        failed = [one.error_code for one in self.steps if one.status == StepStatus.FAILED]
        return self.failed and any(FAILURES[code].recording for code in failed)

    @property
    def ready(self) -> bool:
        """Say whether it can be heard."""
        return self.task.stage == Stage.COMPLETE

    @property
    def waits(self) -> bool:
        """Say whether it waits for somebody: a worker, a vendor, or the customer."""
        step = current_step(self.steps)
        return not self.ended and step is not None and step.status != StepStatus.RUNNING

    @property
    def waits_for_review(self) -> bool:
        """Say whether the customer has to read what was heard before it is made."""
        heard = {(StepKind.TRANSCRIBE, StepStatus.DONE), (StepKind.TRANSLATE, StepStatus.WAITING)}
        return not self.ended and heard <= {(step.kind, step.status) for step in self.steps}

    @property
    def seconds_left(self) -> int | None:
        """Seconds of work that it still needs, about; None if unknown."""
        return time_left(self.task.job, self.task, self.steps)

    @property
    def lines_spoken(self) -> int:
        """How many of its lines, in their order, are spoken already."""
        step = next((one for one in self.steps if one.kind == StepKind.DUB), None)
        if step is None or step.status not in {StepStatus.RUNNING, StepStatus.DONE}:
            return 0
        return step.part

    @property
    def made_in_draft(self) -> bool:
        """Say whether it is, or is being, made in draft quality."""
        return self.draft and self.task.stage not in {Stage.FAILED, Stage.CANCELLED}


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as pages show it, with all of its languages.

    strict: a cancel now would give back only what isn't spoken yet.
    """

    job: DubbingJob
    languages: Sequence[LanguageView]
    strict: bool = False

    def stored(self) -> list[object]:
        """Everything stored that its progress says; what is measured or guessed isn't in it."""
        job = self.job
        return [
            [job.public_id, job.status, job.updated_at, job.files_expired, self.strict],
            [job.heard_language, job.reviewed_at],
            [
                [one.task.stage, one.task.credits, one.task.refunded, one.task.updated_at]
                for one in self.languages
            ],
            [
                [step.pk, step.status, step.attempt, step.part, step.parts, step.reason]
                for one in self.languages
                for step in one.steps
            ],
        ]

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
    def to_review(self) -> bool:
        """Say whether it waits for the customer to read what was heard.

        Nothing else keeps a translation waiting once its recording is heard; lists don't read the
        options, which may hold whole captions.
        """
        return any(one.waits_for_review for one in self.languages)

    @property
    def ready(self) -> Sequence[LanguageView]:
        """The languages that can be heard."""
        return [one for one in self.languages if one.ready]

    @property
    def unusable(self) -> bool:
        """Say whether nothing can be made of its recording."""
        return any(one.unusable for one in self.languages)

    @property
    def failed(self) -> Sequence[LanguageView]:
        """The languages that can be tried again."""
        return [one for one in self.languages if one.failed]

    @property
    def running(self) -> Sequence[LanguageView]:
        """The languages that are being made."""
        return [one for one in self.languages if not one.ended]

    @property
    def begun(self) -> Sequence[LanguageView]:
        """Those of them of which there is no dub yet."""
        return [one for one in self.running if not one.updating]

    @property
    def updating(self) -> Sequence[LanguageView]:
        """Those of them whose changed lines are made anew; a cancel leaves them as they were."""
        return [one for one in self.running if one.updating]

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
        begun = [one.task for one in self.begun if one.task.stage not in kept]
        return sum(task.credits - task.refunded for task in begun) + sum(
            one.task.render_price for one in self.updating
        )


def jobs_of(user: User) -> QuerySet[DubbingJob]:
    """A person's jobs with their languages and steps, newest first."""
    return DubbingJob.objects.filter(user=user).prefetch_related("tasks", "steps").order_by("-pk")


def jobs_with_files_of(user: User) -> QuerySet[DubbingJob]:
    """A person's jobs, with what there is to download too."""
    files = Artifact.objects.filter(current=True, working=False, kind__in=DELIVERED)
    jobs = jobs_of(user).select_related("voice", "background")
    return jobs.prefetch_related(Prefetch("tasks__artifacts", files, to_attr="delivered"))


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
    since = timezone.now() - CANCELS_COUNT_FOR
    late = JobEvent.objects.filter(
        kind=JobEvent.Kind.LANGUAGE_CANCELLED,
        job__user=user,
        job__updated_at__gt=since,  # which a cancel moves: so no events of older jobs are read
        details__spoken=True,
        at__gt=since,
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
        steps=mine,
    )


def usual_cast(user: User, language: str, variant: str) -> dict[str, str]:
    """Which voice each speaker had in a person's last dub in a language, of the same variant."""
    made = LanguageTask.objects.filter(
        job__user=user, language=language, variant=variant, stage=Stage.COMPLETE
    )
    last = made.order_by("-job_id").values_list("cast", flat=True).first()
    return last or {}
