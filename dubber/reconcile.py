"""Compares what must agree all over the service, and names each row that doesn't.

The ledger with the balances, the charges with the languages, the refunds with the failures, the
purchases with Stripe, and the files with the rows. Each check is one function, read from top to
bottom.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.utils import timezone

from billing import gateway, prices
from billing.gateway import NotAtStripe
from billing.models import CreditTransaction, Purchase, PurchaseRefund
from billing.purchases import differences
from billing.queries import imbalances
from billing.states import PurchaseStatus, RefundStatus
from dubber.models import ReconcileReport
from jobs import retention
from jobs.models import DubbingJob, JobEvent, LanguageTask
from jobs.outcomes import charge_references
from jobs.states import JobStatus, Stage

LATELY = timedelta(days=3)
"""How far back purchases are compared with Stripe, unless everything is."""

REPORTS_KEPT = 100

OVERDUE = timedelta(hours=25)
"""After that long nothing should be open or on its way any more."""

Kind = CreditTransaction.Kind


@dataclass(frozen=True, slots=True)
class Difference:
    """Two things that should agree and don't. row is what to look for in the admin."""

    check: str
    row: str
    told: str

    def __str__(self) -> str:
        return f"{self.check}: {self.row}: {self.told}"


def write_report(*, strict: bool = False) -> list[Difference]:
    """Compare everything, and keep what was found for staff."""
    found = differences_found(strict=strict)
    ReconcileReport.objects.create(strict=strict, found=[asdict(one) for one in found])
    kept = ReconcileReport.objects.order_by("-at").values_list("pk", flat=True)[:REPORTS_KEPT]
    ReconcileReport.objects.exclude(pk__in=list(kept)).delete()
    return found


def differences_found(*, strict: bool = False, stripe: bool = True) -> list[Difference]:
    """Every difference. `strict` also asks Stripe about old purchases, and counts what is late.

    Without `stripe` nobody outside is asked.
    """
    first = set(_look(strict, stripe))
    if not first:
        return []
    # The service goes on meanwhile: what was only in between is gone when one looks again.
    return [found for found in _look(strict, stripe) if found in first]


def _look(strict: bool, stripe: bool) -> Iterator[Difference]:
    yield from entries_against_balances()
    yield from charges_against_languages()
    yield from refunds_against_failures()
    yield from bonuses_against_jobs()
    yield from purchases_against_entries()
    yield from files_against_rows()
    if stripe:
        yield from purchases_against_stripe(everything=strict)
    if strict:
        yield from overdue()


def entries_against_balances() -> Iterator[Difference]:
    """A balance, less what is owed, is the sum of its entries."""
    for one in imbalances():
        told = f"the row says {one.stored}, its entries {one.entries}"
        yield Difference("balance", f"user {one.user_id}", told)


def charges_against_languages() -> Iterator[Difference]:
    """What a language says it cost and got back is what the ledger says."""
    charged, returned = _booked(Kind.JOB_CONSUMPTION), _booked(Kind.REFUND)
    for task in _languages():
        references = charge_references(task.job, task)
        for name, booked, stated in (
            ("charged", charged, task.credits),
            ("refunded", returned, task.refunded),
        ):
            found = sum(abs(booked.pop(reference, 0)) for reference in references)
            if found != stated:
                told = f"{name} {stated}, in the ledger {found}"
                yield Difference("language", _row(task), told)
    for reference in [*charged, *returned]:
        if reference.startswith("job_"):
            yield Difference("entry", reference, "stands for no language")


def refunds_against_failures() -> Iterator[Difference]:
    """What was not delivered was given back, and nothing else was, but by staff."""
    by_staff = set(
        CreditTransaction.objects.filter(kind=Kind.REFUND, by__isnull=False).values_list(
            "reference", flat=True
        )
    )
    kept_by_rule, presents = _cancelled_without_refund(), _made_for_nothing()
    for task in _languages():
        owed, given = task.credits - task.refunded, set(charge_references(task.job, task))
        if task.stage == Stage.FAILED and owed and not by_staff & given:
            yield Difference("refund", _row(task), f"failed, and {owed} credits not given back")
        if task.stage == Stage.CANCELLED and owed and task.pk not in kept_by_rule:
            yield Difference("refund", _row(task), f"cancelled, and {owed} credits not given back")
        delivered = task.stage not in {Stage.FAILED, Stage.CANCELLED}
        if delivered and owed == 0 and not by_staff & given and task.pk not in presents:
            yield Difference("refund", _row(task), f"{task.stage}, and everything given back")


def bonuses_against_jobs() -> Iterator[Difference]:
    """A job that ended has the bonus that it earned, and one that runs has none to speak of."""
    given: dict[str, int] = defaultdict(int)
    entries = CreditTransaction.objects.filter(reference__startswith="bonus:")
    for reference, amount in entries.values_list("reference", "amount"):
        given[reference.split(":")[1]] += amount
    running = {JobStatus.PENDING, JobStatus.PROCESSING}
    for job in (
        DubbingJob.objects.exclude(status__in=running).prefetch_related("tasks").iterator(500)
    ):
        kept = sum(task.credits - task.refunded for task in job.tasks.all())
        earned, there = prices.duration_bonus(job.duration_ms, kept), given[job.public_id]
        if earned != there:
            yield Difference("bonus", job.public_id, f"earned {earned}, given {there}")


def purchases_against_entries() -> Iterator[Difference]:
    """A purchase is credited exactly if it was paid, and what was returned of it is its refunds."""
    credited = _booked(Kind.PURCHASE)
    for purchase in Purchase.objects.prefetch_related("refunds", "disputes").iterator(500):
        booked = credited.pop(purchase.reference, 0)
        due = purchase.credits if purchase.paid_at else 0
        if booked != due:
            yield Difference("purchase", str(purchase.pk), f"credits {due}, in the ledger {booked}")
        refunds = [one for one in purchase.refunds.all() if one.status != RefundStatus.FAILED]
        taken = sum(one.credits for one in refunds)
        taken += sum(one.credits for one in purchase.disputes.all())
        if taken != purchase.returned_credits:
            told = f"{purchase.returned_credits} credits returned, by its refunds {taken}"
            yield Difference("purchase", str(purchase.pk), told)
    for reference in credited:
        yield Difference("entry", reference, "stands for no purchase")


def files_against_rows() -> Iterator[Difference]:
    """Every file that a row names is there, and every older file has a row."""
    differing = retention.differences()
    for key in differing.missing:
        yield Difference("file", key, "missing")
    for key in differing.orphans:
        yield Difference("file", key, "no row names it")


def purchases_against_stripe(*, everything: bool) -> Iterator[Difference]:
    """What Stripe says of a payment is what our row says. Nothing is asked without keys."""
    if not gateway.is_enabled():
        return
    rows = Purchase.objects.filter(stripe_payment_intent_id__isnull=False)
    if not everything:
        rows = rows.filter(updated_at__gt=timezone.now() - LATELY)
        rows = rows.exclude(status=PurchaseStatus.OPEN)  # which has its time to be settled
    for purchase in rows.iterator(500):
        for told in _differences_at_stripe(purchase):
            yield Difference("stripe", str(purchase.pk), told)


def overdue() -> Iterator[Difference]:
    """What waits for somebody: quarantined payments, and what should long have been settled."""
    before = timezone.now() - OVERDUE
    for purchase in Purchase.objects.filter(status=PurchaseStatus.QUARANTINED):
        yield Difference("purchase", str(purchase.pk), f"quarantined: {purchase.doubt}")
    for purchase in Purchase.objects.filter(status=PurchaseStatus.OPEN, created_at__lt=before):
        yield Difference("purchase", str(purchase.pk), "still open")
    asked = PurchaseRefund.objects.filter(status=RefundStatus.ASKED, created_at__lt=before)
    for refund in asked:
        yield Difference("purchase", str(refund.purchase_id), f"refund {refund.pk} never sent")


def _differences_at_stripe(purchase: Purchase) -> Iterator[str]:
    intent = str(purchase.stripe_payment_intent_id)
    try:
        payment = gateway.find_payment(intent)
        sent_back = gateway.find_repayments(intent)
    except NotAtStripe:
        yield "Stripe doesn't know its payment"
        return
    if payment.arrived and purchase.status in {PurchaseStatus.OPEN, PurchaseStatus.CANCELLED}:
        yield f"paid at Stripe, {purchase.status} here"
    if purchase.status == PurchaseStatus.PAID and not purchase.doubt:  # else staff released it
        yield from differences(purchase, payment)
    known = set(purchase.refunds.values_list("stripe_refund_id", flat=True))
    for one in sent_back:
        if one.id not in known:
            yield f"refund {one.id} of Stripe's is unknown here"


def _languages() -> Iterator[LanguageTask]:
    return LanguageTask.objects.select_related("job").order_by("pk").iterator(500)


def _booked(kind: str) -> dict[str, int]:
    rows = CreditTransaction.objects.filter(kind=kind).values_list("reference", "amount")
    return dict(rows.iterator(5000))


def _cancelled_without_refund() -> set[int]:
    """The languages that were cancelled too often in the middle of speech (docs/billing.md)."""
    kept = JobEvent.objects.filter(
        kind=JobEvent.Kind.LANGUAGE_CANCELLED, details__spoken=True, details__refunded=0
    )
    return {pk for pk in kept.values_list("task", flat=True) if pk is not None}


def _made_for_nothing() -> set[int]:
    """The languages that staff had made again as a present, for which nothing is booked."""
    presents = JobEvent.objects.filter(kind=JobEvent.Kind.LANGUAGE_RETRIED, details__free=True)
    return {pk for pk in presents.values_list("task", flat=True) if pk is not None}


def _row(task: LanguageTask) -> str:
    return f"{task.job.public_id} {task.language}"
