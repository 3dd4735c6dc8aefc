"""Asking before staff do something in the admin, and writing down that they did it."""

import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.sheets import sheet
from dubber.errors import UserError

audit = logging.getLogger("audit")

Row = TypeVar("Row", bound=Model)


class Nothing(forms.Form):
    """A question that only needs a yes."""


class Reason(forms.Form):
    """A question that needs to know why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("It stays in the books: write no names or addresses."),
    )


class Gift(Reason):
    """How many credits to give. once makes two clicks on one page one gift."""

    credits = forms.IntegerField(label=gettext_lazy("Credits"), min_value=1, max_value=10_000)
    once = forms.UUIDField(initial=uuid.uuid4, widget=forms.HiddenInput)


class MoneyBack(Reason):
    """How many credits of a purchase to send back; all that are unspent if none is named."""

    credits = forms.IntegerField(
        label=gettext_lazy("Credits"),
        min_value=1,
        required=False,
        help_text=gettext_lazy("Empty for all that are unspent."),
    )


def confirmed(
    desk: admin.ModelAdmin[Row],
    request: HttpRequest,
    rows: QuerySet[Row],
    *,
    action: str,
    question: str,
    work: Callable[[Row, dict[str, Any]], object],
    form: type[forms.Form] = Nothing,
) -> HttpResponse | None:
    """Ask first; once confirmed, work on every row, and tell where that was impossible."""
    told = form(request.POST) if request.POST.get("confirmed") == "yes" else form()
    if not told.is_valid():
        context = {
            **desk.admin_site.each_context(request),
            "title": question,
            "question": question,
            "rows": rows,
            "action": action,
            "form": told,
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": desk.model._meta,
        }
        return TemplateResponse(request, "admin/billing/confirm.html", context)
    done = sum(_worked(desk, request, row, action, work, told.cleaned_data) for row in rows)
    if done:
        desk.message_user(request, _("Done: %(count)d.") % {"count": done}, messages.SUCCESS)
    return None


def exported(
    desk: admin.ModelAdmin[Row],
    request: HttpRequest,
    rows: QuerySet[Row],
    *,
    name: str,
    columns: Sequence[str],
) -> HttpResponseBase:
    """Ask first; once confirmed, send the rows as a table, and write down that they were taken."""
    count = rows.count()
    if request.POST.get("confirmed") != "yes":
        context = {
            **desk.admin_site.each_context(request),
            "title": _("Export as a table"),
            "count": count,
            "action": "export",
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": desk.model._meta,
        }
        return TemplateResponse(request, "admin/billing/export.html", context)
    audit.info("export: %s rows of %s by %s", count, name, request.user.pk)
    desk.log_change(request, rows[0], f"export: {count}")
    return sheet(f"dubber-{name}", columns, rows.values_list(*columns).iterator(2000))


def _worked(
    desk: admin.ModelAdmin[Row],
    request: HttpRequest,
    row: Row,
    action: str,
    work: Callable[[Row, dict[str, Any]], object],
    told: dict[str, Any],
) -> bool:
    try:
        work(row, told)
    except UserError as error:
        desk.message_user(request, f"{row}: {error.message}", messages.ERROR)
        return False
    desk.log_change(request, row, f"{action}: {told.get('reason', '')}".strip(": "))
    return True
