"""The three plans and what each of them allows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

MEGABYTE = 1024 * 1024
MOST_LANGUAGES = 10
"""How many languages any job may have."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job of a plan may be. kept is how long its files stay after its last change."""

    longest_ms: int
    largest_bytes: int
    languages: int
    kept: timedelta
    api_keys: bool
    premium_voices: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan: a pack of credits, and the limits that come with it."""

    id: str
    name: str
    credits: int
    price_cents: int
    currency: str
    limits: Limits


STARTER = Plan(
    id="starter",
    name="Starter",
    credits=20,
    price_cents=0,
    currency="usd",
    limits=Limits(
        longest_ms=3 * 60_000,
        largest_bytes=100 * MEGABYTE,
        languages=2,
        kept=timedelta(hours=48),
        api_keys=False,
        premium_voices=False,
    ),
)

CREATOR = Plan(
    id="creator",
    name="Creator",
    credits=50,
    price_cents=2900,
    currency="usd",
    limits=Limits(
        longest_ms=30 * 60_000,
        largest_bytes=2048 * MEGABYTE,
        languages=MOST_LANGUAGES,
        kept=timedelta(days=7),
        api_keys=False,
        premium_voices=False,
    ),
)

PROFESSIONAL = Plan(
    id="professional",
    name="Professional",
    credits=250,
    price_cents=9900,
    currency="usd",
    limits=Limits(
        longest_ms=180 * 60_000,
        largest_bytes=2048 * MEGABYTE,
        languages=MOST_LANGUAGES,
        kept=timedelta(days=30),
        api_keys=True,
        premium_voices=True,
    ),
)

PLANS: Mapping[str, Plan] = {plan.id: plan for plan in (STARTER, CREATOR, PROFESSIONAL)}
"""Every plan by id, from the least to the best."""


def better(plans: Iterable[str]) -> str:
    """The best of some plans' ids; the Starter if there are none."""
    return max(plans, key=list(PLANS).index, default=STARTER.id)
