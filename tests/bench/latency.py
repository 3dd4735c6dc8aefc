"""How long a job takes beside vendors as slow as real ones.

`python -m tests.bench.latency MINUTES LANGUAGES`. Everything is real but the vendors: rows, queue,
a worker with two processes, HTTP. Their stand-in answers as late as they do, and turns away more
calls at once than they allow. Prints JSON: the time from order to end, and the lower bound in its
parts.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from jobs.models import DubbingJob
    from tests.peers.server import VendorPeer

LANGUAGES = ("es", "fr", "de", "it", "ja", "pt", "ko", "ru")
CORES = 2
PLACES = 15  # calls for speech at once
LONGEST = 3600.0  # seconds, then something is wrong


def measure(minutes: float, languages: Sequence[str], peer: "VendorPeer") -> dict[str, object]:
    """Order a job, let a worker make it, and compare the time with what can't be avoided."""
    from tests.e2e.vendors import order

    with worker() as process:
        job = order(languages, seconds=minutes * 60)
        began, idle = time.monotonic(), processor_seconds(process)
        while job.tasks.exclude(stage="complete").exists():
            late = time.monotonic() - began > LONGEST
            if late or job.tasks.filter(stage="failed").exists():
                raise SystemExit("The job was not made.")
            time.sleep(0.2)
        took, busy = time.monotonic() - began, processor_seconds(process) - idle
    return {"minutes": minutes, "languages": len(languages), **parts(job, peer, took, busy)}


def parts(job: "DubbingJob", peer: "VendorPeer", took: float, busy: float) -> dict[str, object]:
    """The lower bound, from what was really asked of the vendors and of the cores.

    It is the larger of two: the chain recognition, translation, lines of one language, its own
    processor time; and the time until the first language is spoken, then all processor time spread
    over the cores.
    """
    recognition = peer.latency.of("recognition", job.duration_ms / 1000)
    asked = peer.thought["speech"] / 1000 / job.tasks.count()
    spoken = recognition + peer.latency.translation + asked / PLACES
    own = busy / job.tasks.count()
    chain, cores = spoken + own, spoken + busy / CORES
    figures = {
        "seconds": took,
        "recognition": recognition,
        "translation": peer.latency.translation,
        "lines of a language": asked / PLACES,
        "own processor time of a language": own,
        "bound by the chain": chain,
        "bound by the cores": cores,
        "ratio to the bound": took / max(chain, cores),
    }
    rounded = {name: round(value, 2) for name, value in figures.items()}
    return {**rounded, "recognitions": peer.count("deepgram", "recognition")}


@contextmanager
def worker() -> Iterator[psutil.Process]:
    """`manage.py work` with two processes, ready to work."""
    process = psutil.Popen(
        [sys.executable, "manage.py", "work", "--grace", "2"],
        env={**os.environ, "DUBBER_WORKERS": str(CORES)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(15)  # until it has loaded everything: that is no part of any job
        yield process
    finally:
        process.terminate()
        process.wait(30)


def processor_seconds(process: psutil.Process) -> float:
    """What a process and all that it started have used, those that ended included."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        used = one.cpu_times()
        total += used.user + used.system + used.children_user + used.children_system
    return total


def main() -> None:
    """Measure with settings, database and vendors of its own."""
    from tests.conftest import set_environment
    from tests.database import copy_sqlite
    from tests.peers.server import REAL, VendorPeer

    with tempfile.TemporaryDirectory(prefix="dubber-bench-") as scratch, VendorPeer() as peer:
        peer.latency = REAL
        set_environment(Path(scratch))
        os.environ |= peer.environment
        os.environ["DATABASE_URL"] = copy_sqlite(Path(scratch))
        os.environ["DJANGO_SETTINGS_MODULE"] = "dubber.settings"
        import django

        django.setup()
        made = measure(float(sys.argv[1]), LANGUAGES[: int(sys.argv[2])], peer)
        sys.stdout.write(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
