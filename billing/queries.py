"""Questions about credits."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, F, IntegerField, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts.models import User
from billing import lots
from billing.models import CreditTransaction, Dispute, Purchase, UserCredits
from billing.plans import PLANS, STARTER, Plan
from billing.states import DisputeStatus

MOST_DEBTS = 10
"""How many reasons why somebody owes are told."""


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A person whose row doesn't say what their entries add up to."""

    user_id: UUID
    stored: int
    entries: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands with us. frozen says why staff let no job start."""

    balance: int
    owed: int
    plan: Plan
    frozen: str
    disputed: bool
    had_starter: bool


def balance_of(user: User | AnonymousUser) -> int:
    """The credits that a person can spend; none for nobody."""
    if user.pk is None:
        return 0
    row = UserCredits.objects.filter(user_id=user.pk).values_list("balance", flat=True).first()
    return row or 0


def owed_by(user: User) -> int:
    """The credits that must come in before a person has any to spend."""
    return UserCredits.objects.filter(user=user).values_list("owed", flat=True).first() or 0


def standing_of(user: User) -> Standing:
    """What a person has, owes and may do."""
    row = UserCredits.objects.filter(user=user).first()
    starter = entries_of(user).filter(reference=starter_reference(user))
    return Standing(
        balance=row.balance if row else 0,
        owed=row.owed if row else 0,
        plan=PLANS[row.plan] if row else STARTER,
        frozen=row.frozen if row else "",
        disputed=has_open_dispute(user),
        had_starter=starter.exists(),
    )


def debts_of(user: User, owed: int) -> list[CreditTransaction]:
    """The entries that took what was spent already, newest first, until they make up `owed`."""
    taken = entries_of(user).filter(kind=CreditTransaction.Kind.ADJUSTMENT, amount__lt=0)
    debts: list[CreditTransaction] = []
    for entry in taken[:MOST_DEBTS] if owed else ():
        if owed <= 0:
            break
        debts.append(entry)
        owed += entry.amount
    return debts


def entries_of(user: User) -> QuerySet[CreditTransaction]:
    """A person's ledger, newest first."""
    return CreditTransaction.objects.filter(user=user).order_by("-pk")


def purchases_of(user: User) -> QuerySet[Purchase]:
    """What a person bought or began to buy, newest first."""
    return Purchase.objects.filter(user=user).order_by("-created_at", "pk")


def starter_reference(user: User) -> str:
    """What the ledger knows a person's Starter pack by."""
    return f"starter:{user.pk}"


def has_open_dispute(user: User) -> bool:
    """Say whether a payment of this person is disputed at the moment."""
    return Dispute.objects.filter(purchase__user=user, status=DisputeStatus.OPEN).exists()


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


def worth_of_charges(users: Collection[UUID]) -> dict[str, int]:
    """What customers paid for the credits of each charge, in millionths of a dollar.

    By the charges' references. The oldest credits are spent first; presents are worth nothing.
    """
    bought = {
        purchase.reference: purchase
        for purchase in Purchase.objects.filter(user__in=users, paid_at__isnull=False)
    }
    returned = {reference: one.returned_credits for reference, one in bought.items()}
    rows = CreditTransaction.objects.filter(user__in=users).order_by("user_id", "pk")
    columns = rows.values_list("user_id", "kind", "amount", "reference").iterator(5000)
    worth: dict[str, int] = {}
    for _user, entries in groupby(columns, key=itemgetter(0)):
        parts = lots.sources((lots.Entry(*entry[1:]) for entry in entries), returned=returned)
        for charge, sources in parts.items():
            paid = (
                credits * bought[lot].amount_cents * 10_000 / bought[lot].credits
                for lot, credits in sources.items()
                if lot in bought
            )
            worth[charge] = round(sum(paid))
    return worth


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
