"""The addresses of money."""

from django.urls import include, path

from billing import webhooks

urlpatterns = [
    path("stripe/webhook/<uuid:uuid>", webhooks.receive, name="stripe_webhook"),
    path("stripe/webhook/<uuid:uuid>/", webhooks.receive),
    # Never reached: dj-stripe's admin makes the address above from this one.
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
