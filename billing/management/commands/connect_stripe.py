"""`manage.py connect_stripe`: let Stripe send its messages here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import webhooks
from billing.gateway import NotAtStripe, RefusedByStripe
from dubber.errors import UserError


class Command(BaseCommand):
    """Register this site's webhook at Stripe; the second time there is nothing to do."""

    help = "Register this site's webhook at Stripe, once, after setting STRIPE_SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say where the messages will come to."""
        try:
            endpoint = webhooks.register()
        except UserError as error:
            raise CommandError(error.message) from error
        except (RefusedByStripe, NotAtStripe) as error:
            raise CommandError(
                "Stripe refuses this address: DUBBER_SITE_URL must be public."
            ) from error
        if options["verbosity"]:
            self.stdout.write(f"Stripe sends its messages to {endpoint.url}")
