"""The bonus of a long job: given when its last language ends, and kept in step with later refunds.

What was given so far is read from the ledger, whose entries name the job and a round.
"""

from django.db.models import F, Sum
from django.utils.translation import gettext as _

from billing import ledger, prices
from billing.models import CreditTransaction
from jobs.models import DubbingJob


def settle(job: DubbingJob) -> int:
    """Give what is missing of a job's bonus, or take back what is too much.

    The job must be locked, and have ended. Returns the credits that moved.
    """
    kept = job.tasks.aggregate(kept=Sum(F("credits") - F("refunded")))["kept"] or 0
    earned = prices.duration_bonus(job.duration_ms, kept)
    entries = CreditTransaction.objects.filter(
        user_id=job.user_id, reference__startswith=_reference(job)
    )
    given = entries.aggregate(given=Sum("amount"))["given"] or 0
    reference = f"{_reference(job)}{entries.count() + 1}"
    if earned > given:
        ledger.bonus(
            job.user,
            credits=earned - given,
            reference=reference,
            description=_("Bonus for a long dub"),
        )
    elif earned < given:
        ledger.take_back(
            job.user,
            credits=given - earned,
            reference=reference,
            description=_("Bonus for a long dub, taken back"),
        )
    return earned - given


def _reference(job: DubbingJob) -> str:
    return f"bonus:{job.public_id}:"
