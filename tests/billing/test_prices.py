from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.prices import (
    CLASSES,
    PriceClass,
    charged_tenths,
    duration_bonus,
    language_credits,
    lines_credits,
    quote,
    whole_ms,
)

THREE_HOURS_MS = 3 * 3600 * 1000
lengths = st.integers(min_value=0, max_value=THREE_HOURS_MS)
language_sets = st.lists(st.sampled_from(sorted(CLASSES)), min_size=1, max_size=10, unique=True)


@pytest.mark.parametrize(
    ("duration_ms", "language", "cost"),
    [
        (1_000, "es", 1),
        (61_000, "es", 7),
        (192_000, "es", 20),
        (192_000, "ja", 24),
        (192_000, "hi", 29),
        (192_000, "ru", 29),
        (100_000, "en", 10),  # exactly ten credits are not rounded up to eleven
        (100_049, "en", 10),  # 100.0 s
        (100_050, "en", 11),  # 100.1 s: a tie goes up
        (THREE_HOURS_MS, "zh", 1620),
    ],
)
def test_a_language_costs_what_the_table_says(duration_ms: int, language: str, cost: int) -> None:
    assert language_credits(duration_ms, language) == cost


def test_a_premium_voice_costs_double_before_rounding_up() -> None:
    price = quote(61_000, ["es", "fr"], premium={"es"})

    assert [p.credits for p in price.prices] == [13, 7]
    assert [p.multiplier for p in price.prices] == [2.0, 1.0]


@pytest.mark.parametrize(
    ("plain_ms", "premium_ms", "cost"), [(0, 0, 0), (6_000, 2_000, 1), (6_000, 2_100, 2)]
)
def test_lines_of_a_language_are_rounded_up_once(plain_ms: int, premium_ms: int, cost: int) -> None:
    assert lines_credits(plain_ms, premium_ms, "es") == cost


def test_a_quote_shows_each_language_and_adds_them_up() -> None:
    price = quote(192_040, ["es", "ja", "hi"])

    assert price.credits == 20 + 24 + 29
    assert price.seconds == 192.0
    assert [p.language for p in price.prices] == ["es", "ja", "hi"]
    assert [p.classification for p in price.prices] == ["common", "uncommon", "rare"]
    assert [p.multiplier for p in price.prices] == [1.0, 1.2, 1.5]


@pytest.mark.parametrize(
    ("duration_ms", "kept", "bonus"),
    [
        (600_000, 1000, 0),  # ten minutes are not over ten minutes
        (600_049, 1000, 0),
        (600_050, 1000, 50),
        (1_800_000, 1000, 50),
        (1_800_100, 1000, 100),
        (1_800_100, 19, 1),  # the fraction is dropped
        (1_800_100, 0, 0),
    ],
)
def test_a_long_job_earns_its_bonus(duration_ms: int, kept: int, bonus: int) -> None:
    assert duration_bonus(duration_ms, kept) == bonus


def test_every_language_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        quote(1_000, ["es", "es"])


def test_an_unknown_language_has_no_price() -> None:
    with pytest.raises(KeyError):
        quote(1_000, ["xx"])


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        charged_tenths(-1)


def test_there_are_twelve_languages_in_three_classes() -> None:
    classes = list(CLASSES.values())

    assert [classes.count(name) for name in PriceClass] == [6, 3, 3]


@pytest.mark.parametrize(
    ("seconds", "duration_ms"), [(61.0, 61_000), (0.0005, 1), (1.0005, 1001), (60.000375, 60_000)]
)
def test_seconds_become_whole_milliseconds(seconds: float, duration_ms: int) -> None:
    assert whole_ms(seconds) == duration_ms


@given(duration_ms=lengths, languages=language_sets, premium=language_sets)
def test_the_integer_rule_is_the_rule_in_exact_fractions(
    duration_ms: int, languages: list[str], premium: list[str]
) -> None:
    multipliers = {"common": Fraction(1), "uncommon": Fraction(6, 5), "rare": Fraction(3, 2)}
    seconds = Fraction(floor(Fraction(duration_ms, 100) + Fraction(1, 2)), 10)

    price = quote(duration_ms, languages, premium=premium)

    assert [p.credits for p in price.prices] == [
        ceil(seconds / 10 * multipliers[CLASSES[code]] * (2 if code in premium else 1))
        for code in languages
    ]


@given(shorter=lengths, longer=lengths, language=st.sampled_from(sorted(CLASSES)))
def test_a_longer_track_never_costs_less(shorter: int, longer: int, language: str) -> None:
    shorter, longer = sorted((shorter, longer))

    assert language_credits(shorter, language) <= language_credits(longer, language)


@given(duration_ms=lengths, languages=language_sets)
def test_the_bonus_is_a_floor_and_never_above_a_tenth(
    duration_ms: int, languages: list[str]
) -> None:
    price = quote(duration_ms, languages)

    assert 0 <= price.bonus * 10 <= price.credits


@given(duration_ms=lengths)
def test_the_charged_length_is_within_half_a_tenth(duration_ms: int) -> None:
    assert -50 < charged_tenths(duration_ms) * 100 - duration_ms <= 50
