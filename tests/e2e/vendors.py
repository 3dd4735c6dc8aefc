"""Jobs made by the vendors' stand-in: the real libraries, over real HTTP."""

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import soundfile
from django.db.models.functions import Now
from pytest_django import Settings

from jobs import claims, steps, wiring
from jobs.models import DubbingJob, Step, Upload
from jobs.pipeline.calls import PacedCalls, Patience
from jobs.pipeline.timeline import SAMPLE_RATE
from jobs.services import create_job
from jobs.states import StepKind, StepStatus
from jobs.uploads import register_upload
from jobs.vendor_calls import SharedAccounts
from tests import make
from tests.peers.script import Script, steady
from tests.peers.server import VendorPeer

RETRIES = 2
ROOM = 0.001  # -60 dBFS
BREATH = 0.1


def configure(settings: Settings, peer: VendorPeer) -> None:
    """Give the keys of all vendors, and the stand-in's address."""
    settings.DEEPGRAM_API_KEY = settings.OPENAI_API_KEY = "a-key"
    settings.DEEPGRAM_BASE_URL = settings.AWS_ENDPOINT_URL_POLLY = peer.url
    settings.OPENAI_BASE_URL, settings.TRANSLATION_API = peer.openai_url, "responses"
    settings.POLLY = True
    settings.POLLY_ACCESS_KEY_ID = settings.POLLY_SECRET_ACCESS_KEY = "a-key"


def recording(seconds: float, script: Script = steady) -> io.BytesIO:
    """A WAV with something like a voice wherever the stand-in's script says that someone speaks."""
    # The noise of a room: bare tones would take encoders three times as long as any recording.
    sound = np.random.default_rng(0).normal(0.0, ROOM, round(seconds * SAMPLE_RATE))
    for said in script(seconds).utterances:
        time = np.arange(round((said.end - said.start) * SAMPLE_RATE)) / SAMPLE_RATE
        hum = np.sin(2 * np.pi * (120 + 90 * said.speaker) * time)
        hum += np.random.default_rng(1).normal(0.0, BREATH, time.size)
        first = round(said.start * SAMPLE_RATE)
        sound[first : first + time.size] = 0.2 * hum * (1.2 + np.sin(2 * np.pi * 4 * time)) / 2
    file = io.BytesIO()
    soundfile.write(file, sound, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    file.seek(0)
    return file


def order(
    languages: Collection[str], *, seconds: float, script: Script = steady, **choices: object
) -> DubbingJob:
    """A job, ordered as a customer does it."""
    person = make.professional(credits=1000)
    file = recording(seconds, script)
    voice = register_upload(person, file=file, name="talk.wav", role=Upload.Role.VOICE)
    return create_job(person, voice=voice, background=None, languages=languages, **choices)  # type: ignore[arg-type]


@dataclass
class Worker:
    """Works on steps as a worker does, in this process; waits between retries are only noted."""

    attempt: float = 20.0
    waits: list[float] = field(default_factory=list)

    @property
    def patience(self) -> Mapping[str, Patience]:
        """How long and how often calls are tried."""
        patience = Patience(attempt=self.attempt, total=300, queue=30, retries=RETRIES)
        return dict.fromkeys(("recognition", "translation", "speech"), patience)

    def work(self, *, until: StepKind | None = None) -> int:
        """Work on every step that can be worked on, with no pause before what was put off.

        Ends before the first step of kind `until`; how many steps were worked on.
        """
        count = 0
        while (claim := self._next(until)) is not None:
            count += 1
            step = Step.objects.select_related("job").get(pk=claim.step_id)
            with SharedAccounts(step.job, step) as accounts:
                calls = self._calls(accounts)
                with wiring.Workshop(calls) as shop:
                    steps.run(claim, engines=shop.engines, obey=calls.obey)
        return count

    def _next(self, until: StepKind | None) -> claims.Claim | None:
        ready = Step.objects.filter(status=StepStatus.READY)
        if ready.filter(kind=until).exists():
            return None
        ready.exclude(reason="vendor_account").update(not_before=Now())
        return claims.claim()

    def _calls(self, accounts: SharedAccounts) -> PacedCalls:
        return PacedCalls(
            accounts, patience=self.patience, sleep=self.waits.append, jitter=lambda: 0.5
        )
