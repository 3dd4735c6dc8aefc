"""Every status that a purchase, its refund and its dispute can have, and every move between them.

Stripe's messages come in any order: a status from which no move leads is final, whatever an older
message says afterwards.
"""

from collections.abc import Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _


class PurchaseStatus(models.TextChoices):
    """Where a purchase stands. `refunded` is for one whose whole price went back."""

    OPEN = "open", _("Open")
    PAID = "paid", _("Paid")
    CANCELLED = "cancelled", _("Cancelled")
    QUARANTINED = "quarantined", _("Quarantined")
    REFUNDED = "refunded", _("Refunded")


class RefundStatus(models.TextChoices):
    """Where a refund stands. `asked` is our row before Stripe answered."""

    ASKED = "asked", _("Asked for")
    PENDING = "pending", _("Pending")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class DisputeStatus(models.TextChoices):
    """Where a dispute stands, whatever the bank's paper work is at."""

    OPEN = "open", _("Open")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")


PURCHASE_NEXT: Mapping[PurchaseStatus, frozenset[PurchaseStatus]] = {
    PurchaseStatus.OPEN: frozenset(
        {PurchaseStatus.PAID, PurchaseStatus.CANCELLED, PurchaseStatus.QUARANTINED}
    ),
    # A payment can win against the cancelling of it.
    PurchaseStatus.CANCELLED: frozenset({PurchaseStatus.PAID, PurchaseStatus.QUARANTINED}),
    PurchaseStatus.PAID: frozenset({PurchaseStatus.REFUNDED}),
    # The bank refused to take the money back.
    PurchaseStatus.REFUNDED: frozenset({PurchaseStatus.PAID, PurchaseStatus.QUARANTINED}),
    # Paid is what staff decide after looking at it; refunded that the money went back.
    PurchaseStatus.QUARANTINED: frozenset({PurchaseStatus.PAID, PurchaseStatus.REFUNDED}),
}

REFUND_NEXT: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.ASKED: frozenset(
        {RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED}
    ),
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    # A bank may send the money back days later.
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset(),
}

DISPUTE_NEXT: Mapping[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.OPEN: frozenset({DisputeStatus.WON, DisputeStatus.LOST}),
    DisputeStatus.WON: frozenset(),
    DisputeStatus.LOST: frozenset(),
}
