"""Builds rows through the real services."""

import io
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.staff_site import SHOWN
from billing import ledger
from billing.plans import PROFESSIONAL
from billing.services import set_plan
from jobs import claims, outcomes
from jobs.claims import Claim
from jobs.models import DubbingJob, Upload
from jobs.pipeline.dub import Engines
from jobs.pipeline.timeline import Picture, Source
from jobs.services import create_job
from jobs.uploads import record_source, register_upload
from tests import engines as test_engines

_numbers = count(1)


def user(email: str = "", *, credits: int = 0, password: str | None = None) -> User:
    """Make a person with a verified address, and with credits granted to them."""
    person = User.objects.create_user(
        email or f"person{next(_numbers)}@example.com",
        password,
        email_verified_at=timezone.now(),
    )
    if credits:
        ledger.grant(
            person, credits=credits, reference=f"start:{person.pk}", reason="To begin with", by=None
        )
    return person


def sign_in(client: Client, person: User) -> None:
    """Sign a person in as the pages do; staff with a one-time code."""
    client.force_login(person)
    if person.is_staff:
        session = client.session
        session[SHOWN] = True
        session.save()


def staff() -> User:
    """Make a member of staff who may do everything."""
    return User.objects.create_superuser(f"staff{next(_numbers)}@example.com")


def professional(*, credits: int = 1000) -> User:
    """Make a person of the best plan."""
    person = user(credits=credits)
    set_plan(person, plan=PROFESSIONAL.id)
    return person


def source(*, seconds: float = 61.0, picture: Picture | None = None) -> Source:
    """What a probe finds in a WAV of that length."""
    return Source(
        path=Path("voice.wav"),
        container="wav",
        duration=seconds,
        sound_stream=0,
        sound_codec="pcm_s16le",
        sample_rate=48_000,
        channels=1,
        picture=picture,
    )


def upload(person: User, *, seconds: float = 61.0, role: Upload.Role = Upload.Role.VOICE) -> Upload:
    """Make a file that arrived and was looked into."""
    content = io.BytesIO(b"RIFF" + next(_numbers).to_bytes(8, "big"))
    sent = register_upload(person, file=content, name=f"{role}.wav", role=role)
    return record_source(sent, source=source(seconds=seconds))


def job(
    person: User | None = None,
    *,
    languages: Collection[str] = ("es", "fr"),
    seconds: float = 61.0,
    engines: Callable[[], Engines] = test_engines.engines,
    **choices: Any,
) -> DubbingJob:
    """Order a dub of a recording of that length."""
    person = person or professional()
    voice = upload(person, seconds=seconds)
    return create_job(
        person, voice=voice, background=None, languages=languages, engines=engines, **choices
    )


def claim() -> Claim:
    """Claim the next step, which must be there, and show that it runs."""
    taken = claims.claim()
    assert taken is not None
    outcomes.begin(taken)
    return taken


def done(times: int = 1) -> None:
    """Claim the next step and finish it with nothing made, so many times."""
    for _ in range(times):
        outcomes.finish(claim(), kept=[], write=lambda: None)
