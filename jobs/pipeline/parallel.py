"""Doing the same thing to many parts, some of them at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
