"""What strangers' nonsense is sent to: people and jobs of theirs, and real values to aim with."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts import links, tokens
from accounts.links import Purpose
from accounts.models import User
from billing.plans import CREATOR
from billing.purchases import ask_for_payment
from dubber import beats
from jobs import outcomes, rows
from jobs.models import DubbingJob, Upload
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.timeline import Segment, Transcript, Translation
from tests import make
from tests.peers.stripe import StripePeer
from tests.web.delivered import delivered

HEARD = Transcript("en", (Segment(0, 1.0, 3.0, 0, "One."), Segment(1, 5.0, 7.0, 0, "Two.")))
SAID = Translation("es", ("Uno.", "Dos."), "test")
PASSWORD = "a long one of theirs"
ORDERED = "job_fuzzuploaded"


@dataclass(frozen=True)
class Surroundings:
    """Somebody who owns one of everything."""

    person: User
    token: str
    peer: StripePeer
    real: Mapping[str, list[Any]]
    """Values that mean something, by the name of the field or parameter that takes them."""


def surroundings(folder: Path, peer: StripePeer) -> Surroundings:
    """Make somebody with jobs in every state, files, lines, a payment and a session."""
    person = make.professional()
    person.set_password(PASSWORD)
    person.save()
    jobs = [_with_lines(person, folder), _reviewed(person), _failed(person), make.job(person)]
    upload = make.upload(person)
    Upload.objects.filter(pk=upload.pk).update(for_job=ORDERED)
    purchase, _secret = ask_for_payment(person, plan=CREATOR)
    beats.beat("here")
    session = tokens.open_session(person)
    lines = jobs[0].tasks.get().lines.values_list("pk", "segment_id")
    real: dict[str, list[Any]] = {
        "public_id": [*[jobs[0].public_id] * 4, *(job.public_id for job in jobs)],
        "job_id": [ORDERED, ORDERED, jobs[0].public_id],
        "voice_track_uploaded": [True],
        "background_track_uploaded": [False],
        "options": [{}, {"review": True}],
        "source_language": ["en"],
        "code": ["es", "es", "fr"],
        "lang": ["es", "es", "fr"],
        "languages": [["fr"], ["de", "it"], ["pt-BR"]],
        "text": ["Hola."],
        "voice": ["hum", ""],
        "keep_original": [True],
        "mute": [True],
        "id": [str(pk) for pair in lines for pk in pair],
        "revision": [1],
        "payment_intent_id": [purchase.stripe_payment_intent_id],
        "amount": [CREATOR.price_cents],
        "email": [person.email],
        "password": [PASSWORD],
        "refresh_token": [session.refresh_token],
        "token": [links.make_token(person, Purpose.RESET)],
        "deletionToken": [links.make_token(person, Purpose.DELETE)],
        "finalConfirmation": [True],
    }
    return Surroundings(person, session.access_token, peer, real)


def aim(sent: Any, real: Mapping[str, list[Any]]) -> Any:
    """The same, with real values in most of the places that know any.

    Which ones depends on what was sent alone, so that the same is sent again.
    """
    if isinstance(sent, list):
        return [aim(one, real) for one in sent]
    if not isinstance(sent, Mapping):
        return sent
    aimed = {name: aim(value, real) for name, value in sent.items()}
    for name, value in sent.items():
        turn = zlib.crc32(f"{name} {value!r}".encode("utf-8", "surrogatepass"))
        if name in real and turn % 4:
            aimed[name] = real[name][turn // 4 % len(real[name])]
    return aimed


def _with_lines(person: User, folder: Path) -> DubbingJob:
    """A finished job with a file, whose lines can be edited."""
    job = delivered(person, folder, kinds=("full_mp3", "voice_mp3", "srt"))
    task = job.tasks.get()
    rows.save_transcript(job, HEARD)
    rows.save_translation(task, HEARD, SAID)
    return job


def _reviewed(person: User) -> DubbingJob:
    """A job that waits until somebody has read what was heard."""
    job = make.job(person, languages=["es"], options={"review": True})
    make.done(1)
    outcomes.finish(make.claim(), kept=[], write=lambda: rows.save_transcript(job, HEARD))
    return job


def _failed(person: User) -> DubbingJob:
    """A job of which nothing came."""
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))
    return job
