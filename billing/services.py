"""What billing does for a person."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing import ledger
from billing.models import UserCredits
from billing.plans import PLANS, PROFESSIONAL

DEMO_CREDITS = 1000


@transaction.atomic
def set_plan(user: User, *, plan: str) -> None:
    """Give a person the limits of a plan. Raises KeyError for a plan that isn't one."""
    ledger.open_account(user)
    UserCredits.objects.filter(user=user).update(plan=PLANS[plan].id, updated_at=timezone.now())


@transaction.atomic
def prepare_demo_account(user: User) -> None:
    """Give the demo user the Professional plan, and once 1,000 credits."""
    set_plan(user, plan=PROFESSIONAL.id)
    ledger.grant(
        user,
        credits=DEMO_CREDITS,
        reference=f"demo-grant:{user.pk}",
        reason="Credits of the demo account",
        by=None,
    )
