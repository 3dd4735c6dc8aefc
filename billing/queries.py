"""Questions about credits."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, F, IntegerField, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts.models import User
from billing import lots
from billing.models import CreditTransaction, Purchase, UserCredits
from billing.plans import PLANS, STARTER, Plan


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A person whose row doesn't say what their entries add up to."""

    user_id: UUID
    stored: int
    entries: int


def balance_of(user: User | AnonymousUser) -> int:
    """The credits that a person can spend; none for nobody."""
    if user.pk is None:
        return 0
    row = UserCredits.objects.filter(user_id=user.pk).values_list("balance", flat=True).first()
    return row or 0


def owed_by(user: User) -> int:
    """The credits that must come in before a person has any to spend."""
    return UserCredits.objects.filter(user=user).values_list("owed", flat=True).first() or 0


def entries_of(user: User) -> QuerySet[CreditTransaction]:
    """A person's ledger, newest first."""
    return CreditTransaction.objects.filter(user=user).order_by("-pk")


def payments_behind(entries: Iterable[CreditTransaction]) -> dict[str, str]:
    """Stripe's ids of the payments that brought those entries, by the entries' references."""
    prefix = Purchase.REFERENCE
    ids = [
        entry.reference.removeprefix(prefix)
        for entry in entries
        if entry.kind == CreditTransaction.Kind.PURCHASE
    ]
    bought = Purchase.objects.filter(pk__in=ids).values_list("pk", "stripe_payment_intent_id")
    return {f"{prefix}{pk}": intent or "" for pk, intent in bought}


def plan_of(user: User) -> Plan:
    """The best pack that a person ever paid and that was not refunded."""
    plan = UserCredits.objects.filter(user=user).values_list("plan", flat=True).first()
    return PLANS[plan] if plan else STARTER


def unspent_of(user: User) -> dict[str, int]:
    """What is left of each lot of credits that a person got, by its reference in the ledger."""
    entries = CreditTransaction.objects.filter(user=user).order_by("pk")
    returned = Purchase.objects.filter(user=user, returned_credits__gt=0)
    return lots.unspent(
        [lots.Entry(*row) for row in entries.values_list("kind", "amount", "reference")],
        returned={purchase.reference: purchase.returned_credits for purchase in returned},
    )


def plan_rank(plan_column: str) -> Case:
    """Rank the plan in a column, given by its path: a better plan is a higher number."""
    return Case(
        *(When(**{plan_column: plan}, then=Value(rank)) for rank, plan in enumerate(PLANS)),
        default=Value(0),
        output_field=IntegerField(),
    )


def imbalances() -> list[Imbalance]:
    """Find whose balance, less what they owe, isn't the sum of their entries: nobody, always."""
    rows = UserCredits.objects.annotate(
        stored=F("balance") - F("owed"),
        entries=Coalesce(Sum("user__credit_transactions__amount"), 0),
    ).exclude(stored=F("entries"))
    return [Imbalance(row.user_id, row.stored, row.entries) for row in rows.order_by("user_id")]
