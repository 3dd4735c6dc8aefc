"""`manage.py purge_artifacts`: delete files whose time is over. The worker does so by itself."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from jobs.retention import purge

UNITS = {"h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Read 48h or 7d."""
    found = re.fullmatch(r"(\d{1,5})([hd])", text)
    if found is None:
        raise ArgumentTypeError("say it in hours or days: 48h, 7d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


class Command(BaseCommand):
    """Delete files whose time is over."""

    help = "Delete files whose time is over, and uploads that no job was made of."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument(
            "--older-than",
            type=span,
            help="take every job that ended so long ago (48h, 7d), whatever its plan promised",
        )

    def handle(
        self, *args: Any, dry_run: bool, older_than: timedelta | None, **options: Any
    ) -> None:
        """Purge, and say what went."""
        done = purge(older_than=older_than, dry_run=dry_run)
        word = "Would delete" if dry_run else "Deleted"
        self.stdout.write(
            f"{word} {done.files} files of {done.jobs} jobs and {done.uploads} unused uploads."
        )
