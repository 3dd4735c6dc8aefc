"""Which credits are still unspent, where the oldest are always spent first.

Credits come in lots: each purchase, grant and bonus is one, in the order of the ledger. What was
given back for a language was never spent. What a refund of money took makes its own lot smaller;
if it was spent by then, the next lots paid for that.
"""

from collections import deque
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


def sources(entries: Iterable[Entry], *, returned: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Of which lots the credits of each charge were: {charge: {lot: credits}}, by references.

    The entries are those of one person, in the order of the ledger. What was given back of a charge
    counts for nothing, what was spent before it came in (and is owed) for no lot.
    """
    lots: deque[tuple[str, int]] = deque()
    spent: dict[str, int] = {}
    for entry in entries:
        if entry.kind not in SPENDING:
            lots.append((entry.reference, entry.amount - returned.get(entry.reference, 0)))
        elif not entry.reference.startswith((REFUND_OF_MONEY, LOST_DISPUTE)):
            spent[entry.reference] = spent.get(entry.reference, 0) - entry.amount
    return {charge: _take(lots, credits) for charge, credits in spent.items()}


def _take(lots: deque[tuple[str, int]], wanted: int) -> dict[str, int]:
    """Take credits out of the first lots; how many of which."""
    parts: dict[str, int] = {}
    while wanted > 0 and lots:
        lot, left = lots.popleft()
        taken = min(wanted, left)
        if taken:
            parts[lot] = taken
        if left > taken:
            lots.appendleft((lot, left - taken))
        wanted -= taken
    return parts
