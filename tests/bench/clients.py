"""Clients that ask over connections that stay open, as fast as answers come: so many at once."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_HEAD = 65_536


@dataclass
class Load:
    """What came of it. times are the seconds that each request took."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """How long a request took at most, for that share of them, in ms."""
        return sorted(self.times)[min(int(len(self.times) * share), len(self.times) - 1)] * 1000


async def ask(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Load:
    """Send the requests one after another over each of the connections, for so long."""
    load = Load()
    began = time.perf_counter()
    until = began + seconds
    await asyncio.gather(*(_client(port, requests, until, load) for _ in range(connections)))
    load.seconds = time.perf_counter() - began
    return load


async def _client(port: int, requests: Iterator[bytes], until: float, load: Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_HEAD)
    while (began := time.perf_counter()) < until:
        writer.write(next(requests))
        status, open_still = await answer_of(reader)
        load.times.append(time.perf_counter() - began)
        load.statuses[status] = load.statuses.get(status, 0) + 1
        if not open_still:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_HEAD)
    writer.close()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status of an answer, read to its end, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    if length:
        await reader.readexactly(int(length))
    return int(head[9:12]), b"connection: close" not in head


def get(path: str, **headers: str) -> bytes:
    """A GET request."""
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{named}\r\n".encode()
