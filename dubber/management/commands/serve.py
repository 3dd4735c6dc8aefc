"""`manage.py serve`: site and worker together on this machine, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dubber.startup import NotReady, require_ready

LOOK_SECONDS = 0.2
GRACE_SECONDS = 15.0
"""How long site and worker may take to end in good order."""

Processes = dict[str, subprocess.Popen[bytes]]


class Command(BaseCommand):
    """Run the development server and the worker side by side."""

    help = "Run site and worker on this machine; Ctrl-C ends both."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start both and wait until one ends by itself or somebody ends them."""
        try:
            require_ready()
        except NotReady as error:
            raise CommandError(str(error)) from error
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        processes: Processes = {}
        try:
            for name, command in (("site", "runserver"), ("worker", "work")):
                processes[name] = start(command)
            self.welcome()
            name, code = first_to_end(processes)
        except KeyboardInterrupt:
            self.stdout.write("Ending site and worker …")
        else:
            raise CommandError(f"The {name} ended by itself (code {code}): see what it said above.")
        finally:
            end(processes)

    def welcome(self) -> None:
        """Say where the site is and who can sign in."""
        self.stdout.write(f"\n  Dubber is at {settings.SITE_URL}")
        if settings.DEBUG and settings.DEMO_PASSWORD:
            self.stdout.write(
                f"  Sign in as {settings.DEMO_EMAIL} with the password {settings.DEMO_PASSWORD}"
            )
        self.stdout.write("  Ctrl-C ends it.\n")


def start(command: str) -> subprocess.Popen[bytes]:
    """Start one of our commands in a process group of its own, so that only we end it."""
    argv = [sys.executable, sys.argv[0], command]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)


def first_to_end(processes: Processes) -> tuple[str, int]:
    """Wait until one of the processes ends; its name and its exit code."""
    while True:
        for name, process in processes.items():
            code = process.poll()
            if code is not None:
                return name, code
        time.sleep(LOOK_SECONDS)


def end(processes: Processes) -> None:
    """Ask every process to end, and after the grace period end what is left of its group."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave processes behind
    for process in processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + GRACE_SECONDS
    for process in processes.values():
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        finally:
            end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group that the process led."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
