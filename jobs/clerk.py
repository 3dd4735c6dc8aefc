"""The one thread that does the database work of many.

Lines are spoken from many threads. Each of them with a connection of its own would open more than a
database takes, and opening one for every question costs more than the question.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

Found = TypeVar("Found")


def through_a_cut(work: Callable[[], Found]) -> Found:
    """What `work` gives, done once more over a new connection where the old one turns out cut.

    Between two pieces of work lie minutes in which a vendor is waited for. What was cut may have
    been written all the same, so that `work` must be harmless when it is done twice.
    """
    try:
        return work()
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return work()


class Clerk:
    """Does work that needs the database, one piece after the other, over one connection.

    Work must be quick, must be harmless when it is done twice, and must not ask the clerk itself.
    """

    def __init__(self) -> None:
        """Open nothing yet."""
        self._thread = ThreadPoolExecutor(1, "clerk")

    def ask(self, work: Callable[[], Found]) -> Found:
        """What `work` gives, or raises."""
        return self._thread.submit(through_a_cut, work).result()

    def close(self) -> None:
        """Let it finish and hang up."""
        self._thread.submit(_hang_up)
        self._thread.shutdown()


def _hang_up() -> None:
    connection.close()  # that of the thread that this is called in
