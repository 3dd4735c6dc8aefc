"""Credits and money in templates."""

import re

from django import template

from billing import prices
from billing.queries import balance_of

JOB = re.compile(r"(?:bonus:)?(job_\w+):")

register = template.Library()
register.simple_tag(balance_of)


@register.filter
def money(cents: int, currency: str = "usd") -> str:
    """Write an amount as people read it: $29, or $29.50."""
    amount = f"{cents // 100:,}" + (f".{cents % 100:02}" if cents % 100 else "")
    return f"${amount}" if currency == "usd" else f"{amount} {currency.upper()}"


@register.filter
def signed(credits: int) -> str:
    """Write how many credits came or went: +50, or −7."""
    return f"+{credits}" if credits > 0 else f"\N{MINUS SIGN}{-credits}"


@register.filter
def job_of(reference: str) -> str:
    """The public id of the job that a ledger entry is about; empty if it is about none."""
    found = JOB.match(reference)
    return found[1] if found else ""


@register.filter
def minutes_of(credits: int) -> int:
    """How many whole minutes so many credits pay in one common language."""
    return int(credits / (prices.RATE_PER_SECOND * 60))
