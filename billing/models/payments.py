"""Payments: what a person buys, what goes back, and what they dispute.

These rows say what should happen, and hold the amounts; Stripe's objects are only compared with
them.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.plans import PLANS
from billing.states import (
    DISPUTE_NEXT,
    PURCHASE_NEXT,
    REFUND_NEXT,
    DisputeStatus,
    PurchaseStatus,
    RefundStatus,
)
from dubber.moves import move


class Purchase(models.Model):
    """One pack that a person buys: plan, price and credits as they were when it was opened.

    doubt says why it is quarantined. returned_cents and returned_credits add up what its refunds
    and lost disputes took back.
    """

    REFERENCE = "purchase:"
    """What the ledger knows its credits by starts so."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="purchases"
    )
    plan = models.CharField(max_length=20)
    credits = models.PositiveIntegerField()
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=12, choices=PurchaseStatus, default=PurchaseStatus.OPEN)
    doubt = models.CharField(max_length=200, blank=True)
    customer = models.CharField(max_length=255, help_text=_("Stripe's customer."))
    stripe_payment_intent_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    checkout_session_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    receipt_url = models.URLField(max_length=2000, blank=True)
    returned_cents = models.PositiveIntegerField(default=0)
    returned_credits = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="purchase_status_known", condition=Q(status__in=PurchaseStatus.values)
            ),
            models.CheckConstraint(
                name="purchase_is_of_something", condition=Q(credits__gt=0, amount_cents__gt=0)
            ),
            models.CheckConstraint(
                name="purchase_paid_by_a_payment",
                condition=~Q(status="paid")
                | Q(stripe_payment_intent_id__isnull=False, paid_at__isnull=False),
            ),
            models.CheckConstraint(
                name="purchase_returns_at_most_itself",
                condition=Q(returned_cents__lte=F("amount_cents"))
                & Q(returned_credits__lte=F("credits")),
            ),
            models.CheckConstraint(
                name="purchase_quarantined_with_a_doubt",
                condition=~Q(status="quarantined") | ~Q(doubt=""),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="purchase_of_user_newest"),
            models.Index(fields=["status", "created_at"], name="purchase_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.id}"

    @property
    def plan_name(self) -> str:
        """What its plan is called."""
        return PLANS[self.plan].name

    @property
    def reference(self) -> str:
        """What the ledger knows its credits by."""
        return f"{self.REFERENCE}{self.pk}"

    def move_to(self, target: PurchaseStatus, **columns: Any) -> None:
        """Change status, and the given columns with it, in one UPDATE. Raises Conflict."""
        move(self, target, allowed=PURCHASE_NEXT, columns=columns)


class PurchaseRefund(models.Model):
    """Money of a purchase that goes back, and the credits that go with it.

    Our own are written before Stripe is asked; the row's id is the idempotency key. by is the
    member of staff, empty where it was made in Stripe itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refunds")
    cents = models.PositiveIntegerField()
    credits = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=RefundStatus, default=RefundStatus.ASKED)
    stripe_refund_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="purchase_refund_status_known", condition=Q(status__in=RefundStatus.values)
            ),
            models.CheckConstraint(
                name="purchase_refund_known_to_stripe",
                condition=Q(status__in=["asked", "failed"]) | Q(stripe_refund_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def reference(self) -> str:
        """What the ledger knows the credits taken back by."""
        return f"purchase-refund:{self.pk}"

    def move_to(self, target: RefundStatus, **columns: Any) -> None:
        """Change status, and the given columns with it, in one UPDATE. Raises Conflict."""
        move(self, target, allowed=REFUND_NEXT, columns=columns)


class Dispute(models.Model):
    """A payment that the customer's bank questions. credits is what a lost one took back."""

    stripe_dispute_id = models.CharField(max_length=255, primary_key=True)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    cents = models.PositiveIntegerField()
    credits = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=8, choices=DisputeStatus, default=DisputeStatus.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="dispute_status_known", condition=Q(status__in=DisputeStatus.values)
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_dispute_id

    @property
    def reference(self) -> str:
        """What the ledger knows the credits of a lost dispute by."""
        return f"dispute:{self.pk}"

    def move_to(self, target: DisputeStatus, **columns: Any) -> None:
        """Change status, and the given columns with it, in one UPDATE. Raises Conflict."""
        move(self, target, allowed=DISPUTE_NEXT, columns=columns)
