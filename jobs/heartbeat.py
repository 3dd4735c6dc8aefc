"""The thread that keeps a lease alive while a step is worked on."""

import threading
import time
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from jobs import claims
from jobs.claims import Claim


class Heartbeat:
    """Renews a claim's lease every quarter of it, on a connection of its own.

    It stops at the deadline, so that a step that hangs expires, and when the claim was lost: then
    `lost` is set. A database that is away for longer than the lease is as good as a lost claim.
    """

    def __init__(self, claim: Claim, *, deadline: float) -> None:
        """Prepare to renew until `deadline` (time.monotonic)."""
        self.claim = claim
        self.deadline = deadline
        self.lost = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        lease: float = settings.LEASE_SECONDS
        renewed = time.monotonic()
        try:
            while not self._ended.wait(lease / 4) and time.monotonic() < self.deadline:
                try:
                    held = claims.renew(self.claim)
                except (OperationalError, InterfaceError):
                    connection.close()
                    held = time.monotonic() - renewed < lease
                else:
                    renewed = time.monotonic()
                if not held:
                    self.lost.set()
                    return
        finally:
            connection.close()
