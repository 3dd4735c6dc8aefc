"""The site as production runs it: gunicorn with 2 processes of 8 threads."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

WORKERS, THREADS = 2, 8


@contextmanager
def gunicorn(
    settings: str = "dubber.settings", *, workers: int = WORKERS, **environment: str
) -> Iterator[tuple[int, psutil.Process]]:
    """Yield the port that the site listens on, and gunicorn's main process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "gunicorn", "dubber.wsgi", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--workers", str(workers), "--threads", str(THREADS),
        "--keep-alive", "30", "--graceful-timeout", "5", "--log-level", "warning",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, **environment},
        stdout=sys.stderr,
    )
    try:
        wait_for(port, process)
        yield port, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nobody asks any more
        process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens there. Raises SystemExit when the process ends instead."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("gunicorn ended by itself")
