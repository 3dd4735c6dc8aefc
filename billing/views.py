"""The pages of money. Each reads the request, calls a service and shows what came of it."""

from typing import cast
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from billing import checkout, gateway, purchases, queries, services
from billing.forms import BuyForm
from billing.plans import PLANS, STARTER
from billing.sheets import sheet
from billing.states import PurchaseStatus
from dubber.errors import UserError
from dubber.next_page import next_of

ON_A_PAGE = 20


@require_safe
@login_required
@never_cache
def billing(request: HttpRequest) -> HttpResponse:
    """Show what a person has, owes and can buy, and where every credit came from and went."""
    user = _user(request)
    standing = queries.standing_of(user)
    entries = Paginator(queries.entries_of(user), ON_A_PAGE)
    payments = Paginator(queries.purchases_of(user), ON_A_PAGE)
    told = {
        "standing": standing,
        "debts": queries.debts_of(user, standing.owed),
        "packs": [plan for plan in PLANS.values() if plan.price_cents],
        "starter": STARTER,
        "buying": gateway.is_enabled(),
        "once": uuid4(),
        "next": next_of(request),
        "entries": entries.get_page(request.GET.get("page")),
        "payments": payments.get_page(request.GET.get("payments")),
    }
    return _leading_to_stripe(render(request, "billing/billing.html", told))


@require_POST
@login_required
def buy(request: HttpRequest) -> HttpResponse:
    """Lead a person to the page at Stripe on which they pay a pack."""
    user, back = _user(request), next_of(request)
    form = BuyForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose one of the packs."))
        return _billing(back)
    try:
        _purchase, address = checkout.send_to_checkout(
            user,
            plan=form.chosen,
            back=lambda bought: settings.SITE_URL + _address(bought.pk, back),
            reference=form.reference(user, back),
        )
    except UserError as error:
        messages.error(request, error.message)
        return _billing(back)
    return redirect(address)


@require_POST
@login_required
def take_starter(request: HttpRequest) -> HttpResponse:
    """Give a newcomer the free pack."""
    back = next_of(request)
    try:
        entry = services.grant_starter(_user(request))
        messages.success(request, _("%(credits)d credits are there.") % {"credits": entry.amount})
    except UserError as error:
        messages.error(request, error.message)
        return _billing(back)
    return redirect(back) if back else _billing(back)


@require_safe
@login_required
@never_cache
def purchase(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Say what became of a purchase; here Stripe's page leads back to."""
    try:
        found = checkout.look_at_purchase(_user(request), purchase_id=purchase_id)
    except UserError as error:
        return render(request, "404.html", {"message": error.message}, status=error.status)
    told = {
        "confirmation": found,
        "purchase": found.purchase,
        "plan": PLANS[found.purchase.plan],
        "buying": gateway.is_enabled(),
        "once": uuid4(),
        "next": next_of(request),
    }
    return _leading_to_stripe(render(request, "billing/purchase.html", told))


@require_safe
@login_required
@never_cache
def purchase_state(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Tell the page of a purchase whether there is still something to wait for."""
    try:
        found = checkout.look_at_purchase(_user(request), purchase_id=purchase_id)
    except UserError as error:
        return JsonResponse({"coming": False}, status=error.status)
    return JsonResponse({"coming": found.coming})


@require_POST
@login_required
def go_on_paying(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Lead a person back to the page at Stripe that they left without paying."""
    back = next_of(request)
    try:
        address = checkout.go_on_paying(_user(request), purchase_id=purchase_id)
    except UserError as error:
        messages.error(request, error.message)
        return _billing(back)
    return redirect(address or _address(purchase_id, back))


@require_POST
@login_required
def cancel_purchase(request: HttpRequest, purchase_id: UUID) -> HttpResponse:
    """Give up a purchase that was not paid."""
    try:
        given_up = purchases.cancel_purchase(_user(request), purchase_id=purchase_id)
        if given_up.status == PurchaseStatus.CANCELLED:
            messages.success(request, _("Given up. Nothing was charged."))
    except UserError as error:
        messages.error(request, error.message)
    return _billing(next_of(request))


@require_safe
@login_required
@never_cache
def transactions(request: HttpRequest) -> HttpResponseBase:
    """Send a person their whole ledger as a table."""
    heads = [_("Time (UTC)"), _("What"), _("For"), _("Credits"), _("Balance after")]
    columns = ("created_at", "kind", "description", "amount", "balance_after")
    rows = queries.entries_of(_user(request)).values_list(*columns).iterator(2000)
    written = ((f"{when:%Y-%m-%d %H:%M:%S}", *others) for when, *others in rows)
    return sheet("dubber-transactions", heads, written)


def _leading_to_stripe(response: HttpResponse) -> HttpResponse:
    """Let a page's forms end at Stripe, which the policy of all other pages forbids."""
    response["Content-Security-Policy"] = settings.CHECKOUT_CONTENT_SECURITY_POLICY
    return response


def _address(purchase_id: UUID, back: str) -> str:
    return reverse("purchase", args=[purchase_id]) + _query(back)


def _billing(back: str) -> HttpResponse:
    return redirect(reverse("billing") + _query(back))


def _query(back: str) -> str:
    return f"?{urlencode({'next': back})}" if back else ""


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
