"""The limits of a plan in words."""

from datetime import timedelta

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils.translation import ngettext

register = template.Library()

DAYS_FROM = timedelta(hours=72)


@register.filter
def minutes(milliseconds: int) -> int:
    """Write a length as whole minutes."""
    return milliseconds // 60_000


@register.filter
def span(time: timedelta) -> str:
    """Write how long something is kept: 48 hours, 7 days."""
    if time < DAYS_FROM:
        hours = int(time.total_seconds() // 3600)
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", time.days) % {"n": time.days}


@register.filter
def size(count: int) -> str:
    """Write a limit of bytes, which is a round number: 100 MB, 2 GB."""
    return filesizeformat(count).replace(".0\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
