"""Files: what came in, what was made, and what was fetched.

The bytes are in storage, by object key.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from jobs.states import StepKind


class Upload(models.Model):
    """One file of a customer, or the permission to send it: bound to one key and limit.

    for_job is the public id that a job of these files will have, declared_size what the customer
    said it would be, start_by until when they may begin to send it. size, etag and sha256 say what
    arrived; an object that no longer matches fails the job. source is what was found in it (see
    jobs.rows), duration_ms its length as the container claims. gone_at: when it was deleted.
    """

    class Role(models.TextChoices):
        """What the file is to the dub."""

        VOICE = "voice", _("Voice")
        BACKGROUND = "background", _("Background")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="uploads"
    )
    key = models.CharField(max_length=300, unique=True)
    role = models.CharField(max_length=12, choices=Role)
    name = models.CharField(max_length=255, help_text=_("The file's name at the customer's."))
    content_type = models.CharField(max_length=100, blank=True)
    limit_bytes = models.BigIntegerField()
    for_job = models.CharField(max_length=16, blank=True, db_default="", default="")
    declared_size = models.BigIntegerField(null=True, blank=True)
    start_by = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    size = models.BigIntegerField(null=True, blank=True)
    etag = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    source = models.JSONField(default=dict, blank=True)
    duration_ms = models.BigIntegerField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        constraints = [
            models.CheckConstraint(
                name="upload_role_known", condition=Q(role__in=["voice", "background"])
            ),
            models.CheckConstraint(name="upload_limit_positive", condition=Q(limit_bytes__gt=0)),
            models.CheckConstraint(
                name="upload_size_within_limit",
                condition=Q(size__isnull=True)
                | Q(size__gt=0) & Q(size__lte=models.F("limit_bytes")),
            ),
            models.CheckConstraint(
                name="upload_length_positive",
                condition=Q(duration_ms__isnull=True) | Q(duration_ms__gt=0),
            ),
            models.CheckConstraint(
                name="upload_arrived_with_a_size",
                condition=Q(arrived_at__isnull=True) | Q(size__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["for_job", "role"],
                condition=~Q(for_job=""),
                name="upload_once_per_job_and_role",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="upload_expiry")]

    def __str__(self) -> str:
        return f"{self.role}: {self.name}"


class StoredFile(models.Model):
    """An object in storage that we made: its key, and what its bytes must be."""

    object_key = models.CharField(max_length=300, unique=True)
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True


class Artifact(StoredFile):
    """A file that a step made: a stem or a mix that the next step needs, or one to download.

    Only one is current for each kind; one that was made anew leaves the earlier behind. task is
    empty for what belongs to the whole job. details holds what was measured on it. link is the
    number of its current download link; every use raises it. gone_at: when it was deleted.
    """

    job = models.ForeignKey("jobs.DubbingJob", on_delete=models.PROTECT, related_name="artifacts")
    task = models.ForeignKey(
        "jobs.LanguageTask",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="artifacts",
    )
    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=255, help_text=_("The name to download it under."))
    working = models.BooleanField(
        default=False, help_text=_("Needed by our own steps only, not for download.")
    )
    current = models.BooleanField(default=True)
    details = models.JSONField(default=dict, blank=True)
    link = models.PositiveIntegerField(default=1, db_default=1)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [
            models.UniqueConstraint(
                fields=["job", "kind"],
                condition=Q(current=True, task__isnull=True),
                name="artifact_current_once_per_job",
            ),
            models.UniqueConstraint(
                fields=["task", "kind"],
                condition=Q(current=True),
                name="artifact_current_once_per_language",
            ),
            models.CheckConstraint(name="artifact_has_a_kind", condition=~Q(kind="")),
            models.CheckConstraint(name="artifact_size_not_negative", condition=Q(bytes__gte=0)),
        ]

    def __str__(self) -> str:
        return self.name


class Take(StoredFile):
    """Something bought from an engine, kept so that it is never bought again within its job.

    key is the SHA-256 of everything that shaped it: text, voice, rate, engine and model.
    """

    job = models.ForeignKey("jobs.DubbingJob", on_delete=models.PROTECT, related_name="takes")
    step = models.ForeignKey("jobs.Step", on_delete=models.PROTECT, related_name="takes")
    key = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=StepKind)
    took_ms = models.BigIntegerField(help_text=_("How long the engine took to make it."))

    class Meta:
        verbose_name = _("take")
        verbose_name_plural = _("takes")
        constraints = [
            models.UniqueConstraint(fields=["job", "key"], name="take_once_per_key"),
            models.CheckConstraint(name="take_kind_known", condition=Q(kind__in=StepKind.values)),
            models.CheckConstraint(name="take_size_not_negative", condition=Q(bytes__gte=0)),
            models.CheckConstraint(name="take_time_not_negative", condition=Q(took_ms__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key[:12]}"


class Download(models.Model):
    """One use of a download link. number is the link's; client is a hash of who used it."""

    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="downloads")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="downloads"
    )
    number = models.PositiveIntegerField()
    client = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("download")
        verbose_name_plural = _("downloads")
        constraints = [
            models.UniqueConstraint(
                fields=["artifact", "number"], name="download_link_is_used_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.artifact_id}.{self.number}"
