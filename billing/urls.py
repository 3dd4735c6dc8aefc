"""The addresses of money. Those of the API are written without a trailing slash."""

from django.urls import include, path

from billing import api, views, webhooks

urlpatterns = [
    path("billing", views.billing, name="billing"),
    path("billing/buy", views.buy, name="buy"),
    path("billing/starter", views.take_starter, name="take_starter"),
    path("billing/transactions.csv", views.transactions, name="transactions_sheet"),
    path("billing/purchases/<uuid:purchase_id>", views.purchase, name="purchase"),
    path("billing/purchases/<uuid:purchase_id>/state", views.purchase_state, name="purchase_state"),
    path("billing/purchases/<uuid:purchase_id>/pay", views.go_on_paying, name="go_on_paying"),
    path(
        "billing/purchases/<uuid:purchase_id>/cancel",
        views.cancel_purchase,
        name="cancel_purchase",
    ),
    path(
        "api/payments/create-payment-intent",
        api.CreatePaymentIntent.as_view(),
        name="api_create_payment_intent",
    ),
    path("api/payments/confirm-payment", api.ConfirmPayment.as_view(), name="api_confirm_payment"),
    path("api/payments/credits", api.Credits.as_view(), name="api_credits"),
    path("api/payments/transactions", api.Transactions.as_view(), name="api_transactions"),
    path(
        "api/payments/calculate-job-cost",
        api.CalculateJobCost.as_view(),
        name="api_calculate_job_cost",
    ),
    path("api/payments/can-afford-job", api.CanAffordJob.as_view(), name="api_can_afford_job"),
    path("api/payments/pricing-plans", api.PricingPlans.as_view(), name="api_pricing_plans"),
    path("api/billing/transactions", api.Payments.as_view(), name="api_billing_transactions"),
    path(
        "api/billing/create-payment-intent",
        api.CreatePaymentOfAmount.as_view(),
        name="api_billing_create_payment_intent",
    ),
    path("stripe/webhook/<uuid:uuid>", webhooks.receive, name="stripe_webhook"),
    path("stripe/webhook/<uuid:uuid>/", webhooks.receive, name="stripe_webhook_slash"),
    # Never reached: dj-stripe's admin makes the address above from this one.
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
