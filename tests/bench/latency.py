"""How long a job takes beside vendors as slow as real ones.

`python -m tests.bench.latency MINUTES LANGUAGES [--steps]`. Everything is real but the vendors:
rows, queue, `manage.py work`, HTTP. Their stand-in answers as late as they do, and turns away more
calls at once than they allow. Prints JSON: the time from order to end, and the lower bound in its
parts; with --steps also when each step ran, and what it cost.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from jobs.models import DubbingJob, JobEvent
    from tests.peers.server import Latency, VendorPeer

LANGUAGES = ("es", "fr", "de", "it", "ja", "pt", "ko", "ru")
PLACES = 15  # calls for speech at once
LONGEST = 3600.0  # seconds, then something is wrong
STARTING = 60.0  # seconds that the worker may take until it takes messages


@dataclass(frozen=True, slots=True)
class Measured:
    """One job, made; seconds. `own` is our processor time by language, `shared` that before them.

    lines is how long the calls for speech of one language took, one after the other. worker, peer
    and others are the processor time of the whole worker, of the vendors' stand-in, and of whatever
    else ran on the machine: much of that, and the measurement is worth nothing.
    """

    took: float
    own: Mapping[str, float]
    shared: float
    lines: float
    worker: float
    peer: float
    others: float

    def figures(self, latency: "Latency", seconds: float) -> dict[str, float]:
        """The time, and the lower bound, from what was really asked of vendors and cores.

        It is the larger of two. One is the longest chain: recognition, translation, a language's
        lines within the limit of calls, its own processor time. The other is the time until the
        first language is spoken, and then all languages' processor time spread over the cores. What
        else we do (decoding, cutting into lines, the queue, the stand-in itself) isn't in either.
        """
        cores = len(os.sched_getaffinity(0))
        recognition, lines = latency.of("recognition", seconds), self.lines / PLACES
        spoken = recognition + latency.translation + lines
        by_chain = spoken + max(self.own.values())
        by_cores = spoken + sum(self.own.values()) / cores
        return {
            "seconds": self.took,
            "recognition": recognition,
            "translation": latency.translation,
            "lines of a language": lines,
            "own processor time of a language, at most": max(self.own.values()),
            "of all languages": sum(self.own.values()),
            "before the languages": self.shared,
            "of the whole worker": self.worker,
            "of the stand-in": self.peer,
            "of others on this machine": self.others,
            "cores": cores,
            "bound by the chain": by_chain,
            "bound by the cores": by_cores,
            "ratio to the bound": self.took / max(by_chain, by_cores),
            "own processor time per second of source": max(self.own.values()) / seconds,
        }


def measure(
    minutes: float, languages: Sequence[str], peer: "VendorPeer", *, steps: bool
) -> dict[str, object]:
    """Order a job, let a worker make it, and compare the time with what can't be avoided."""
    from tests.e2e.vendors import order
    from tests.peers.script import varied

    peer.script = varied
    with worker() as process:
        before, own, all_before = processor_seconds(process), time.process_time(), all_processors()
        began = time.monotonic()
        job = order(languages, seconds=minutes * 60, script=varied)
        ordered = time.monotonic()
        while job.tasks.exclude(stage="complete").exists():
            late = time.monotonic() - began > LONGEST
            if late or job.tasks.filter(stage="failed").exists():
                raise SystemExit("The job was not made.")
            time.sleep(0.1)
        took = time.monotonic() - ordered
        busy, stand_in = processor_seconds(process) - before, time.process_time() - own
        all_busy = all_processors() - all_before
    spent = processor_by_language(job)
    measured = Measured(
        took=took,
        own={language: seconds for language, seconds in spent.items() if language},
        shared=spent[""],
        lines=peer.thought["speech"] / 1000 / len(languages),
        worker=busy,
        peer=stand_in,
        others=all_busy - busy - stand_in,
    )
    if steps:
        show_steps(job)
    figures = measured.figures(peer.latency, job.duration_ms / 1000)
    rounded = {name: round(value, 2) for name, value in figures.items()}
    counted = {
        "recognitions": peer.count("deepgram", "recognition"),
        "calls for speech": peer.count("deepgram", "speech") + peer.count("polly", "speech"),
        "lines": job.segments.count(),
    }
    return {"minutes": minutes, "languages": len(languages), **rounded, **counted}


def done(job: "DubbingJob") -> "QuerySet[JobEvent]":
    """The record of the steps that were done."""
    from jobs.models import JobEvent

    return JobEvent.objects.filter(job=job, kind=JobEvent.Kind.STEP_DONE)


def processor_by_language(job: "DubbingJob") -> Mapping[str, float]:
    """Processor seconds of the steps of each language; under "" those of the whole job."""
    spent: defaultdict[str, float] = defaultdict(float)
    for event in done(job).select_related("task"):
        language = event.task.language if event.task else ""
        spent[language] += event.details["processor_ms"] / 1000
    return spent


def show_steps(job: "DubbingJob") -> None:
    """Print when each step ran, and its processor time."""
    spent = {event.step_id: event.details["processor_ms"] / 1000 for event in done(job)}
    for step in job.steps.order_by("started_at").select_related("task"):
        if step.started_at and step.finished_at:
            began, ended = (
                (when - job.created_at).total_seconds()
                for when in (step.started_at, step.finished_at)
            )
            language = step.task.language if step.task else "all"
            sys.stderr.write(
                f"{language:3} {step.kind:10} {began:7.2f} to {ended:7.2f}"
                f"  processor {spent[step.pk]:6.2f}\n"
            )


@contextmanager
def worker() -> Iterator[psutil.Process]:
    """`manage.py work`, ready to work."""
    from django.conf import settings

    process = psutil.Popen(
        [sys.executable, "manage.py", "work", "--grace", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        canary, until = (
            Path(settings.SCRATCH) / f"canary-{process.pid}",
            time.monotonic() + STARTING,
        )
        while not canary.exists():  # starting is no part of any job
            if time.monotonic() > until:
                raise SystemExit("The worker takes no messages.")
            time.sleep(0.1)
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


def all_processors() -> float:
    """Seconds that all processors of the machine were busy since it started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def main() -> None:
    """Measure with settings, database and vendors of its own."""
    from tests.conftest import set_environment
    from tests.database import copy_sqlite
    from tests.peers.server import REAL, VendorPeer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("languages", type=int, choices=range(1, len(LANGUAGES) + 1))
    parser.add_argument("--steps", action="store_true", help="show when each step ran")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dubber-bench-") as scratch, VendorPeer() as peer:
        peer.latency = REAL
        set_environment(Path(scratch))
        os.environ |= peer.environment
        os.environ["DATABASE_URL"] = copy_sqlite(Path(scratch))
        os.environ["DJANGO_SETTINGS_MODULE"] = "dubber.settings"
        import django

        django.setup()
        languages = LANGUAGES[: options.languages]
        made = measure(options.minutes, languages, peer, steps=options.steps)
        sys.stdout.write(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
