"""Doing the same thing to many parts, some of them at once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Part = TypeVar("Part")
Made = TypeVar("Made")


def in_order(work: Callable[[Part], Made], parts: Sequence[Part], workers: int) -> Iterator[Made]:
    """What `work` makes of every part, in the order of the parts, by that many threads.

    One worker is the calling thread itself. After an error, or when the caller stops asking,
    nothing more is begun.
    """
    if workers <= 1:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(workers) as pool:
        pending = [pool.submit(work, part) for part in parts]
        try:
            for future in pending:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def both(one: Callable[[], Part], other: Callable[[], Made]) -> tuple[Part, Made]:
    """What two pieces of work give that are done at the same time; both are waited for."""
    with ThreadPoolExecutor(1) as side:
        beside = side.submit(other)
        return one(), beside.result()


class Turns:
    """One thread at a time for each name; different names don't wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._wanted: Counter[str] = Counter()

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Wait until nobody else has the name, and have it."""
        with self._lock:
            self._wanted[name] += 1
            turn = self._turns.setdefault(name, threading.Lock())
        try:
            with turn:
                yield
        finally:
            with self._lock:
                self._wanted[name] -= 1
                if not self._wanted[name]:
                    del self._wanted[name], self._turns[name]
