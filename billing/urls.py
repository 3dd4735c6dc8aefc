"""The addresses of money. Those of the API are written without a trailing slash."""

from django.urls import include, path

from billing import api, webhooks

urlpatterns = [
    path("api/payments/create-payment-intent", api.CreatePaymentIntent.as_view()),
    path("api/payments/confirm-payment", api.ConfirmPayment.as_view()),
    path("api/payments/credits", api.Credits.as_view()),
    path("api/payments/transactions", api.Transactions.as_view()),
    path("api/payments/calculate-job-cost", api.CalculateJobCost.as_view()),
    path("api/payments/can-afford-job", api.CanAffordJob.as_view()),
    path("api/payments/pricing-plans", api.PricingPlans.as_view()),
    path("api/billing/transactions", api.Payments.as_view()),
    path("api/billing/create-payment-intent", api.CreatePaymentOfAmount.as_view()),
    path("stripe/webhook/<uuid:uuid>", webhooks.receive, name="stripe_webhook"),
    path("stripe/webhook/<uuid:uuid>/", webhooks.receive),
    # Never reached: dj-stripe's admin makes the address above from this one.
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
