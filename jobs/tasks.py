"""What a worker does with a message. Messages carry ids and are only a reason to look."""

import logging
import os
import time
from pathlib import Path

from django.core.management import CommandError, call_command

from jobs import claims, queue, steps, vendor_calls, wiring
from jobs.claims import Claim
from jobs.models import Step

log = logging.getLogger(__name__)


LONGEST_TURN = 30.0
"""Seconds after which a worker begins no further step before it takes messages again.

Taking messages is what shows the supervisor that the group isn't hung.
"""


def run_step(_step_id: int) -> None:
    """Claim the step that should be done next and work on it, and so on while there are any.

    That need not be the one that rang: each message makes some worker look. Who has just finished a
    step often made another one ready, and doesn't wait for its bell.
    """
    until = time.monotonic() + LONGEST_TURN
    while (claim := claims.claim()) is not None:
        _work_on(claim)
        if time.monotonic() > until:
            return


def _work_on(claim: Claim) -> None:
    step = Step.objects.select_related("job").get(pk=claim.step_id)
    with vendor_calls.SharedAccounts(step.job, step, before=claim.before) as accounts:
        calls = vendor_calls.calls(accounts)
        with wiring.Workshop(calls) as shop:
            steps.run(claim, engines=shop.engines, obey=calls.obey)


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
