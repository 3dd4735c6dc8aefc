"""`manage.py work`: a worker machine. As many as wanted may share one database and storage."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.supervisor import GRACE, supervise


class Command(BaseCommand):
    """Work on jobs until told to stop."""

    help = "Work on jobs until told to stop (SIGTERM or Ctrl-C)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--grace",
            type=float,
            default=GRACE,
            help="seconds that running steps get to end when told to stop",
        )

    def handle(self, *args: Any, grace: float, **options: Any) -> None:
        """Work."""
        supervise(grace=grace)
