"""What a dub would cost: minutes and languages as credits, and credits as money."""

from collections.abc import Collection
from dataclasses import dataclass

from billing.plans import PLANS, Plan
from billing.prices import CLASSES, MULTIPLIER_TENTHS, PriceClass, Quote, quote
from jobs.pipeline.languages import LANGUAGES


@dataclass(frozen=True, slots=True)
class PriceList:
    """One class of languages; credits_a_minute is before a language is rounded up."""

    classification: PriceClass
    names: tuple[str, ...]
    credits_a_minute: float


@dataclass(frozen=True, slots=True)
class Named:
    """One language's share of a quote."""

    name: str
    flag: str
    multiplier: float
    credits: int


@dataclass(frozen=True, slots=True)
class Pack:
    """One pack beside a quote: how many of it are needed, and what the credits used are worth.

    reason says why the plan can't make it: "longest", "languages", "once" (it is given only once
    and has too few credits), or "".
    """

    plan: Plan
    packs: int
    worth_cents: int
    reason: str

    @property
    def free(self) -> bool:
        """Say whether it costs nothing."""
        return self.plan.price_cents == 0

    @property
    def pay_cents(self) -> int:
        """What so many packs cost."""
        return self.packs * self.plan.price_cents


@dataclass(frozen=True, slots=True)
class Calculation:
    """A quote with everything that the page shows of it."""

    quote: Quote
    languages: tuple[Named, ...]
    packs: tuple[Pack, ...]


def price_lists() -> list[PriceList]:
    """Each price class with its languages, the cheapest first."""
    return [
        PriceList(
            one,
            tuple(LANGUAGES[code].name for code in LANGUAGES if CLASSES[code] == one),
            credits_a_minute(one),
        )
        for one in PriceClass
    ]


def credits_a_minute(classification: PriceClass) -> float:
    """What a minute of a class costs, before the language is rounded up."""
    return MULTIPLIER_TENTHS[classification] * 6 / 10


def calculate(duration_ms: int, codes: Collection[str]) -> Calculation:
    """Price a recording in those languages, and say which packs are enough for it."""
    made = quote(duration_ms, codes)
    named = tuple(
        Named(
            LANGUAGES[price.language].name,
            LANGUAGES[price.language].flag,
            price.multiplier,
            price.credits,
        )
        for price in made.prices
    )
    packs = tuple(_pack(plan, made, duration_ms) for plan in PLANS.values())
    return Calculation(made, named, packs)


def _pack(plan: Plan, made: Quote, duration_ms: int) -> Pack:
    reason = ""
    if duration_ms > plan.limits.longest_ms:
        reason = "longest"
    elif len(made.prices) > plan.limits.languages:
        reason = "languages"
    elif plan.price_cents == 0 and made.credits > plan.credits:
        reason = "once"
    return Pack(
        plan=plan,
        packs=-(-made.credits // plan.credits),
        worth_cents=round(made.credits * plan.price_cents / plan.credits),
        reason=reason,
    )
