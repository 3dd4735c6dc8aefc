"""Addresses of the API of money, below /api/."""

from django.urls import path

from billing import api

urlpatterns = [
    path(
        "payments/create-payment-intent",
        api.CreatePaymentIntent.as_view(),
        name="api_create_payment_intent",
    ),
    path("payments/confirm-payment", api.ConfirmPayment.as_view(), name="api_confirm_payment"),
    path("payments/credits", api.Credits.as_view(), name="api_credits"),
    path("payments/transactions", api.Transactions.as_view(), name="api_transactions"),
    path(
        "payments/calculate-job-cost",
        api.CalculateJobCost.as_view(),
        name="api_calculate_job_cost",
    ),
    path("payments/can-afford-job", api.CanAffordJob.as_view(), name="api_can_afford_job"),
    path("payments/pricing-plans", api.PricingPlans.as_view(), name="api_pricing_plans"),
    path("billing/transactions", api.Payments.as_view(), name="api_billing_transactions"),
    path(
        "billing/create-payment-intent",
        api.CreatePaymentOfAmount.as_view(),
        name="api_billing_create_payment_intent",
    ),
]
