"""`manage.py settle_payments`: close what no message of Stripe's ever told."""

from typing import Any

from django.core.management.base import BaseCommand

from billing import reconciler


class Command(BaseCommand):
    """Settle open purchases and unfinished refunds; the worker does it every 10 minutes."""

    help = "Settle open purchases, finish refunds and forget old messages of Stripe's."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and count."""
        tally = reconciler.run()
        if options["verbosity"]:
            self.stdout.write(
                f"Open purchases: {tally.purchases}. Unfinished refunds: {tally.refunds}. "
                f"Impossible now: {tally.failures}. Messages forgotten: {tally.pruned}."
            )
