"""The desk of a worker: what a step must keep goes to storage and rows, under the step's claim."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Self, TypeVar

from django.db import transaction

from jobs import claims, objects, storage
from jobs.claims import Claim
from jobs.clerk import Clerk, through_a_cut
from jobs.heartbeat import Heartbeat
from jobs.models import DubbingJob, Take
from jobs.pipeline.errors import PipelineError, Stopped
from jobs.pipeline.parallel import Turns

Found = TypeVar("Found")

PROGRESS_EVERY = timedelta(seconds=1)


def take_name(key: str) -> str:
    """The key of the take that a desk keeps under `key`."""
    return hashlib.sha256(key.encode()).hexdigest()


class WorkerDesk:
    """Keeps takes, shows progress and hears that it must stop, for one claimed step.

    Safe to use from several threads: a clerk does the database work of all but the one that made
    the desk.
    """

    def __init__(self, claim: Claim, job: DubbingJob, beat: Heartbeat) -> None:
        """Work under `claim` until `beat` has lost it, or until its deadline."""
        self.claim = claim
        self.job = job
        self.beat = beat
        self._owner = threading.get_ident()
        self._clerk = Clerk()
        self._turn = threading.Lock()
        self._making = Turns()
        self._shown = ("", -PROGRESS_EVERY.total_seconds())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clerk.close()

    def remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes kept under `key` in this job, made and kept now if there are none.

        Raises Stopped when the claim is lost; what was made is then not kept.
        """
        self.stop()
        name = take_name(key)
        with self._making.turn(name):  # lines that are the same are bought once, whoever asks
            kept = self._kept(name)
            if kept is not None:
                return kept
            began = time.monotonic()
            content = make()
            took_ms = round((time.monotonic() - began) * 1000)
            self._keep(name, content, took_ms)
            return content

    def progress(self, stage: str, n: int, m: int) -> None:
        """Show that n of m parts are done: at once at a stage's ends, else once a second."""
        now = time.monotonic()
        with self._turn:
            same, shown = self._shown
            soon = now - shown < PROGRESS_EVERY.total_seconds()
            if same == stage and soon and n < m:
                return
            self._shown = (stage, now)
        if not self._ask(lambda: self.claim.mine().update(part=n, parts=m)):
            self.beat.lost.set()

    def stop(self) -> None:
        """Raise Stopped when the claim is lost, OUT_OF_TIME when the step's deadline has passed."""
        if self.beat.lost.is_set():
            raise Stopped
        if time.monotonic() > self.beat.deadline:
            raise PipelineError("OUT_OF_TIME")

    def _kept(self, name: str) -> bytes | None:
        take = self._ask(Take.objects.filter(job=self.job, key=name).first)
        if take is None:
            return None
        try:
            content = objects.read(take.object_key)
        except PipelineError as error:
            if error.code != "UPLOAD_CHANGED":  # it may be there: the step is tried again
                raise
            content = b""
        if hashlib.sha256(content).hexdigest() == take.sha256:
            return content
        # Lost or damaged in storage: there is nothing to do but to buy it again.
        self._ask(lambda: self._fenced(take.delete))
        return None

    def _keep(self, name: str, content: bytes, took_ms: int) -> None:
        # No two takes share an object, even when two threads or workers make the same one at once.
        place = f"jobs/{self.job.public_id}/takes/{name}-{secrets.token_hex(4)}"
        key = storage.keep_bytes(content, key=place)
        take = Take(
            job=self.job,
            step_id=self.claim.step_id,
            key=name,
            kind=self.claim.kind,
            object_key=key,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            took_ms=took_ms,
        )
        try:
            self._ask(
                lambda: self._fenced(
                    lambda: Take.objects.bulk_create([take], ignore_conflicts=True)
                )
            )
        except Stopped:
            self.beat.lost.set()
            storage.drop([key])
            raise

    @transaction.atomic
    def _fenced(self, write: Callable[[], object]) -> None:
        claims.fence(self.claim)
        write()

    def _ask(self, work: Callable[[], Found]) -> Found:
        is_mine = threading.get_ident() == self._owner
        return through_a_cut(work) if is_mine else self._clerk.ask(work)
