"""A worker is killed in the middle of the dub, with everything that it started: the job goes on."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import soundfile
from django.conf import settings
from django.core.files.storage import default_storage

from billing.queries import balance_of
from jobs import claims, steps, wiring
from jobs.models import DubbingJob, Step, Take, Upload
from jobs.pipeline.dub import Engines
from jobs.pipeline.timeline import SAMPLE_RATE, Utterance
from jobs.sample import NARRATION, narrate
from jobs.services import create_job
from jobs.states import JobStatus, StepKind, StepStatus
from jobs.uploads import register_upload
from tests import make
from tests.engines import Hearing

pytestmark = [
    pytest.mark.worker,
    pytest.mark.models,
    pytest.mark.ffmpeg,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]
TURNS = 5
"""How often the narration is repeated: long enough to be killed in the middle of."""


@contextmanager
def work() -> Iterator[psutil.Popen]:
    """`manage.py work` with one worker, as an operator starts it."""
    process = psutil.Popen(
        [sys.executable, "manage.py", "work", "--grace", "2"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DUBBER_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.is_running():
            process.terminate()
            process.wait(30)


def kill_all(process: psutil.Popen) -> None:
    """Kill the worker and whatever it started, as a machine that loses power does."""
    for one in [process, *process.children(recursive=True)]:
        one.send_signal(signal.SIGKILL)
    process.wait()


def wait_for(fact: Callable[[], object], *, seconds: float) -> bool:
    """Look until it is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if fact():
            return True
        time.sleep(0.02)
    return False


def recording(path: Path) -> tuple[Utterance, ...]:
    """Write the narration, again and again, and give what is said when."""
    speech, lines = narrate(wiring.narrator())
    length = speech.size / SAMPLE_RATE
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, channels=1, subtype="PCM_16") as file:
        for _ in range(TURNS):
            file.write(speech)
    return tuple(
        Utterance(turn * length + line.start, turn * length + line.end, 0, f"{line.text} {turn}.")
        for turn in range(TURNS)
        for line in lines
    )


def heard_job(folder: Path) -> DubbingJob:
    """A job whose recording was decoded and heard: the next thing to do is to translate."""
    utterances = recording(folder / "voice.wav")
    engines = Engines(Hearing(utterances), wiring.route)
    person = make.professional(credits=1000)
    with (folder / "voice.wav").open("rb") as file:
        voice = register_upload(person, file=file, name="voice.wav", role=Upload.Role.VOICE)
    job = create_job(
        person, voice=voice, background=None, languages=["es"], engines=lambda: engines
    )
    for _ in (StepKind.INGEST, StepKind.TRANSCRIBE):
        claim = claims.claim()
        assert claim is not None
        steps.run(claim, engines=lambda: engines)
    return job


def spoken(job: DubbingJob) -> Counter[str]:
    """How often each line was spoken: every time leaves an object of its own in storage."""
    _, names = default_storage.listdir(f"jobs/{job.public_id}/takes")
    said = Counter(name.rpartition("-")[0] for name in names)
    keys = set(Take.objects.filter(job=job, kind=StepKind.DUB).values_list("key", flat=True))
    return Counter({key: times for key, times in said.items() if key in keys})


def test_lines_spoken_before_the_worker_was_killed_are_not_spoken_again(tmp_path: Path) -> None:
    job = heard_job(tmp_path)
    dub = Step.objects.filter(job=job, kind=StepKind.DUB)
    takes = Take.objects.filter(job=job, kind=StepKind.DUB)

    with work() as process:
        assert wait_for(lambda: takes.count() >= len(NARRATION) // 2, seconds=90)
        kill_all(process)
    before = dict(takes.values_list("key", "made_at"))
    assert dub.get().status == StepStatus.RUNNING
    with work():
        assert wait_for(lambda: job.tasks.filter(stage="complete"), seconds=180)

    job.refresh_from_db()
    after = dict(takes.values_list("key", "made_at"))
    assert job.status == JobStatus.COMPLETE
    assert len(after) > len(before)
    assert {key: after[key] for key in before} == before
    assert set(spoken(job).values()) == {1}
    assert dub.get().attempt == 2
    assert balance_of(job.user) == 1000 - job.tasks.get().credits
