"""The doorbell: the only file that knows django-q2.

A message says that some step is ready. Losing, doubling or delaying one is harmless: whoever hears
it claims what should be done next (jobs/claims.py), and the sweeper rings again. This is the seam
where another queue would go.
"""

import os
import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.signals import post_spawn
from django_q.tasks import async_task

LEASH = "DUBBER_LEASH"
"""Names the file descriptor whose end of file says that the supervisor is gone."""

CANARY = "DUBBER_CANARY"
"""Names the file that a group of workers touches to show that it takes messages."""


def prepare() -> None:
    """Fit the library to us, once, when Django starts: its own key, and workers on a leash."""
    Conf.SECRET_KEY = settings.QUEUE_KEY  # messages are signed pickles: never with the site's key
    post_spawn.connect(_put_on_leash, dispatch_uid="jobs.queue.leash")


def is_group() -> bool:
    """Whether this process is one that workers are forked from."""
    return LEASH in os.environ


def ring(step_id: int) -> None:
    """Say that a step is ready, as part of the caller's transaction."""
    _send("jobs.tasks.run_step", step_id)


def send_canary(file: Path, *, seconds: float) -> None:
    """Ask the workers whose canary is `file` to touch it; nobody bothers after so many seconds."""
    _send("jobs.tasks.canary", str(file), time.time() + seconds)


def send_command(name: str) -> None:
    """Let a worker run one of the commands of housekeeping."""
    _send("jobs.tasks.run_command", name)


def waiting() -> int:
    """How many messages wait to be taken."""
    return int(get_broker().queue_size())


def _send(task: str, *arguments: Any) -> None:
    # acknowledged even when it fails: whether to try again is decided by us, never by the queue
    if Conf.ORM:
        async_task(task, *arguments, ack_failure=True)
    else:
        transaction.on_commit(lambda: async_task(task, *arguments, ack_failure=True))


def _put_on_leash(**_: Any) -> None:
    """End this whole group of workers as soon as its supervisor is gone, however it went."""
    descriptor = os.environ.get(LEASH)
    if descriptor and descriptor.isdecimal():
        threading.Thread(target=_watch, args=[int(descriptor)], name="leash", daemon=True).start()


def _watch(descriptor: int) -> None:
    # Nobody ever writes: reading ends when the last writer, the supervisor, is gone.
    os.read(descriptor, 1)
    os.killpg(os.getpgrp(), 9)
