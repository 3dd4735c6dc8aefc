"""How much memory the web processes need while files come in: `python -m tests.bench.uploads [MB]`.

Eight files of 500 MB come in at once over real connections, to the site as production runs it with
local storage. Prints JSON: the largest web process at its peak, resident (RSS, as the kernel's
VmHWM counts it, so with what is shared) and its fair share (PSS) right after.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.clients import answer_of
from tests.bench.site import gunicorn

FILES, MEGABYTES = 8, 500
MB = 1024 * 1024
BLOCK = bytes(range(256)) * 4096
WAIT_SECONDS = 0.5


def addresses(size: int) -> list[str]:
    """Where files of that size may be sent to."""
    from urllib.parse import urlsplit

    from jobs.uploads import issue_uploads
    from tests import make

    person = make.professional()
    issued = [
        issue_uploads(person, languages=["es"], names={"voice": "talk.mp4"}, sizes={"voice": size})
        for _ in range(FILES)
    ]
    return [urlsplit(one.urls["voice"]).path for one in issued]


async def send_all(port: int, paths: list[str], size: int) -> int:
    """Send every file at once; how often one had to wait for its turn."""
    return sum(await asyncio.gather(*(send(port, path, size) for path in paths)))


async def send(port: int, path: str, size: int) -> int:
    """Send one file, again while the site is too busy; how often that was."""
    waited = 0
    while (status := await put(port, path, size)) == 503:
        waited += 1
        await asyncio.sleep(WAIT_SECONDS)
    if status != 200:
        raise SystemExit(f"a file was answered by {status}")
    return waited


async def put(port: int, path: str, size: int) -> int:
    """Send one file; the status of the answer, which may come before its end."""
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
        f"Content-Length: {size}\r\nConnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode())
    try:
        for _ in range(size // len(BLOCK)):
            writer.write(BLOCK)
            await writer.drain()
        return (await answer_of(reader))[0]
    except (ConnectionError, asyncio.IncompleteReadError):
        return 503  # refused, and the connection closed while we were sending
    finally:
        writer.close()


def peak_rss_mb(process: psutil.Process) -> float:
    """Peak resident memory of a process, as the kernel counts it."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    row = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(row.split()[1]) / 1024


def measure(size: int) -> dict[str, float]:
    """Send the files, then look at the web processes."""
    paths = addresses(size)
    with gunicorn() as (port, main):
        began = time.monotonic()
        waited = asyncio.run(send_all(port, paths, size))
        seconds = time.monotonic() - began
        workers = main.children()
        return {
            "files": FILES,
            "megabytes_each": size // MB,
            "seconds": round(seconds, 1),
            "waits": waited,
            "peak_rss_mb": round(max(map(peak_rss_mb, workers)), 1),
            "pss_mb": round(max(one.memory_full_info().pss for one in workers) / MB, 1),
        }


def main() -> None:
    """Set up a database and storage of its own, measure, print."""
    from tests.bench.memory import set_up
    from tests.conftest import set_environment
    from tests.database import copy_sqlite

    with tempfile.TemporaryDirectory(prefix="dubber-bench-") as scratch:
        folder = Path(scratch)
        set_environment(folder)
        os.environ |= {"DEBUG": "false", "DATABASE_URL": copy_sqlite(folder)}
        set_up()
        size = int(sys.argv[1] if len(sys.argv) > 1 else MEGABYTES) * MB
        sys.stdout.write(json.dumps(measure(size)) + "\n")


if __name__ == "__main__":
    main()
