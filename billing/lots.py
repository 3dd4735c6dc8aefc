"""Which credits are still unspent, where the oldest are always spent first.

Credits come in lots: each purchase, grant and bonus is one, in the order of the ledger. What was
given back for a language was never spent. What a refund of money took makes its own lot smaller;
if it was spent by then, the next lots paid for that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SPENDING = frozenset({"job_consumption", "refund", "adjustment"})
REFUND_OF_MONEY, LOST_DISPUTE = "purchase-refund:", "dispute:"


@dataclass(frozen=True, slots=True)
class Entry:
    """What matters of a ledger entry here."""

    kind: str
    amount: int
    reference: str


def unspent(entries: Iterable[Entry], *, returned: Mapping[str, int]) -> dict[str, int]:
    """What is left of every lot, by reference, from entries in the order of the ledger.

    `returned` holds what refunds of money and lost disputes took back, by their lot's reference.
    """
    lots: dict[str, int] = {}
    spent = 0
    for entry in entries:
        if entry.kind not in SPENDING:
            lots[entry.reference] = entry.amount - returned.get(entry.reference, 0)
        elif not entry.reference.startswith((REFUND_OF_MONEY, LOST_DISPUTE)):
            spent -= entry.amount
    left = {}
    for reference, size in lots.items():
        taken = min(size, max(spent, 0))
        left[reference] = size - taken
        spent -= taken
    return left
