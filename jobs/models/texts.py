"""What was said, and what is said now.

All times are whole milliseconds from the start of the media.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.states import MOST_PREVIEWS_OF_LINE, MOST_SHORTENINGS_OF_LINE


class Segment(models.Model):
    """One speaker's sentence or clause in the source."""

    job = models.ForeignKey("jobs.DubbingJob", on_delete=models.CASCADE, related_name="segments")
    index = models.PositiveIntegerField()
    start_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    speaker = models.PositiveSmallIntegerField()
    text = models.TextField()
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["job_id", "index"]
        constraints = [
            models.UniqueConstraint(fields=["job", "index"], name="segment_index_once_per_job"),
            models.CheckConstraint(
                name="segment_ends_after_it_starts", condition=Q(end_ms__gt=F("start_ms"))
            ),
            models.CheckConstraint(name="segment_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.index}"


class Line(models.Model):
    """One segment in another language: its translation and, once it is spoken, where it stands.

    text is the translation, spoken the wording that fitted. speed is in thousandths of the voice's
    natural rate. stale says that something it depends on was changed after it was spoken, outdated
    that the text is the translation of an earlier wording. chosen_voice ("" for the speaker's),
    keep_original and mute are what the customer wishes for this line. previews counts how often it
    was spoken for nothing since it was last paid for, shortenings how often a shorter wording was
    asked for since then.
    """

    task = models.ForeignKey("jobs.LanguageTask", on_delete=models.CASCADE, related_name="lines")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="lines")
    text = models.TextField()
    revision = models.PositiveIntegerField(default=1)
    spoken = models.TextField(blank=True)
    voice = models.CharField(max_length=100, blank=True)
    start_ms = models.PositiveBigIntegerField(null=True, blank=True)
    end_ms = models.PositiveBigIntegerField(null=True, blank=True)
    speed_permille = models.PositiveIntegerField(null=True, blank=True)
    borrowed_ms = models.PositiveIntegerField(default=0)
    early_ms = models.PositiveIntegerField(default=0)
    late_ms = models.PositiveIntegerField(default=0)
    flags = models.JSONField(default=list, blank=True)
    stale = models.BooleanField(default=False)
    outdated = models.BooleanField(default=False, db_default=False)
    chosen_voice = models.CharField(max_length=100, blank=True, default="", db_default="")
    keep_original = models.BooleanField(default=False, db_default=False)
    mute = models.BooleanField(default=False, db_default=False)
    previews = models.PositiveSmallIntegerField(default=0, db_default=0)
    shortenings = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        ordering = ["task_id", "segment__index"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "segment"], name="line_once_per_language_and_segment"
            ),
            models.CheckConstraint(
                name="line_is_placed_wholly_or_not",
                condition=Q(start_ms__isnull=True, end_ms__isnull=True, speed_permille__isnull=True)
                | Q(start_ms__isnull=False, end_ms__gt=F("start_ms"), speed_permille__gt=0),
            ),
            models.CheckConstraint(
                name="line_never_above_the_speed_cap",
                condition=Q(speed_permille__isnull=True) | Q(speed_permille__lte=1250),
            ),
            models.CheckConstraint(
                name="line_has_few_previews", condition=Q(previews__lte=MOST_PREVIEWS_OF_LINE)
            ),
            models.CheckConstraint(
                name="line_has_few_shortenings",
                condition=Q(shortenings__lte=MOST_SHORTENINGS_OF_LINE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def lost_its_voice(self) -> bool:
        """Whether its speaker's voice says it, because the chosen one is offered no more."""
        is_spoken = bool(self.voice) and not (self.stale or self.mute or self.keep_original)
        return is_spoken and self.chosen_voice not in {"", self.voice}


class Preview(models.Model):
    """One wording of a line, to be listened to before the line is made anew.

    key is that of the take which holds the sound; text and voice are what the step speaks, whatever
    becomes of the line meanwhile.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="spoken_previews")
    step = models.OneToOneField("jobs.Step", on_delete=models.PROTECT, related_name="preview")
    key = models.CharField(max_length=64)
    text = models.TextField()
    voice = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("preview")
        verbose_name_plural = _("previews")
        constraints = [
            models.UniqueConstraint(fields=["line", "key"], name="preview_once_per_line_and_take")
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.key[:12]}"


class Shortening(models.Model):
    """A shorter wording that was asked for a line, and what the translator proposes.

    text is the wording that is too long, spoken_ms what it takes to say. key stands for the text,
    for what it translates and for its room. proposal is "" until the step is done, or where there
    is no shorter wording.
    """

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="asked_shortenings")
    step = models.OneToOneField("jobs.Step", on_delete=models.PROTECT, related_name="shortening")
    key = models.CharField(max_length=64)
    text = models.TextField()
    spoken_ms = models.PositiveIntegerField()
    proposal = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("shorter wording")
        verbose_name_plural = _("shorter wordings")
        constraints = [
            models.UniqueConstraint(fields=["line", "key"], name="shortening_once_per_line_and_key")
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.key[:12]}"
