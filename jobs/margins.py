"""What jobs brought and what vendors took for them, in millionths of a dollar."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import QuerySet, Sum

from billing.queries import worth_of_charges
from jobs.models import DubbingJob, VendorCall


@dataclass(frozen=True, slots=True)
class Margin:
    """What a job, or many, brought and took."""

    paid: int
    vendors: int

    @property
    def left(self) -> int:
        """What is left; below zero where vendors took more."""
        return self.paid - self.vendors


def margin_of(job: DubbingJob) -> Margin:
    """The margin of one job."""
    return margins_of([job])[job.pk]


def margins_of(jobs: Iterable[DubbingJob]) -> dict[int, Margin]:
    """The margin of each job, by its primary key. Credits that were given are worth nothing."""
    jobs = list(jobs)
    paid: Counter[str] = Counter()
    for charge, worth in worth_of_charges({job.user_id for job in jobs}).items():
        paid[charge.partition(":")[0]] += worth
    calls = VendorCall.objects.filter(job__in=[job.pk for job in jobs]).values("job")
    taken = dict(calls.annotate(sum=Sum("cost_microdollars")).values_list("job", "sum").order_by())
    return {job.pk: Margin(paid[job.public_id], taken.get(job.pk, 0)) for job in jobs}


def jobs_of_month(month: datetime) -> QuerySet[DubbingJob]:
    """The jobs that were ordered in a month, newest first. `month` is any time in it."""
    ordered = DubbingJob.objects.filter(created_at__gte=first_day(month))
    ordered = ordered.filter(created_at__lt=month_after(month))
    return ordered.select_related("user").order_by("-created_at", "-pk")


def total(margins: Iterable[Margin]) -> Margin:
    """The sum of margins."""
    margins = list(margins)
    return Margin(sum(one.paid for one in margins), sum(one.vendors for one in margins))


def first_day(month: datetime) -> datetime:
    """When a month begins, in UTC."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def month_after(month: datetime) -> datetime:
    """When the next month begins, in UTC."""
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def month_before(month: datetime) -> datetime:
    """When the month before begins, in UTC."""
    return datetime(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1, tzinfo=UTC)


def dollars(micro: int) -> str:
    """Millionths of a dollar, as dollars."""
    return f"${micro / 1e6:.4f}"
