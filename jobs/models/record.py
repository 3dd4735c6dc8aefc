"""What happened, in the order in which it happened. Nothing here is ever changed."""

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class RecordIsFinal(Exception):
    """A record of what happened is never changed or deleted."""


class RecordQuerySet(models.QuerySet[Any]):
    """Records, which can be read and added only."""

    def update(self, **_columns: Any) -> NoReturn:
        """Refuse."""
        raise RecordIsFinal

    def delete(self) -> NoReturn:
        """Refuse."""
        raise RecordIsFinal


class Record(models.Model):
    """One thing that happened to a job."""

    job = models.ForeignKey("jobs.DubbingJob", on_delete=models.PROTECT, related_name="%(class)ss")
    step = models.ForeignKey(
        "jobs.Step", on_delete=models.PROTECT, null=True, blank=True, related_name="%(class)ss"
    )
    at = models.DateTimeField(db_default=Now())

    objects = RecordQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        """Add the record. Raises RecordIsFinal when it is there already."""
        if not self._state.adding:
            raise RecordIsFinal
        super().save(**{**options, "force_insert": True})

    def delete(self, using: Any = None, keep_parents: bool = False) -> NoReturn:
        """Refuse."""
        raise RecordIsFinal


class JobEvent(Record):
    """One turn in a job's life, for staff. details never holds customers' words."""

    class Kind(models.TextChoices):
        """What happened."""

        JOB_CREATED = "job_created", _("Job created")
        JOB_ENDED = "job_ended", _("Job ended")
        LANGUAGE_COMPLETE = "language_complete", _("Language complete")
        LANGUAGE_FAILED = "language_failed", _("Language failed")
        LANGUAGE_CANCELLED = "language_cancelled", _("Language cancelled")
        LANGUAGE_RETRIED = "language_retried", _("Language tried again")
        RENDERING_ASKED = "rendering_asked", _("Changed lines asked for")
        RENDERING_FAILED = "rendering_failed", _("Changed lines failed")
        STEP_BEGUN = "step_begun", _("Step begun")
        STEP_DONE = "step_done", _("Step done")
        STEP_PUT_OFF = "step_put_off", _("Step put off")
        STEP_FAILED = "step_failed", _("Step failed")
        CALLS_LOST = "calls_lost", _("Calls to vendors lost")

    task = models.ForeignKey(
        "jobs.LanguageTask", on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    kind = models.CharField(max_length=24, choices=Kind)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["job_id", "id"]
        indexes = [models.Index(fields=["job", "id"], name="event_of_job")]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class VendorCall(Record):
    """One call to an engine that costs money: what it was for and what it cost.

    key is chosen before it is written, so that no lost connection has it written twice.
    """

    key = models.UUIDField(null=True, unique=True, editable=False)
    vendor = models.CharField(max_length=40)
    model = models.CharField(max_length=80)
    units = models.PositiveBigIntegerField()
    unit = models.CharField(max_length=20, help_text=_("What is counted: characters, tokens, ms."))
    cost_microdollars = models.BigIntegerField()
    request_id = models.CharField(max_length=120, blank=True)
    took_ms = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = _("vendor call")
        verbose_name_plural = _("vendor calls")
        ordering = ["job_id", "id"]
        constraints = [
            models.CheckConstraint(
                name="vendor_call_cost_not_negative", condition=Q(cost_microdollars__gte=0)
            ),
            models.CheckConstraint(name="vendor_call_has_a_vendor", condition=~Q(vendor="")),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.model}"
