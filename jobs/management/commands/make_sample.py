"""`manage.py make_sample`: make the sample recording that the demo dubs."""

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs import wiring
from jobs.pipeline.errors import PipelineError
from jobs.sample import make_sample


class Command(BaseCommand):
    """Make the sample."""

    help = "Make the sample recording: voice track, background track, video, and where lines are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "folder",
            nargs="?",
            type=Path,
            default=settings.BASE_DIR / "var" / "demo",
            help="where to write it (var/demo)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and name its files."""
        try:
            sample = make_sample(options["folder"], narrator=wiring.narrator())
        except PipelineError as error:
            raise CommandError(str(error)) from error
        for field in fields(sample):
            self.stdout.write(f"{field.name}: {getattr(sample, field.name)}")
