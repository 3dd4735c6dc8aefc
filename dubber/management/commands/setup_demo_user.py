"""`manage.py setup_demo_user`: the account that `make run` signs in with."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.demo import ensure_demo_user
from billing.services import prepare_demo_account
from dubber.errors import UserError


class Command(BaseCommand):
    """Create the demo user with plan and credits; the second time there is nothing to do."""

    help = "Create the demo user, with the password DUBBER_DEMO_PASSWORD. Only with DEBUG."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say how to sign in."""
        try:
            prepare_demo_account(ensure_demo_user())
        except UserError as error:
            raise CommandError(error.message) from error
        if options["verbosity"]:
            self.stdout.write(f"Sign in as {settings.DEMO_EMAIL} (DUBBER_DEMO_PASSWORD in .env).")
