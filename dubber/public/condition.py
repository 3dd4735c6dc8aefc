"""How the site is doing, in words for everybody: nothing here is secret."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dubber import health
from jobs.models import Step, VendorHealth
from jobs.states import StepStatus

NAMES = {
    "deepgram": "Deepgram",
    "openai": "OpenAI",
    "polly": "Amazon Polly",
    "own server": _("The translation server"),
}
"""What vendors are called whose health is kept."""


class Condition(StrEnum):
    """How one part is doing."""

    WELL = "well"
    SLOW = "slow"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class VendorCondition:
    """How calls to one vendor go."""

    name: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class SiteCondition:
    """How workers, queue and vendors are doing.

    waiting and running are steps, minutes how long the oldest of the waiting ones waits, on_hold
    the dubs that wait for a vendor's account. vendors are those that were called so far.
    """

    workers: Condition
    waiting: int
    running: int
    minutes: int
    on_hold: int
    vendors: tuple[VendorCondition, ...]

    @property
    def worst(self) -> Condition:
        """How the site as a whole is doing."""
        found = {self.workers, *(vendor.condition for vendor in self.vendors)}
        if self.workers == Condition.DOWN:
            return Condition.DOWN
        return Condition.WELL if found == {Condition.WELL} and not self.on_hold else Condition.SLOW


def look() -> SiteCondition:
    """Ask how everything is doing."""
    work = health.look()
    silent = work.silence is None or work.silence > health.SILENT
    late = work.oldest is not None and work.oldest > health.WAITED
    on_hold = Step.objects.filter(reason="vendor_account", status=StepStatus.READY)
    return SiteCondition(
        workers=Condition.DOWN if silent else Condition.SLOW if late else Condition.WELL,
        waiting=work.depth,
        running=Step.objects.filter(status=StepStatus.RUNNING).count(),
        minutes=0 if work.oldest is None else int(work.oldest.total_seconds() // 60),
        on_hold=on_hold.aggregate(jobs=Count("job", distinct=True))["jobs"],
        vendors=tuple(_vendors()),
    )


def _vendors() -> list[VendorCondition]:
    now = timezone.now()
    return [
        VendorCondition(
            str(NAMES.get(one.vendor, one.vendor)),
            Condition.SLOW if one.shut_until > now else Condition.WELL,
        )
        for one in VendorHealth.objects.order_by("vendor")
    ]
