"""Keeps a group of django-q2 workers alive: what `manage.py work` runs.

The library's known failures are covered from outside: the group lives in a process group of its own
that can be killed whole, hangs on a pipe that ends with us, and must answer a canary.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from accounts import tidying
from dubber import beats
from jobs import claims, notices, queue, retention, scratch, sweeper
from jobs.workers import group_of, this_worker

log = logging.getLogger(__name__)

TICK = 0.5
SWEEP_EVERY = 5.0
SCRATCH_EVERY = 3600.0
BEAT_EVERY = 15.0
MAIL_EVERY = 5.0
TIDY_EVERY = 600.0
CANARY_EVERY = 15.0
COMMANDS_EVERY = {"settle_payments": 600.0, "reconcile": 24 * 3600.0}
"""Commands that some worker runs again and again, and after how many seconds."""

HUNG_AFTER = 90.0
"""Seconds without an answer after which a group that isn't fully busy is restarted."""

IDLE_FOR = 5.0
"""Seconds for which one of its workers must have been free, for nobody takes messages between two
steps that follow each other."""

GRACE = 8.0
"""Seconds that running steps get to end by themselves when the work stops."""


class Group:
    """One `qcluster` with everything that it started."""

    def __init__(self, canary: Path) -> None:
        """Start the workers. They die with us: `_leash` is the other end of a pipe they read."""
        reading, self._leash = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "django", "qcluster"],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
                queue.LEASH: str(reading),
                queue.CANARY: str(canary),
            },
            pass_fds=[reading],
            start_new_session=True,
        )
        os.close(reading)

    @property
    def gone(self) -> bool:
        """Whether the main process has ended."""
        return self._process.poll() is not None

    def steps(self) -> list[tuple[int, int]]:
        """The steps (id, attempt) that living workers of this group are at."""
        return [
            (pk, attempt)
            for pk, attempt, worker in claims.neighbours()
            if group_of(worker) == self._process.pid
        ]

    def end(self, *, grace: float) -> None:
        """Ask the main process to end, then kill the whole group; its steps are handed back."""
        if not self.gone:
            self._process.terminate()  # to the main process only: to all of them it hangs
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        cut = self.steps()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._leash)
        claims.hand_back(cut)


class Canary:
    """Asks the group, again and again, whether it still takes messages."""

    def __init__(self, file: Path) -> None:
        """Count from now."""
        self.file = file
        self.reset()

    def reset(self) -> None:
        """Begin anew: a fresh or a busy group owes us no answer."""
        self._answered = time.time()
        self._sent = 0.0

    def silence(self) -> float:
        """Seconds since the group last answered, after asking again where it is time."""
        now = time.time()
        with contextlib.suppress(FileNotFoundError):
            self._answered = max(self._answered, self.file.stat().st_mtime)
        if now - self._sent >= CANARY_EVERY:
            queue.send_canary(self.file, seconds=CANARY_EVERY)
            self._sent = now
        return now - self._answered


class Supervisor:
    """The loop of `manage.py work`: restarts what died or hangs, and sweeps."""

    def __init__(self, canary: Path, *, grace: float = GRACE) -> None:
        """Let the workers touch `canary` to show that they live."""
        self.stopping = False
        self._grace = grace
        self._canary = Canary(canary)
        self._due: dict[str, float] = {}
        self._free_since: float | None = None

    def run(self) -> None:
        """Work until `stopping` is set."""
        self._guarded("first sweep", sweeper.sweep)
        group = Group(self._canary.file)
        try:
            while not self.stopping:
                time.sleep(TICK)
                if self._ailing(group):
                    group.end(grace=0)
                    self._canary.reset()
                    group = Group(self._canary.file)
                self._every("sweep", SWEEP_EVERY, sweeper.sweep)
                self._every("scratch", SCRATCH_EVERY, scratch.sweep)
                self._every("beat", BEAT_EVERY, lambda: beats.beat(this_worker()))
                self._every("mail", MAIL_EVERY, notices.send_due)
                self._every("tidy", TIDY_EVERY, beats.tidy)
                self._every("sign-ins", TIDY_EVERY, tidying.forget_expired)
                for name, seconds in COMMANDS_EVERY.items():
                    self._every(name, seconds, partial(queue.send_command, name))
                self._every("files", TIDY_EVERY, retention.tidy)
        finally:
            group.end(grace=self._grace)

    def _ailing(self, group: Group) -> bool:
        if group.gone:
            log.error("the workers ended by themselves and are started again")
            return True
        return bool(self._guarded("canary", lambda: self._hung(group)))

    def _hung(self, group: Group) -> bool:
        if self._canary.silence() < HUNG_AFTER:
            self._free_since = None
            return False
        if len(group.steps()) >= settings.WORKERS:
            self._canary.reset()  # all of them work, so nobody is free to answer
            return False
        self._free_since = self._free_since or time.monotonic()
        if time.monotonic() - self._free_since < IDLE_FOR:
            return False
        log.error("the workers take no messages and are started again")
        return True

    def _every(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        now = time.monotonic()
        if now >= self._due.get(name, 0.0):
            self._due[name] = now + seconds
            self._guarded(name, work)

    def _guarded(self, name: str, work: Callable[[], object]) -> object:
        """Do something that needs the database, which may be away for a while.

        Nothing comes out of here but the end of the process: each of these tasks is one of many,
        and whatever is wrong with it (such as one file that can't be deleted) must neither end the
        work of all the others nor do so again at every start.
        """
        try:
            return work()
        except (OperationalError, InterfaceError):
            log.warning("%s: the database is away", name)
            connection.close()
            self._canary.reset()
        except Exception:
            log.exception("%s failed and is done again when its time comes", name)
        return None


def supervise(*, grace: float = GRACE) -> None:
    """Work until SIGTERM or SIGINT."""
    settings.SCRATCH.mkdir(parents=True, exist_ok=True)
    canary: Path = settings.SCRATCH / f"canary-{os.getpid()}"
    supervisor = Supervisor(canary, grace=grace)

    def stop(*_: object) -> None:
        supervisor.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        supervisor.run()
    finally:
        canary.unlink(missing_ok=True)
