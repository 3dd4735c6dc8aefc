"""Who had a Starter pack, told without saying who it was."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class KnownPerson(models.Model):
    """The keyed hash (HMAC) of one thing by which a person is known, kept after their account.

    It refers to nobody, and nothing can be read from it; it can only be asked for again.
    """

    class By(models.TextChoices):
        """What was hashed."""

        EMAIL = "email", _("E-mail address")
        SUBJECT = "subject", _("Supabase user")

    by = models.CharField(max_length=8, choices=By)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("known person")
        verbose_name_plural = _("known persons")
        constraints = [
            models.UniqueConstraint(fields=["by", "digest"], name="person_known_once"),
            models.CheckConstraint(
                name="person_known_by_something", condition=Q(by__in=["email", "subject"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.digest[:8]}"
