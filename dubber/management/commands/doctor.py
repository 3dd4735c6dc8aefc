"""`manage.py doctor`: everything that a dub needs, one line each, with the remedy."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dubber.doctor import State, examine


class Command(BaseCommand):
    """Examine this machine."""

    help = "Check every program, model and setting that a dub needs, and say how to mend it."
    requires_system_checks: list[str] = []  # they are among the findings

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the findings; the exit code is 1 if something needed isn't there."""
        wrong = 0
        for finding in examine():
            style = self.style.ERROR if finding.state is State.WRONG else str
            self.stdout.write(style(str(finding)))
            wrong += finding.state is State.WRONG
        if wrong:
            things = "one thing" if wrong == 1 else f"{wrong} things"
            raise CommandError(f"The doctor found {things} to put right.")
