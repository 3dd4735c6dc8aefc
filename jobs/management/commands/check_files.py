"""`manage.py check_files`: whether rows and storage agree."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs import retention


class Command(BaseCommand):
    """Compare rows and storage, both ways."""

    help = "Tell which stored files are missing and which no row names; fails when there are any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--remove-orphans", action="store_true", help="delete files that no row names"
        )

    def handle(self, *args: Any, remove_orphans: bool, **options: Any) -> None:
        """Compare, and tell."""
        found = retention.differences()
        for key in found.missing:
            self.stdout.write(f"missing: {key}")
        for key in found.orphans:
            self.stdout.write(f"no row: {key}")
        if remove_orphans:
            retention.remove_orphans(found.orphans)
        left = [*found.missing, *([] if remove_orphans else found.orphans)]
        if left:
            raise CommandError(f"Rows and storage disagree on {len(left)} files.")
        self.stdout.write("Rows and storage agree.")
