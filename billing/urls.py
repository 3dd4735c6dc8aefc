"""Addresses of the pages of money, and of Stripe's messages."""

from django.urls import include, path

from billing import views, webhooks

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
    path("stripe/webhook/<uuid:uuid>", webhooks.receive, name="stripe_webhook"),
    path("stripe/webhook/<uuid:uuid>/", webhooks.receive, name="stripe_webhook_slash"),
    # Never reached: dj-stripe's admin makes the address above from this one.
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
