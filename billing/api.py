"""The API of money. Prices come from the plans, the person from their credential, never a body."""

from typing import cast

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from billing import prices, purchases
from billing import serializers as shapes
from billing.models import Purchase
from billing.plans import PLANS, STARTER, Plan
from billing.prices import Quote
from billing.queries import balance_of, entries_of, owed_by, payments_behind
from billing.services import grant_starter
from dubber.api import ApiView, checked
from dubber.idempotency import idempotent, reference_of
from dubber.openapi import refuses


class CreatePaymentIntent(ApiView):
    """`/api/payments/create-payment-intent`."""

    @extend_schema(
        operation_id="create_payment_intent",
        tags=["payments"],
        request=shapes.PlanForm,
        responses={200: shapes.PaymentIntentAnswer, 503: refuses("buying_off")},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a payment of a plan's price; the Starter pack is granted at once."""
        plan = PLANS[checked(shapes.PlanForm, request)["plan"]]
        if plan == STARTER:
            grant_starter(_user(request))
            return Response({"client_secret": None, "payment_intent_id": None, "amount": 0})
        return _asked(request, plan)


class CreatePaymentOfAmount(ApiView):
    """`/api/billing/create-payment-intent`, the web front end's form of it."""

    @extend_schema(
        operation_id="create_payment_of_amount",
        tags=["payments"],
        request=shapes.AmountForm,
        responses={200: shapes.PaymentIntentAnswer, 503: refuses("buying_off")},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a payment of exactly a plan's price in cents."""
        return _asked(request, purchases.priced(checked(shapes.AmountForm, request)["amount"]))


class ConfirmPayment(ApiView):
    """`/api/payments/confirm-payment`."""

    @extend_schema(
        operation_id="confirm_payment",
        tags=["payments"],
        request=shapes.ConfirmForm,
        responses={
            200: shapes.ConfirmAnswer,
            404: refuses("not_found"),
            503: refuses("buying_off"),
        },
    )
    def post(self, request: Request) -> Response:
        """Credit a payment that arrived; saying it again changes nothing."""
        user = _user(request)
        intent = checked(shapes.ConfirmForm, request)["payment_intent_id"]
        confirmation = purchases.confirm_payment(user, intent=intent)
        return Response(
            {
                "success": confirmation.credits_added > 0,
                "credits_added": confirmation.credits_added,
                "new_balance": balance_of(user),
                "message": confirmation.message,
            }
        )


class Credits(ApiView):
    """`/api/payments/credits`."""

    @extend_schema(operation_id="get_credits", tags=["payments"], responses=shapes.CreditsAnswer)
    def get(self, request: Request) -> Response:
        """Tell what the person can spend."""
        user = _user(request)
        return Response({"balance": balance_of(user), "user_id": str(user.pk)})


class Transactions(ApiView):
    """`/api/payments/transactions`."""

    @extend_schema(
        operation_id="list_transactions",
        tags=["payments"],
        parameters=[shapes.PageForm],
        responses=shapes.EntryAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the person's ledger, newest first."""
        entries = list(entries_of(_user(request))[_part(request)])
        context = {"payments": payments_behind(entries)}
        return Response(shapes.EntryAnswer(entries, many=True, context=context).data)


class Payments(ApiView):
    """`/api/billing/transactions`, the web front end's list of payments."""

    @extend_schema(
        operation_id="list_payments",
        tags=["payments"],
        parameters=[shapes.PageForm],
        responses=shapes.PaymentAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the person's purchases, newest first."""
        mine = Purchase.objects.filter(user=_user(request)).order_by("-created_at")
        return Response(shapes.PaymentAnswer(mine[_part(request)], many=True).data)


class CalculateJobCost(ApiView):
    """`/api/payments/calculate-job-cost`."""

    @extend_schema(
        operation_id="calculate_job_cost",
        tags=["payments"],
        request=shapes.JobCostForm,
        responses=shapes.CostAnswer,
    )
    def post(self, request: Request) -> Response:
        """Price a recording of that length in those languages."""
        quote = _quote(checked(shapes.JobCostForm, request))
        return Response(
            {
                "estimated_cost": quote.credits,
                "languages": [price.language for price in quote.prices],
                "duration": quote.seconds,
                "breakdown": _breakdown(quote),
                "bonus": quote.bonus,
            }
        )


class CanAffordJob(ApiView):
    """`/api/payments/can-afford-job`."""

    @extend_schema(
        operation_id="can_afford_job",
        tags=["payments"],
        parameters=[
            OpenApiParameter("languages", str, required=True, description="Such as es,fr."),
            OpenApiParameter("duration", float, required=True, description="In seconds."),
        ],
        responses=shapes.AffordAnswer,
    )
    def get(self, request: Request) -> Response:
        """Say whether the person could pay for that now."""
        quote = _quote(checked(shapes.AffordForm, request))
        balance, owed = balance_of(_user(request)), owed_by(_user(request))
        return Response(
            {
                "can_afford": quote.credits <= balance,
                "current_balance": balance,
                "estimated_cost": quote.credits,
                "shortfall": max(quote.credits - balance + owed, 0),
                "cost_breakdown": _breakdown(quote),
            }
        )


class PricingPlans(ApiView):
    """`/api/payments/pricing-plans`."""

    permission_classes = (AllowAny,)

    @extend_schema(operation_id="pricing_plans", tags=["payments"], responses=shapes.PlansAnswer)
    def get(self, request: Request) -> Response:
        """List what can be bought, and what comes free."""
        told = {
            "plans": list(PLANS.values()),
            "description": _("Credits never expire. A language that fails is refunded at once."),
        }
        return Response(shapes.PlansAnswer(told).data)


def _asked(request: Request, plan: Plan) -> Response:
    purchase, secret = purchases.ask_for_payment(
        _user(request), plan=plan, reference=reference_of(request)
    )
    answer = {
        "client_secret": secret,
        "payment_intent_id": purchase.stripe_payment_intent_id,
        "amount": purchase.amount_cents,
    }
    return Response(answer)


def _quote(asked: dict[str, object]) -> Quote:
    duration_ms = prices.whole_ms(cast("float", asked["duration"]))
    return prices.quote(duration_ms, cast("list[str]", asked["languages"]))


def _breakdown(quote: Quote) -> dict[str, dict[str, object]]:
    return {
        price.language: {
            "duration": price.seconds,
            "rate_per_second": float(prices.RATE_PER_SECOND),
            "multiplier": price.multiplier,
            "cost": price.credits,
            "classification": price.classification.value,
        }
        for price in quote.prices
    }


def _part(request: Request) -> slice:
    page = checked(shapes.PageForm, request)
    return slice(page["offset"], page["offset"] + page["limit"])


def _user(request: Request) -> User:
    return cast("User", request.user)
