"""How many answers a second the API gives: `python -m tests.bench.web [SECONDS]`.

10,000 jobs of three languages each on a throw-away PostgreSQL; site, database and clients share two
cores. The bare view (tests/bench/bare.py) and ours are asked by turns, in one run. Prints JSON.
"""

import asyncio
import itertools
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.clients import Load, ask, get
from tests.bench.site import gunicorn

JOBS, PEOPLE = 10_000, 20
CODES = ("es", "fr", "de")
CONNECTIONS = 16
ROUNDS = 3
KINDS = {"full_mp3": "mp3", "voice_mp3": "mp3", "srt": "srt"}


def fill() -> dict[str, list[str]]:
    """Write the jobs; their public ids by a token of whom they belong to."""
    from django.db import connection

    from accounts.tokens import open_session
    from jobs.models import DubbingJob
    from tests import make

    owners = [make.professional() for _ in range(PEOPLE)]
    for start in range(0, JOBS, 1000):
        write_jobs(owners, range(start, start + 1000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # what a server does by itself a minute later
    return {
        open_session(owner).access_token: list(
            DubbingJob.objects.filter(user=owner).values_list("public_id", flat=True)
        )
        for owner in owners
    }


def write_jobs(owners: list[Any], numbers: range) -> None:
    """Write finished jobs with their languages and files."""
    from datetime import timedelta

    from django.utils import timezone

    from jobs.models import Artifact, DubbingJob, LanguageTask, Upload

    now = timezone.now()
    owner_of = {number: owners[number % len(owners)] for number in numbers}
    uploads = Upload.objects.bulk_create(
        Upload(
            user=owner_of[number], key=f"uploads/{number}", role="voice", name="talk.mp4",
            limit_bytes=10**9, size=10**6, arrived_at=now, expires_at=now, duration_ms=61_000,
        )
        for number in numbers
    )  # fmt: skip
    jobs = DubbingJob.objects.bulk_create(
        DubbingJob(
            public_id=f"job_{number:012d}", user=owner_of[number], title=f"Talk {number}",
            voice=upload, duration_ms=61_000, heard_language="en", status="complete",
            kept_for=timedelta(days=30), kept_until=now + timedelta(days=30), started_at=now,
            finished_at=now, options={},
        )
        for number, upload in zip(numbers, uploads, strict=True)
    )  # fmt: skip
    tasks = LanguageTask.objects.bulk_create(
        LanguageTask(
            job=job, language=code, variant=code, stage="complete", price=7, credits=7,
            finished_at=now, receipt={"missed": [], "overlap": 0.0, "speeds": [1.0] * 20},
        )
        for job in jobs
        for code in CODES
    )  # fmt: skip
    Artifact.objects.bulk_create(
        Artifact(
            job=task.job, task=task, kind=kind, name=f"talk.{task.language}.{suffix}",
            object_key=f"jobs/{task.pk}/{kind}", sha256="0" * 64, bytes=10**6,
        )
        for task in tasks
        for kind, suffix in KINDS.items()
    )  # fmt: skip


def addresses(owned: dict[str, list[str]], seed: int) -> Iterator[tuple[str, str]]:
    """Tokens and public ids, at random but the same in every run."""
    chance = random.Random(seed)
    tokens = list(owned)
    while True:
        token = chance.choice(tokens)
        yield token, chance.choice(owned[token])


def statuses(owned: dict[str, list[str]]) -> Iterator[bytes]:
    """Ask for the whole status, signed in."""
    for token, job in addresses(owned, 1):
        yield get(f"/api/jobs/{job}", Authorization=f"Bearer {token}")


def bare_statuses(owned: dict[str, list[str]]) -> Iterator[bytes]:
    """Ask for the same jobs without signing in."""
    for _token, job in addresses(owned, 1):
        yield get(f"/api/jobs/{job}")


def known_statuses(owned: dict[str, list[str]]) -> Iterator[bytes]:
    """Ask for statuses that are known already."""
    from accounts.models import User
    from dubber.etags import etag_of
    from jobs.documents import rows_of_job

    some = []
    for token, job in itertools.islice(addresses(owned, 2), 300):
        user = User.objects.get(jobs__public_id=job)
        etag = etag_of(*rows_of_job(user, job).stored())
        headers = {"Authorization": f"Bearer {token}", "If_None_Match": etag}
        some.append(get(f"/api/jobs/{job}", **headers))
    return itertools.cycle(some)


def measure(owned: dict[str, list[str]], seconds: float) -> dict[str, Load]:
    """Ask each kind of question by turns; what came of each, over all rounds."""
    kinds: dict[str, tuple[str, Callable[[dict[str, list[str]]], Iterator[bytes]], int]] = {
        "bare": ("tests.bench.bare_settings", bare_statuses, 200),
        "status": ("dubber.settings", statuses, 200),
        "known": ("dubber.settings", known_statuses, 304),
    }
    loads = {name: Load() for name in kinds}
    for _ in range(ROUNDS):
        for name, (settings, requests, expected) in kinds.items():
            load = one_load(settings, requests(owned), seconds)
            if set(load.statuses) != {expected}:
                raise SystemExit(f"{name} was answered by {load.statuses}")
            loads[name].seconds += load.seconds
            loads[name].times += load.times
    return loads


def one_load(settings: str, requests: Iterator[bytes], seconds: float) -> Load:
    """Start the site, let it warm up, and ask it for so long."""
    with gunicorn(settings) as (port, _):
        asyncio.run(ask(port, requests, connections=CONNECTIONS, seconds=2))
        return asyncio.run(ask(port, requests, connections=CONNECTIONS, seconds=seconds))


def report(loads: dict[str, Load]) -> dict[str, float]:
    """Rates a second, and what they are to each other."""
    bare, status, known = loads["bare"], loads["status"], loads["known"]
    return {
        "bare_rate": round(bare.rate, 1),
        "status_rate": round(status.rate, 1),
        "known_rate": round(known.rate, 1),
        "bare_p99_ms": round(bare.percentile(0.99), 1),
        "status_p99_ms": round(status.percentile(0.99), 1),
        "known_p99_ms": round(known.percentile(0.99), 1),
        "status_to_bare": round(status.rate / bare.rate, 2),
        "known_to_status": round(known.rate / status.rate, 2),
        "p99_to_bare": round(status.percentile(0.99) / bare.percentile(0.99), 2),
    }


def main() -> None:
    """Make a database of its own, fill it, measure, print."""
    os.sched_setaffinity(
        0, sorted(os.sched_getaffinity(0))[:2]
    )  # for the database and gunicorn too
    from tests.conftest import set_environment
    from tests.database import postgres_cluster
    from tests.postgres import copy_template

    cluster = postgres_cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="dubber-bench-") as folder:
            set_environment(Path(folder))
            os.environ |= {
                "DEBUG": "false",
                "DATABASE_URL": copy_template(cluster.url("postgres"), "bench"),
                "DUBBER_RATE_JOBS": str(10**9),
            }
            from tests.bench.memory import set_up

            set_up()
            seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
            loads = measure(fill(), seconds)
            sys.stdout.write(json.dumps(report(loads)) + "\n")
    finally:
        from django.db import connections

        connections.close_all()
        cluster.stop()


if __name__ == "__main__":
    main()
