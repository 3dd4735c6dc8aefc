"""What supervisors of workers tell the site, and what they tidy up for it."""

from datetime import timedelta

from django.utils import timezone

from dubber import idempotency, rate_limits
from dubber.models import WorkerBeat

FORGOTTEN_AFTER = timedelta(days=1)


def beat(worker: str) -> None:
    """Say that a supervisor of workers lives."""
    WorkerBeat.objects.update_or_create(worker=worker, defaults={"at": timezone.now()})


def since_last() -> timedelta | None:
    """How long ago any supervisor said that it lives."""
    last = WorkerBeat.objects.order_by("-at").values_list("at", flat=True).first()
    return None if last is None else timezone.now() - last


def tidy() -> None:
    """Remove what has run out: windows of rate limits, kept answers, supervisors of old."""
    rate_limits.forget_ended()
    idempotency.forget_expired()
    WorkerBeat.objects.filter(at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
