"""`manage.py reconcile`: say whether everything adds up."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dubber.errors import UserError
from dubber.reconcile import write_report

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Compare ledger, languages, purchases and Stripe; the worker does it once a day."""

    help = "Compare what must agree; exit with 1 and name the rows if something doesn't."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --strict."""
        parser.add_argument(
            "--strict",
            action="store_true",
            help="Ask Stripe about every purchase, and count quarantined and overdue rows too.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and name the differences."""
        try:
            found = write_report(strict=options.get("strict", False))
        except UserError as error:
            raise CommandError(error.message) from error
        for difference in found:
            log.error("reconcile: %s", difference)
            if options["verbosity"]:
                self.stdout.write(str(difference))
        if found:
            raise CommandError(f"Differences: {len(found)}.")
        if options["verbosity"]:
            self.stdout.write("Everything adds up.")
