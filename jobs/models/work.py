"""Work: a job, its languages, and the steps that make them."""

import secrets
import string
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dubber.moves import move
from jobs.models.files import Upload
from jobs.pipeline.languages import find
from jobs.states import (
    JOB_KINDS,
    JOB_NEXT,
    LANGUAGE_KINDS,
    MOST_PREVIEWS_OF_JOB,
    MOST_SHORTENINGS_OF_JOB,
    OF_ONE_LINE,
    ON_DEMAND,
    STAGE_NEXT,
    STEP_NEXT,
    JobStatus,
    Stage,
    StepKind,
    StepStatus,
)

ALPHABET = string.ascii_lowercase + string.digits


def new_public_id() -> str:
    """Make up the name that customers know a job by."""
    return "job_" + "".join(secrets.choice(ALPHABET) for _ in range(12))


class DubbingJob(models.Model):
    """One recording, to be dubbed into some languages.

    source_language is what the customer said ("" to find out), heard_language what was recognized.
    duration_ms is the length that was paid for, samples the length counted by decoding. pitches are
    the speakers' middle pitches (Hz), as far as they could be measured. kept_for is what the
    customer's plan promised when the job was made. request_hash says what was asked for over the
    API. previews counts the lines spoken for nothing so far, shortenings the shorter wordings that
    were asked for. reviewed_at: when the customer let a job with a review go on. files_gone_at:
    when its files were given up; from then on nobody gets them, though some may still be in
    storage. told_at: when an e-mail was sent that says how it ended; telling_until: a worker is
    sending it, and has so long.
    """

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    status = models.CharField(max_length=12, choices=JobStatus, default=JobStatus.PENDING)
    title = models.CharField(max_length=200)
    voice = models.OneToOneField(Upload, on_delete=models.PROTECT, related_name="voice_of")
    background = models.OneToOneField(
        Upload, on_delete=models.PROTECT, null=True, blank=True, related_name="background_of"
    )
    source_language = models.CharField(max_length=16, blank=True)
    heard_language = models.CharField(max_length=16, blank=True)
    recognizer = models.CharField(max_length=100, blank=True)
    duration_ms = models.BigIntegerField()
    samples = models.BigIntegerField(null=True, blank=True)
    pitches = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    options = models.JSONField(default=dict, blank=True)
    kept_for = models.DurationField()
    kept_until = models.DateTimeField(null=True, blank=True)
    request_hash = models.CharField(max_length=64, blank=True, db_default="", default="")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    files_gone_at = models.DateTimeField(null=True, blank=True)
    previews = models.PositiveSmallIntegerField(default=0, db_default=0)
    shortenings = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    telling_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="job_status_known", condition=Q(status__in=JobStatus.values)
            ),
            models.CheckConstraint(name="job_length_positive", condition=Q(duration_ms__gt=0)),
            models.CheckConstraint(
                name="job_samples_positive",
                condition=Q(samples__isnull=True) | Q(samples__gt=0),
            ),
            models.CheckConstraint(
                name="job_background_is_another_file",
                condition=Q(background__isnull=True) | ~Q(background=F("voice")),
            ),
            models.CheckConstraint(
                name="job_ended_has_a_time",
                condition=Q(status__in=["pending", "processing"], finished_at__isnull=True)
                | Q(status__in=["complete", "error", "cancelled"], finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="job_has_few_previews", condition=Q(previews__lte=MOST_PREVIEWS_OF_JOB)
            ),
            models.CheckConstraint(
                name="job_has_few_shortenings",
                condition=Q(shortenings__lte=MOST_SHORTENINGS_OF_JOB),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="job_of_user_newest"),
            models.Index(  # asked for every few seconds by every machine
                fields=["finished_at"], condition=Q(told_at=None), name="job_to_tell_of"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def awaits_review(self) -> bool:
        """Say whether no language is made before the customer has seen the transcript."""
        return bool(self.options.get("review")) and self.reviewed_at is None

    @property
    def files_expired(self) -> bool:
        """Say whether its files are gone, or as good as gone."""
        over = self.kept_until is not None and self.kept_until <= timezone.now()
        return over or self.files_gone_at is not None

    def move_to(self, target: JobStatus, **columns: Any) -> None:
        """Change status, and the given columns with it, in one UPDATE. Raises Conflict."""
        move(self, target, allowed=JOB_NEXT, columns=columns)


class LanguageTask(models.Model):
    """One language of a job, paid for by itself.

    price is what making it costs; credits and refunded add up what was charged and given back, over
    all `runs`. render_price is what making its changed lines anew costs, while that goes on, else
    0. cast is the voice of each speaker: at first that of the last job, then that of this one.
    receipt is what was measured on the finished files.
    """

    job = models.ForeignKey(DubbingJob, on_delete=models.PROTECT, related_name="tasks")
    language = models.CharField(max_length=8)
    variant = models.CharField(max_length=16)
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.QUEUED)
    price = models.PositiveIntegerField()
    credits = models.PositiveIntegerField()
    refunded = models.PositiveIntegerField(default=0)
    runs = models.PositiveSmallIntegerField(default=1)
    render_price = models.PositiveIntegerField(default=0, db_default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=500, blank=True)
    translator = models.CharField(max_length=100, blank=True)
    speaker = models.CharField(max_length=100, blank=True, help_text=_("The engine that speaks."))
    cast = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))
    receipt = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("language")
        verbose_name_plural = _("languages")
        ordering = ["job_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "language"], name="language_once_per_job"),
            models.CheckConstraint(
                name="language_stage_known", condition=Q(stage__in=Stage.values)
            ),
            models.CheckConstraint(
                name="language_refunded_at_most_what_was_charged",
                condition=Q(refunded__lte=F("credits")),
            ),
            models.CheckConstraint(
                name="language_failed_with_a_reason",
                condition=Q(stage="failed") & ~Q(error_code="") | ~Q(stage="failed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.language}"

    @property
    def language_name(self) -> str:
        """The language in English."""
        return find(self.language).name

    @property
    def speech(self) -> str:
        """Who speaks it, if the customer chose that."""
        return str(self.job.options.get("speech", {}).get(self.language, ""))

    @property
    def translation(self) -> str:
        """Who translates into it, if the customer chose that."""
        return str(self.job.options.get("translation", {}).get(self.language, ""))

    def move_to(self, target: Stage, **columns: Any) -> None:
        """Change stage, and the given columns with it, in one UPDATE. Raises Conflict."""
        move(self, target, allowed=STAGE_NEXT, columns=columns, column="stage")


class Step(models.Model):
    """The unit of durable work.

    attempt is the fencing token: every claim raises it, and every write of a worker repeats it.
    errors counts the attempts that ended with an error worth trying again, deaths those that just
    ended. reason says why a ready step waits for not_before, reason_since since when it waits for
    that. part of parts is how far the running attempt is.
    """

    job = models.ForeignKey(DubbingJob, on_delete=models.PROTECT, related_name="steps")
    task = models.ForeignKey(
        LanguageTask, on_delete=models.PROTECT, null=True, blank=True, related_name="steps"
    )
    kind = models.CharField(max_length=12, choices=StepKind)
    status = models.CharField(max_length=10, choices=StepStatus, default=StepStatus.WAITING)
    not_before = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=40, blank=True)
    reason_since = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    errors = models.PositiveSmallIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    part = models.PositiveIntegerField(default=0)
    parts = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["job_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "kind"],
                condition=Q(task__isnull=True),
                name="step_once_per_job_and_kind",
            ),
            # What is done for one line is a step of its own every time.
            models.UniqueConstraint(
                fields=["task", "kind"],
                condition=~Q(kind__in=OF_ONE_LINE),
                name="step_once_per_language_and_kind",
            ),
            models.CheckConstraint(
                name="step_status_known", condition=Q(status__in=StepStatus.values)
            ),
            models.CheckConstraint(
                name="step_kind_says_whether_it_has_a_language",
                condition=Q(kind__in=JOB_KINDS, task__isnull=True)
                | Q(kind__in=(*LANGUAGE_KINDS, *ON_DEMAND), task__isnull=False),
            ),
            models.CheckConstraint(
                name="step_running_has_worker_and_lease",
                condition=Q(status="running", lease_until__isnull=False) & ~Q(worker="")
                | ~Q(status="running") & Q(lease_until__isnull=True),
            ),
            models.CheckConstraint(
                name="step_failed_with_a_reason",
                condition=~Q(status="failed") | ~Q(error_code=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "not_before"],
                condition=Q(status__in=["ready", "running"]),
                name="step_to_claim",
            )
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.kind}"

    def move_to(self, target: StepStatus, **columns: Any) -> None:
        """Change status, and the given columns with it, in one UPDATE that repeats the attempt.

        Whatever the step stops running for, its lease ends. Raises Conflict.
        """
        if target != StepStatus.RUNNING:
            columns = {"lease_until": None, **columns}
        repeat = {"attempt": self.attempt}
        move(self, target, allowed=STEP_NEXT, columns=columns, repeat=repeat)

    def start_over(self) -> None:
        """Wait as if it had never been tried; `attempt` goes on. Raises Conflict."""
        self.move_to(
            StepStatus.WAITING,
            errors=0,
            deaths=0,
            reason="",
            reason_since=None,
            error_code="",
            finished_at=None,
        )
