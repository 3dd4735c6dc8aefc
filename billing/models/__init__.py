"""The rows of money: credits and their ledger, payments, and who had a Starter pack."""

from billing.models.credits import CreditTransaction, EntryIsFinal, PlanChoice, UserCredits
from billing.models.payments import Dispute, Purchase, PurchaseRefund
from billing.models.persons import KnownPerson

__all__ = [
    "CreditTransaction",
    "Dispute",
    "EntryIsFinal",
    "KnownPerson",
    "PlanChoice",
    "Purchase",
    "PurchaseRefund",
    "UserCredits",
]
