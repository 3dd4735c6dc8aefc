"""What staff see of the house itself: whether everything adds up."""

import logging
import re
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from dubber.models import ReconcileReport
from jobs import queue

audit = logging.getLogger("audit")

JOB = re.compile(r"job_\w+")
PEOPLE = "user "


@admin.register(ReconcileReport)
class ReconcileReportAdmin(admin.ModelAdmin[ReconcileReport]):
    """The reports of `manage.py reconcile`, newest first, and the way to a new one."""

    list_display = ("at", "strict", "outcome")
    list_filter = ("strict",)
    fields = ("at", "strict", "outcome", "differences")
    readonly_fields = fields
    change_list_template = "admin/dubber/reports.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No: a report is written by the comparison."""
        return False

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: HttpRequest, row: Any = None) -> bool:
        """No: old ones go by themselves."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the button."""
        compare = path(
            "compare",
            self.admin_site.admin_view(require_POST(self.compare)),
            name="dubber_reconcilereport_compare",
        )
        return [compare, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the reports, with a button for whoever may press it."""
        return super().changelist_view(request, {"may_compare": may_compare(request)})

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Let a worker compare everything: it takes longer than a page may."""
        if not may_compare(request):
            raise PermissionDenied
        queue.send_command("reconcile")
        audit.info("reconcile: asked for by %s", request.user.pk)
        self.message_user(
            request,
            _("A worker compares everything now. Reload this page in a minute."),
            messages.SUCCESS,
        )
        return redirect("admin:dubber_reconcilereport_changelist")

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, report: ReconcileReport) -> str:
        """How many differences there were."""
        count = len(report.found)
        return _("%(count)d differences") % {"count": count} if count else _("Everything adds up")

    @admin.display(description=gettext_lazy("differences"))
    def differences(self, report: ReconcileReport) -> SafeString:
        """Every difference, with a link to its row."""
        lines = format_html_join(
            "",
            "<li>{}: {}: {}</li>",
            ((one["check"], linked(one["row"], one["check"]), one["told"]) for one in report.found),
        )
        return format_html("<ul>{}</ul>", lines)


def may_compare(request: HttpRequest) -> bool:
    """Say whether this member of staff may ask for a comparison."""
    return cast(AbstractUser, request.user).has_perm("dubber.add_reconcilereport")


def linked(row: str, check: str) -> SafeString | str:
    """A row as a report names it, with a link to where it stands in the admin."""
    address = address_of(row, check)
    return format_html('<a href="{}">{}</a>', address, row) if address else row


def address_of(row: str, check: str) -> str:
    """Where a row stands in the admin; empty for a file that belongs to no job."""
    if row.startswith(PEOPLE):
        return reverse("admin:billing_usercredits_change", args=[row.removeprefix(PEOPLE)])
    if check in {"purchase", "stripe"}:
        return reverse("admin:billing_purchase_change", args=[row])
    if check == "entry":
        return _searched("billing_credittransaction", row)
    job = JOB.search(row)
    return _searched("jobs_dubbingjob", job[0]) if job else ""


def _searched(model: str, text: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode({'q': text})}"
