"""What a worker does with a message. Messages carry ids and are only a reason to look."""

import logging
import os
import time
from pathlib import Path

from django.core.management import CommandError, call_command

from jobs import claims, queue, steps, wiring

log = logging.getLogger(__name__)


def run_step(_step_id: int) -> None:
    """Claim the step that should be done next and work on it.

    That need not be the one that rang: each message makes some worker look once.
    """
    claim = claims.claim()
    if claim is not None:
        steps.run(claim, engines=wiring.engines)


def run_command(name: str) -> None:
    """Run a command that keeps house; what it finds wrong, it has logged."""
    try:
        call_command(name, verbosity=0)
    except CommandError as error:
        log.error("%s: %s", name, error)


def canary(file: str, until: float) -> None:
    """Show that the group of workers whose file this is takes messages; pass on what isn't ours."""
    if os.environ.get(queue.CANARY) == file:
        Path(file).touch()
    elif time.time() < until:
        queue.send_canary(Path(file), seconds=until - time.time())
