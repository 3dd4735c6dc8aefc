"""What all workers share of one vendor account: its places for calls, and how it does."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from jobs.pipeline.calls import SPARE_RETRIES, Health

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class VendorPlace(models.Model):
    """One of the calls that a vendor allows at once; free when its lease is over.

    A holder that dies frees it by not coming back.
    """

    vendor = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    holder = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(default=LONG_AGO)

    class Meta:
        verbose_name = _("place at a vendor")
        verbose_name_plural = _("places at vendors")
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "kind", "number"], name="vendor_place_is_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.kind} {self.number}"


class VendorHealth(models.Model):
    """How calls to a vendor went lately; see `jobs.pipeline.calls.Health`."""

    vendor = models.CharField(max_length=40, unique=True)
    failures = models.PositiveIntegerField(default=0)
    shut_until = models.DateTimeField(default=LONG_AGO)
    trial_until = models.DateTimeField(default=LONG_AGO)
    spare = models.FloatField(default=SPARE_RETRIES)

    class Meta:
        verbose_name = _("health of a vendor")
        verbose_name_plural = _("health of vendors")
        constraints = [
            models.CheckConstraint(
                name="vendor_spare_retries_not_negative", condition=Q(spare__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.vendor

    @property
    def health(self) -> Health:
        """The columns as the rules know them; times are seconds since 1970."""
        return Health(
            failures=self.failures,
            shut_until=self.shut_until.timestamp(),
            trial_until=self.trial_until.timestamp(),
            spare=self.spare,
        )

    def keep(self, health: Health) -> None:
        """Write what the rules made of it; the row must be locked."""
        self.failures, self.spare = health.failures, health.spare
        self.shut_until = datetime.fromtimestamp(health.shut_until, UTC)
        self.trial_until = datetime.fromtimestamp(health.trial_until, UTC)
        self.save()
