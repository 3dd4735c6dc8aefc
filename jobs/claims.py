"""Claim, lease and fence: how exactly one worker's results count for a step.

A claim raises the step's `attempt` in one conditional UPDATE. Whoever holds that number may write,
and nobody else: every later write repeats it. All times are the database's, so that machines with
wrong clocks don't matter.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Now

from billing.queries import plan_rank
from jobs.models import Step
from jobs.pipeline.errors import Stopped
from jobs.states import StepKind, StepStatus
from jobs.workers import is_dead, neighbourhood, this_worker

MOST_DEATHS = 3
"""A step whose attempts ended so often without an error is poison."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one step, until another claim takes it over.

    attempt is the fencing token; before is the worker of the attempt before, "" for the first.
    """

    step_id: int
    job_id: int
    task_id: int | None
    kind: StepKind
    attempt: int
    deaths: int
    before: str = ""

    @property
    def poisoned(self) -> bool:
        """Whether so many workers died on this step that no other should touch it."""
        return self.deaths >= MOST_DEATHS

    def mine(self) -> QuerySet[Step]:
        """The step, as long as the claim holds."""
        return Step.objects.filter(pk=self.step_id, attempt=self.attempt, status=StepStatus.RUNNING)


def due() -> QuerySet[Step]:
    """The steps to claim: ready ones whose time has come, and running ones left alone."""
    return Step.objects.filter(
        Q(status=StepStatus.READY, not_before__lte=Now())
        | Q(status=StepStatus.RUNNING, lease_until__lt=Now())
    )


@transaction.atomic
def claim() -> Claim | None:
    """Take the step that should be done next, None if there is none.

    Better plans come first, then users with fewer steps running, then older jobs.
    """
    step = _in_order(due()).select_for_update(skip_locked=True, of=("self",), no_key=True).first()
    if step is None:
        return None
    died = int(step.status == StepStatus.RUNNING)
    taken = Step.objects.filter(pk=step.pk, status=step.status, attempt=step.attempt).update(
        status=StepStatus.RUNNING,
        attempt=F("attempt") + 1,
        deaths=F("deaths") + died,
        worker=this_worker(),
        lease_until=_lease(),
        reason="",
        part=0,
        parts=0,
        started_at=Now(),
        updated_at=Now(),
    )
    if not taken:
        return None
    return Claim(
        step_id=step.pk,
        job_id=step.job_id,
        task_id=step.task_id,
        kind=StepKind(step.kind),
        attempt=step.attempt + 1,
        deaths=step.deaths + died,
        before=step.worker,
    )


def renew(claim: Claim) -> bool:
    """Lengthen the lease; False when the claim no longer holds."""
    return bool(claim.mine().update(lease_until=_lease()))


def fence(claim: Claim) -> Step:
    """Lock the step for the rest of the transaction, so that what is written in it counts.

    Raises Stopped when the claim no longer holds: cancelled, or taken over.
    """
    # Only the step: with the job locked too, and after it, others would wait for each other.
    step = claim.mine().select_for_update(of=("self",), no_key=True).first()
    if step is None:
        raise Stopped
    return step


def give_up(claim: Claim) -> None:
    """End the lease now: this attempt died. The next claim counts it."""
    claim.mine().update(lease_until=Now() - timedelta(seconds=1))


def hand_back(steps: list[tuple[int, int]]) -> int:
    """Make steps ready again whose worker we ended ourselves: that is no death of theirs."""
    return sum(
        Step.objects.filter(pk=pk, attempt=attempt, status=StepStatus.RUNNING).update(
            status=StepStatus.READY, lease_until=None, not_before=Now(), updated_at=Now()
        )
        for pk, attempt in steps
    )


def neighbours() -> list[tuple[int, int, str]]:
    """The running steps (id, attempt, worker) of processes that this one can judge."""
    running = Step.objects.filter(status=StepStatus.RUNNING, worker__startswith=neighbourhood())
    return list(running.values_list("pk", "attempt", "worker"))


def expire_dead() -> int:
    """End the leases of neighbours that are gone, so that nobody waits; how many they were."""
    return sum(
        Step.objects.filter(pk=pk, attempt=attempt, status=StepStatus.RUNNING)
        .filter(lease_until__gte=Now())
        .update(lease_until=Now() - timedelta(seconds=1))
        for pk, attempt, worker in neighbours()
        if is_dead(worker)
    )


def _lease() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _in_order(steps: QuerySet[Step]) -> QuerySet[Step]:
    running = (
        Step.objects.filter(status=StepStatus.RUNNING, job__user=OuterRef("job__user"))
        .order_by()
        .values("job__user")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return steps.annotate(
        rank=plan_rank("job__user__credits__plan"),
        running=Coalesce(Subquery(running), 0),
    ).order_by("-rank", "running", "job_id", "pk")
