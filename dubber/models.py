"""Rows of the HTTP frame and of the house. They name people by key only."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RateWindow(models.Model):
    """How often someone asked in the running window. `ends` is in seconds since 1970."""

    key = models.CharField(max_length=64, primary_key=True)
    hits = models.BigIntegerField()
    ends = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key}: {self.hits}"


class KeptAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, or that it still runs.

    `asked` is a digest of method, path and body. `run` tells apart those who took the request over.
    `status` is empty while it runs.
    """

    owner = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    asked = models.CharField(max_length=64)
    run = models.UUIDField()
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="answer_once_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.status or 'running'}"


class WorkerBeat(models.Model):
    """When a supervisor of workers last said that it lives."""

    worker = models.CharField(max_length=200, primary_key=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.worker


class ReconcileReport(models.Model):
    """What one comparison of everything found: `{check, row, told}` for every difference."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    strict = models.BooleanField()
    found = models.JSONField(default=list)

    class Meta:
        verbose_name = _("comparison of everything")
        verbose_name_plural = _("comparisons of everything")
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"
