"""How much memory a worker needs: `python -m tests.bench.memory MINUTES`.

Makes a job of that length and works on all of its steps in this one process, as a worker does.
Prints JSON: peak resident memory of this process in MB, its lines, and the seconds that it took.
"""

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path


def forget_peak() -> None:
    """Let the kernel count the peak anew: what was needed to prepare is not the worker's."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Peak resident memory of this process since then, as the kernel counts it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    row = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(row.split()[1]) / 1024


def measure(minutes: float, folder: Path) -> dict[str, float]:
    """Dub so many minutes through rows, claims and steps."""
    from accounts.models import User
    from billing.services import prepare_demo_account
    from jobs import claims, steps, wiring
    from jobs.models import Line, Upload
    from jobs.pipeline.dub import Engines
    from jobs.services import create_job
    from jobs.states import JobStatus
    from jobs.uploads import register_upload
    from tests.bench.material import Prompted, make_material

    # In a process of its own, for memory that was used once stays with a process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=set_up) as other:
        material = other.submit(make_material, folder, minutes=minutes).result()
    user = User.objects.create_user("bench@localhost", "not a password that anyone uses")
    prepare_demo_account(user)
    engines = Engines(Prompted(material.utterances), wiring.route, hearing=None)
    uploads: dict[str, Upload] = {}
    for role in Upload.Role:
        path = getattr(material, role.value)
        with path.open("rb") as file:
            uploads[role.value] = register_upload(user, file=file, name=path.name, role=role)
    job = create_job(
        user,
        voice=uploads["voice"],
        background=uploads["background"],
        languages=["es"],
        engines=lambda: engines,
    )
    began = time.monotonic()
    forget_peak()
    while claim := claims.claim():
        steps.run(claim, engines=lambda: engines)
    job.refresh_from_db()
    if job.status != JobStatus.COMPLETE:
        raise SystemExit(f"the job ended as {job.status}")
    return {
        "minutes": minutes,
        "peak_mb": round(peak_mb(), 1),
        "lines": Line.objects.filter(task__job=job).count(),
        "seconds": round(time.monotonic() - began, 1),
    }


def set_up() -> None:
    """Make Django ready."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "dubber.settings"
    django.setup()


def main() -> None:
    """Set up a database and storage of its own, measure, print."""
    with tempfile.TemporaryDirectory(prefix="dubber-bench-") as scratch:
        from tests.conftest import set_environment
        from tests.database import copy_sqlite

        folder = Path(scratch)
        set_environment(folder)
        os.environ["DATABASE_URL"] = copy_sqlite(folder)
        set_up()
        result = measure(float(sys.argv[1]), folder)
        sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
