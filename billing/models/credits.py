"""A person's credits, and the ledger that explains every one of them."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.plans import PLANS


class EntryIsFinal(Exception):
    """A ledger entry is never changed or deleted; another entry corrects it."""


class PlanChoice(models.TextChoices):
    """The plans of `billing.plans`, as a column holds them."""

    STARTER = "starter", _("Starter")
    CREATOR = "creator", _("Creator")
    PROFESSIONAL = "professional", _("Professional")


class UserCredits(models.Model):
    """What one person has, and the best pack that they ever paid.

    balance is what can be spent. owed is what a payment's refund took back after it was spent;
    credits that come in pay it first, so never both are above zero. granted_plan is the plan that
    was given to them, which a refund doesn't take; plan is the better of it and what they paid.
    frozen says why staff let no job start; closed_at that the account was deleted.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="credits",
    )
    balance = models.IntegerField(default=0)
    owed = models.IntegerField(default=0)
    plan = models.CharField(max_length=20, choices=PlanChoice, default=PlanChoice.STARTER)
    granted_plan = models.CharField(
        max_length=20,
        choices=PlanChoice,
        default=PlanChoice.STARTER,
        db_default=PlanChoice.STARTER.value,
    )
    frozen = models.CharField(max_length=500, blank=True, default="", db_default="")
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("credits of a user")
        verbose_name_plural = _("credits of users")
        constraints = [
            models.CheckConstraint(
                name="credits_balance_not_negative", condition=Q(balance__gte=0)
            ),
            models.CheckConstraint(name="credits_owed_not_negative", condition=Q(owed__gte=0)),
            models.CheckConstraint(
                name="credits_owed_only_when_empty", condition=Q(balance=0) | Q(owed=0)
            ),
            models.CheckConstraint(name="credits_plan_known", condition=Q(plan__in=sorted(PLANS))),
            models.CheckConstraint(
                name="credits_granted_plan_known", condition=Q(granted_plan__in=sorted(PLANS))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.balance} credits"


class EntryQuerySet(models.QuerySet["CreditTransaction"]):
    """Ledger entries, which can be read and added only."""

    def update(self, **_columns: Any) -> NoReturn:
        """Refuse."""
        raise EntryIsFinal

    def delete(self) -> NoReturn:
        """Refuse."""
        raise EntryIsFinal


class CreditTransaction(models.Model):
    """One entry of the ledger: credits that came (amount above zero) or went (below).

    reference says what it was for; no two entries of a kind share one, which is what makes every
    ledger call safe to repeat. balance_after is what could be spent afterwards. An entry holds no
    name, title or address: it stays when a person's account is scrubbed. On PostgreSQL a trigger
    refuses UPDATE and DELETE too.
    """

    class Kind(models.TextChoices):
        """Why credits moved."""

        PURCHASE = "purchase", _("Purchase")
        JOB_CONSUMPTION = "job_consumption", _("Dub")
        REFUND = "refund", _("Refund")
        BONUS = "bonus", _("Bonus")
        GRANT = "grant", _("Grant")
        ADJUSTMENT = "adjustment", _("Adjustment")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="credit_transactions"
    )
    kind = models.CharField(max_length=20, choices=Kind)
    amount = models.IntegerField()
    balance_after = models.IntegerField()
    reference = models.CharField(max_length=200)
    description = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The member of staff who granted it."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference"], name="entry_reference_once_per_kind"
            ),
            models.CheckConstraint(name="entry_moves_something", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="entry_balance_after_not_negative", condition=Q(balance_after__gte=0)
            ),
            models.CheckConstraint(
                name="entry_amount_has_the_sign_of_its_kind",
                condition=Q(kind="adjustment")
                | Q(kind="job_consumption", amount__lt=0)
                | Q(kind__in=["purchase", "refund", "bonus", "grant"], amount__gt=0),
            ),
            models.CheckConstraint(
                name="entry_of_a_grant_has_a_reason",
                condition=~Q(kind="grant") | ~Q(reason=""),
            ),
            models.CheckConstraint(name="entry_has_a_reference", condition=~Q(reference="")),
        ]
        indexes = [models.Index(fields=["user", "-id"], name="entry_user_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:+d}"

    def save(self, **options: Any) -> None:
        """Add the entry. Raises EntryIsFinal when it is there already."""
        if not self._state.adding:
            raise EntryIsFinal
        super().save(**{**options, "force_insert": True})

    def delete(self, using: Any = None, keep_parents: bool = False) -> NoReturn:
        """Refuse."""
        raise EntryIsFinal
