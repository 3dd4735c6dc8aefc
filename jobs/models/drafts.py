"""Dubs that somebody prepares."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from jobs.models.work import new_public_id


class Draft(models.Model):
    """A dub that was not launched yet: what its owner chose so far, as they typed it.

    public_id is what the job will be called; the uploads of the draft name it as their job to be.
    choices are those of jobs.choices. modified says when each file, by role, was last changed at
    the customer's, in milliseconds since 1970: it tells a file from another of its name and size.
    """

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts"
    )
    choices = models.JSONField(default=dict, blank=True)
    captions = models.TextField(blank=True)
    captions_name = models.CharField(max_length=255, blank=True)
    modified = models.JSONField(default=dict, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        ordering = ["-id"]
        indexes = [models.Index(fields=["expires_at"], name="draft_expiry")]

    def __str__(self) -> str:
        return self.public_id
