"""What a dub costs, in whole credits and integer arithmetic.

The voice track's length is rounded to the nearest tenth of a second, a tie upwards. A tenth of a
second costs a hundredth of a credit in each language, times the multiplier of the language's class,
doubled for a premium voice. Each language is then rounded up to a whole credit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

RATE_PER_SECOND = Decimal("0.1")
"""Credits for one second of voice track in a common language."""


class PriceClass(StrEnum):
    """How hard a language is to come by."""

    COMMON = "common"
    UNCOMMON = "uncommon"
    RARE = "rare"


MULTIPLIER_TENTHS: Mapping[PriceClass, int] = {
    PriceClass.COMMON: 10,
    PriceClass.UNCOMMON: 12,
    PriceClass.RARE: 15,
}

CLASSES: Mapping[str, PriceClass] = {
    "en": PriceClass.COMMON,
    "es": PriceClass.COMMON,
    "fr": PriceClass.COMMON,
    "de": PriceClass.COMMON,
    "it": PriceClass.COMMON,
    "pt": PriceClass.COMMON,
    "ja": PriceClass.UNCOMMON,
    "ko": PriceClass.UNCOMMON,
    "ar": PriceClass.UNCOMMON,
    "hi": PriceClass.RARE,
    "ru": PriceClass.RARE,
    "zh": PriceClass.RARE,
}

BONUSES: tuple[tuple[int, int], ...] = ((18_000, 10), (6_000, 5))
"""(tenths of a second that a job must be over, percent of its kept credits), longest first."""


@dataclass(frozen=True, slots=True)
class LanguagePrice:
    """One language's share of a quote. tenths is the charged length in tenths of a second."""

    language: str
    tenths: int
    classification: PriceClass
    premium: bool
    credits: int

    @property
    def seconds(self) -> float:
        """The charged length."""
        return self.tenths / 10

    @property
    def multiplier(self) -> float:
        """The factor of the language's class; a premium voice doubles it."""
        return MULTIPLIER_TENTHS[self.classification] * (2 if self.premium else 1) / 10


@dataclass(frozen=True, slots=True)
class Quote:
    """What a job costs, language by language, in the order asked for."""

    tenths: int
    prices: tuple[LanguagePrice, ...]

    @property
    def seconds(self) -> float:
        """The charged length of the voice track."""
        return self.tenths / 10

    @property
    def credits(self) -> int:
        """What the whole job costs."""
        return sum(price.credits for price in self.prices)

    @property
    def bonus(self) -> int:
        """The credits that come back as a bonus if every language is delivered."""
        return _bonus(self.tenths, self.credits)


def whole_ms(seconds: float) -> int:
    """Seconds as whole milliseconds, a tie upwards, read as the decimal that a person sees."""
    return int((Decimal(repr(seconds)) * 1000).to_integral_value(ROUND_HALF_UP))


def charged_tenths(duration_ms: int) -> int:
    """The length that is charged: tenths of a second, the nearest, a tie upwards."""
    if duration_ms < 0:
        raise ValueError(f"a length can't be negative: {duration_ms} ms")
    return (duration_ms + 50) // 100


def language_credits(duration_ms: int, language: str, *, premium: bool = False) -> int:
    """What one of the twelve languages costs. Raises KeyError for any other."""
    return _price(charged_tenths(duration_ms), language, premium=premium).credits


def lines_credits(plain_ms: int, premium_ms: int, language: str) -> int:
    """What lines of one language cost, some of them in premium voices: rounded up once."""
    plain = _thousandths(charged_tenths(plain_ms), language, premium=False)
    premium = _thousandths(charged_tenths(premium_ms), language, premium=True)
    return _whole(plain + premium)


def quote(
    duration_ms: int, languages: Collection[str], *, premium: Collection[str] = frozenset()
) -> Quote:
    """Price a voice track in `languages`; `premium` holds those spoken by a premium voice.

    Raises KeyError for a language that isn't one of the twelve, ValueError for one listed twice.
    """
    if len(set(languages)) != len(languages):
        raise ValueError("a language is listed twice")
    tenths = charged_tenths(duration_ms)
    return Quote(
        tenths=tenths,
        prices=tuple(_price(tenths, code, premium=code in premium) for code in languages),
    )


def duration_bonus(duration_ms: int, kept: int) -> int:
    """The bonus for a job that ended having kept `kept` credits: its charges less its refunds."""
    return _bonus(charged_tenths(duration_ms), kept)


def _price(tenths: int, language: str, *, premium: bool) -> LanguagePrice:
    return LanguagePrice(
        language=language,
        tenths=tenths,
        classification=CLASSES[language],
        premium=premium,
        credits=_whole(_thousandths(tenths, language, premium=premium)),
    )


def _thousandths(tenths: int, language: str, *, premium: bool) -> int:
    """The exact price in thousandths of a credit."""
    return tenths * MULTIPLIER_TENTHS[CLASSES[language]] * (2 if premium else 1)


def _whole(thousandths: int) -> int:
    """Whole credits, rounded up."""
    return -(-thousandths // 1000)


def _bonus(tenths: int, kept: int) -> int:
    percent = next((percent for longer_than, percent in BONUSES if tenths > longer_than), 0)
    return kept * percent // 100
