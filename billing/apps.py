"""The billing app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    """Money: credits, prices and plans."""

    name = "billing"
    verbose_name = _("Billing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to Stripe's messages, and give calls to Stripe a deadline."""
        import stripe  # noqa: PLC0415 (half a second, and needed only once Django is set up)

        from billing import gateway, receivers  # noqa: PLC0415 (they need the models)

        stripe.max_network_retries = gateway.RETRIES
        stripe.default_http_client = stripe.RequestsClient(timeout=gateway.TIMEOUT_SECONDS)
        receivers.connect()
