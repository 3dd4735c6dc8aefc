"""The pages of margins in the admin: a month's jobs, what they brought, and the table of it."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.sheets import sheet
from jobs import margins
from jobs.margins import Margin

if TYPE_CHECKING:
    from accounts.models import User

audit = logging.getLogger("audit")

JOBS_ON_A_PAGE = 50
FIRST_YEAR = 2000
SEEN_WITH = ("jobs.view_vendorcall", "billing.view_purchase")
"""Permissions that somebody needs to see what we earn."""


def may_see(request: HttpRequest) -> bool:
    """Say whether this member of staff may see margins."""
    return cast("User", request.user).has_perms(SEEN_WITH)


def page(request: HttpRequest) -> HttpResponse:
    """Show the margin of every job of a month, fifty at a time, and of the month."""
    month = _month(request)
    jobs = list(margins.jobs_of_month(month))
    known = margins.margins_of(jobs)
    part = Paginator(jobs, JOBS_ON_A_PAGE).get_page(request.GET.get("page"))
    told = {
        **admin.site.each_context(request),
        "title": _("Margins"),
        "month": month,
        "before": margins.month_before(month),
        "after": margins.month_after(month),
        "page": part,
        "rows": [(job, known[job.pk]) for job in part],
        "total": margins.total(known.values()),
    }
    return TemplateResponse(request, "admin/jobs/margins.html", told)


def table(request: HttpRequest) -> HttpResponseBase:
    """Send the margins of a month as a table."""
    month = _month(request)
    audit.info("export: margins of %s by %s", f"{month:%Y-%m}", request.user.pk)
    heads = [_("Job"), _("Ordered (UTC)"), _("Paid $"), _("Vendors $"), _("Left $")]
    return sheet(f"dubber-margins-{month:%Y-%m}", heads, _lines(month))


def _lines(month: datetime) -> Iterator[list[object]]:
    jobs = list(margins.jobs_of_month(month))
    known = margins.margins_of(jobs)
    for job in jobs:
        ordered = f"{job.created_at:%Y-%m-%d %H:%M}"
        yield [job.public_id, ordered, *_dollars(known[job.pk])]


def _dollars(margin: Margin) -> list[float]:
    return [round(amount / 1e6, 4) for amount in (margin.paid, margin.vendors, margin.left)]


def _month(request: HttpRequest) -> datetime:
    """The month asked for (2026-11), else this one. Raises PermissionDenied."""
    if not may_see(request):
        raise PermissionDenied
    now = margins.first_day(timezone.now())
    try:
        month = datetime.strptime(request.GET.get("month", ""), "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return now
    return month if FIRST_YEAR <= month.year <= now.year + 1 else now
