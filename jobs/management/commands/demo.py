"""`manage.py demo`: dub the sample the way customers' videos are dubbed.

Through a job, the ledger, the queue and a worker; the results are then copied to a folder.
"""

import shutil
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from accounts.demo import ensure_demo_user
from accounts.models import User
from billing.services import prepare_demo_account
from dubber.errors import UserError
from jobs import rows, wiring
from jobs.models import DubbingJob, LanguageTask, Upload
from jobs.pipeline.dub import language_track, mux
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find
from jobs.queries import JobView, jobs_with_files_of, view_of
from jobs.results import place, result_name
from jobs.sample import Sample, make_sample
from jobs.services import create_job
from jobs.states import Stage
from jobs.uploads import register_upload

LOOK_EVERY = 0.5
STEM = "talk"


class Command(BaseCommand):
    """Dub the sample."""

    help = "Dub a short sample video through the site's own queue and worker, offline."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("--to", action="append", help="language; repeatable; Spanish if none")
        parser.add_argument("--out", type=Path, default=settings.BASE_DIR / "var" / "demo")

    def handle(self, *args: Any, **options: Any) -> None:
        """Order the dub, watch it being made, and show what came out."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        out = options["out"].absolute()
        try:
            sample = make_sample(out / "sample", narrator=wiring.narrator())
            job = order(sample, options["to"] or ["es"])
            with worker():
                view = self.watch(job)
            self.report(deliver(view, sample, out))
        except (PipelineError, UserError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Start the worker again and it goes on.") from None
        if failed := [one.task.language_name for one in view.languages if one.failed]:
            raise CommandError(f"Failed and refunded: {', '.join(failed)}.")

    def watch(self, job: DubbingJob) -> JobView:
        """Show every change until all languages have ended."""
        shown = ""
        while True:
            view = view_of(jobs_with_files_of(job.user).get(pk=job.pk))
            now = " · ".join(
                f"{one.task.language_name}: {one.progress.sentence}" for one in view.languages
            )
            if now != shown:
                self.stdout.write(f"{view.percent:3d} %  {now}")
                shown = now
            if view.ended:
                return view
            time.sleep(LOOK_EVERY)

    def report(self, delivered: list[tuple[LanguageTask, list[Path]]]) -> None:
        """Print the receipt and the paths of every language."""
        for task, paths in delivered:
            self.stdout.write(f"\n{task.language_name}, draft quality")
            for sentence in rows.receipt_of(task).sentences():
                self.stdout.write(f"  {sentence}")
            for path in paths:
                self.stdout.write(f"  {path}")


def order(sample: Sample, languages: list[str]) -> DubbingJob:
    """Upload the sample as the demo user and order the dub: this charges credits."""
    user = ensure_demo_user()
    prepare_demo_account(user)
    return create_job(
        user,
        voice=upload(user, sample.talk, Upload.Role.VOICE),
        background=upload(user, sample.background, Upload.Role.BACKGROUND),
        languages=languages,
        title="The demo talk",
        options={"wav": True},
    )


def upload(user: User, path: Path, role: Upload.Role) -> Upload:
    """Send one file in, as a form would."""
    with path.open("rb") as file:
        return register_upload(user, file=file, name=path.name, role=role)


@contextmanager
def worker() -> Iterator[None]:
    """Run a worker of our own for as long as the block lasts; it shares the queue with others."""
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--grace", "2"],
        start_new_session=True,  # Ctrl-C is ours; the worker is told by us
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def deliver(view: JobView, sample: Sample, out: Path) -> list[tuple[LanguageTask, list[Path]]]:
    """Copy every finished file to `out`, with the source and one video of all languages."""
    shutil.copyfile(sample.talk, out / f"{STEM}.mp4")
    delivered, tracks = [], []
    for one in view.languages:
        if one.task.stage != Stage.COMPLETE:
            continue
        files = {}
        for file in one.files:
            part = out / f".{file.name}"
            with default_storage.open(file.object_key) as stored, part.open("wb") as copy:
                shutil.copyfileobj(stored, copy)
            files[file.kind] = place(
                part, out / result_name(STEM, one.task.language, file.kind, part)
            )
        tracks.append(language_track(find(one.task.language).code, files))
        delivered.append((one.task, list(files.values())))
    if tracks:
        source = rows.source_from_json(view.job.voice.source, out / f"{STEM}.mp4")
        video = mux(source, tracks, original=view.job.heard_language, folder=out)
        delivered[-1][1].append(place(video, out / f"{STEM}.all{video.suffix}"))
    return delivered
