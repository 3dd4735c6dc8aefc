"""Looks at everything that a dub needs on this machine, and says how to put right what is wrong.

Every check is one function that yields findings; `examine` runs them all. It reads every byte of
the models, which takes a moment, and it writes one small file to storage and removes it again.
"""

import platform
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from dubber.settings import is_loopback
from dubber.startup import NotReady, require_ready
from jobs import scratch, wiring
from jobs.pipeline import ffmpeg
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.weights import BASE, FULL, Fault, Model, faults

PRICE_LASTS = timedelta(days=180)
"""How long nobody needs to look whether a vendor changed its prices."""


class State(StrEnum):
    """How a thing is. What is merely off is no fault."""

    FINE = "✓"
    OFF = "–"
    WRONG = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: the thing, how it is, what was seen, and what would mend it."""

    name: str
    state: State
    seen: str
    remedy: str = ""

    def __str__(self) -> str:
        """Write the line."""
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{self.state} {self.name}: {self.seen}{remedy}"


def examine() -> Iterator[Finding]:
    """Check everything, one finding after the other."""
    for check in CHECKS:
        yield from check()


def check_python() -> Iterator[Finding]:
    """Tell which Python this is; a wrong one would not have come here."""
    yield Finding("Python", State.FINE, platform.python_version())


def check_ffmpeg() -> Iterator[Finding]:
    """Look for ffmpeg, ffprobe, and the filters and encoders that we use."""
    remedy = "make setup, or apt-get install ffmpeg"
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        yield Finding("ffmpeg", State.WRONG, "isn't installed", remedy)
        return
    tools = ffmpeg.versions_and_features()
    if tools.missing:
        seen = f"{tools.ffmpeg} lacks {', '.join(tools.missing)}"
        yield Finding("ffmpeg", State.WRONG, seen, "put Debian's ffmpeg first in PATH")
    else:
        yield Finding("ffmpeg", State.FINE, f"{tools.ffmpeg} with every filter and encoder we use")


def check_models() -> Iterator[Finding]:
    """Hash every file of the offline models. Those of the full set may be absent."""
    for model in BASE:
        yield _look_at(model)
    for model in FULL:
        found = faults(model, settings.MODELS)
        if len(found) == len(model.files) and set(found.values()) == {Fault.MISSING}:
            seen = f"not installed; {model.command} fetches {model.size / 1e6:.0f} MB"
            yield Finding(f"{model.title} model", State.OFF, seen)
        else:
            yield _look_at(model)


def _look_at(model: Model) -> Finding:
    name = f"{model.title} model"
    wrong = faults(model, settings.MODELS, thorough=True)
    if wrong:
        seen = ", ".join(f"{file} is {fault}" for file, fault in wrong.items())
        return Finding(name, State.WRONG, seen, model.command)
    seen = f"{len(model.files)} files, {model.size / 1e6:.0f} MB, checksums right"
    if model in FULL and find_spec(model.library) is None:
        seen = f"{seen}, but {model.library}, which runs it, isn't installed"
        return Finding(name, State.WRONG, seen, model.command)
    if model in FULL and not settings.FULL_SET:
        return Finding(name, State.OFF, f"{seen}, switched off (DUBBER_FULL_SET)")
    return Finding(name, State.FINE, seen)


def check_recognizer() -> Iterator[Finding]:
    """Tell what hears the source."""
    try:
        engine = wiring.engines().transcriber.engine
    except PipelineError as error:
        yield Finding("Recognizer", State.WRONG, str(error))
    else:
        yield Finding("Recognizer", State.FINE, f"{engine.name} {engine.model}")


def check_languages() -> Iterator[Finding]:
    """Tell which languages can be made here."""
    offers = wiring.offered()
    for offer in offers:
        if offer.available:
            voices = ", ".join(one.name for one in offer.voices)
            words, speech = " or ".join(offer.translation), " or ".join(offer.speech)
            seen = f"{offer.quality} quality, words of {words}, spoken by {speech}: {voices}"
            yield Finding(f"{offer.name} ({offer.code})", State.FINE, seen)
        else:
            yield Finding(f"{offer.name} ({offer.code})", State.OFF, offer.reason)
    if not any(offer.available for offer in offers):
        yield Finding("Languages", State.WRONG, "none can be made here", "make setup")


def check_database() -> Iterator[Finding]:
    """Reach the database and compare its migrations with ours."""
    try:
        require_ready()
    except NotReady as error:
        seen, _, remedy = str(error).partition(": ")
        yield Finding("Database", State.WRONG, seen, remedy.removesuffix("."))
    else:
        yield Finding("Database", State.FINE, f"{connection.vendor}, migrated")


def check_storage() -> Iterator[Finding]:
    """Write a file to storage, read it and remove it."""
    content = uuid.uuid4().bytes
    where = "the bucket" if settings.STORAGE == "s3" else str(settings.STORAGE_ROOT)
    try:
        key = default_storage.save(f"doctor/{uuid.uuid4()}", ContentFile(content))
        with default_storage.open(key) as stored:
            same = stored.read() == content
        default_storage.delete(key)
    except Exception as error:  # noqa: BLE001 - whatever a storage raises is what we are to tell
        seen, remedy = f"can't be used ({type(error).__name__})", "check DUBBER_STORAGE and AWS_…"
        yield Finding("Storage", State.WRONG, f"{where} {seen}", remedy)
        return
    if same:
        yield Finding("Storage", State.FINE, f"{where} takes and gives files")
    else:
        yield Finding("Storage", State.WRONG, f"{where} gave other bytes back", "check the service")


def check_scratch() -> Iterator[Finding]:
    """Write to the working space and look how much is free."""
    try:
        settings.SCRATCH.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.SCRATCH):
            free = shutil.disk_usage(settings.SCRATCH).free
    except OSError:
        seen = f"{settings.SCRATCH} can't be written"
        yield Finding("Scratch", State.WRONG, seen, "set DUBBER_SCRATCH to a folder that can")
        return
    seen = f"{settings.SCRATCH}, {free / 1e9:.0f} GB free"
    if free < 2 * scratch.RESERVE:
        yield Finding("Scratch", State.WRONG, seen, "free some disk space")
    else:
        yield Finding("Scratch", State.FINE, seen)


def check_settings() -> Iterator[Finding]:
    """Run Django's checks, with those for deployment where the site is reached over HTTPS."""
    host = str(urlsplit(settings.SITE_URL).hostname)
    if not settings.HTTPS and not is_loopback(host):
        seen, remedy = "passwords travel unencrypted", "set DUBBER_SITE_URL to an https:// address"
        yield Finding("Settings", State.WRONG, seen, remedy)
        return
    found = checks.run_checks(include_deployment_checks=settings.HTTPS)
    wrong = [message for message in found if message.level >= checks.WARNING]
    wrong = [message for message in wrong if not message.is_silenced()]
    for message in wrong:
        remedy = str(message.hint or "see the documentation of this check")
        yield Finding(f"Setting {message.id}", State.WRONG, str(message.msg), remedy)
    if not wrong:
        mode = "development, this machine only" if settings.DEBUG else "production"
        yield Finding("Settings", State.FINE, f"{mode}, {settings.SITE_URL}")


def check_vendors() -> Iterator[Finding]:
    """Try every vendor's key, for less than a twentieth of a cent; look for what has ended."""
    for name, error in wiring.try_keys():
        title = f"{name}'s key"
        if error is None:
            yield Finding(title, State.FINE, "was accepted")
        else:
            seen, remedy = explained(error)
            yield Finding(title, State.WRONG, f"{seen} ({error.detail})", remedy)
    for engine in wiring.withdrawn():
        seen = f"ended on {engine.ends}, so nothing goes there any more"
        yield Finding(f"{engine.name} {engine.model}", State.WRONG, seen, "choose another model")


CONSOLE = "in the vendor's console"
WRONG_KEY = ("isn't accepted: it is wrong, or was deleted", f"copy it again {CONSOLE}")
UNPAID = (
    "is accepted, but the account has no credit left or isn't activated",
    f"add credit {CONSOLE}",
)
FORBIDDEN = ("is accepted, but may not do this", f"give it the permission {CONSOLE}")
NO_MODEL = (
    "is accepted, but may not use this model",
    "choose another (DUBBER_TRANSLATION_MODEL, DUBBER_RECOGNITION_MODEL, DUBBER_SPEECH_MODEL), ask "
    "the vendor for it, or look at the address (…_BASE_URL)",
)
SIGNS = {
    "no model": NO_MODEL,
    "404": NO_MODEL,
    "model_not_found": NO_MODEL,
    "no credentials": (
        "is missing",
        "set DUBBER_POLLY_ACCESS_KEY_ID and DUBBER_POLLY_SECRET_ACCESS_KEY, or give the machine "
        "a role",
    ),
    "UnrecognizedClientException": WRONG_KEY,
    "InvalidClientTokenId": WRONG_KEY,
    "InvalidSignatureException": WRONG_KEY,
    "IncompleteSignature": WRONG_KEY,
    "ExpiredTokenException": ("has expired", f"make another {CONSOLE}"),
    "OptInRequired": UNPAID,
    "401": WRONG_KEY,
    "402": UNPAID,
    "403": FORBIDDEN,
}
"""What the beginning of an error's details or their second word means, and what mends that."""

REST = {
    "VENDOR_ACCOUNT": FORBIDDEN,
    "ENGINE_REFUSED": (
        "is accepted, but what we asked for isn't understood: the model may not be meant for this",
        "choose another (DUBBER_TRANSLATION_MODEL, DUBBER_RECOGNITION_MODEL, DUBBER_SPEECH_MODEL)",
    ),
    "VENDOR_BUSY": ("can't be tried: the service has no time for us now", "try again in a minute"),
    "ENGINE_FAILED": (
        "can't be tried: the service can't be reached, or gave no answer that makes sense",
        "check the network and the address (…_BASE_URL, AWS_ENDPOINT_URL_POLLY)",
    ),
}


def explained(error: PipelineError) -> tuple[str, str]:
    """What is wrong with a vendor's key, and what would mend it."""
    detail = error.detail
    if error.code == "VENDOR_ACCOUNT":
        words = detail.split()
        signs = [sign for sign in SIGNS if detail.startswith(sign) or sign in words[1:2]]
        # The vendor's own word says more than the status before it.
        for sign in sorted(signs, key=str.isdecimal):
            return SIGNS[sign]
    return REST.get(error.code, ("can't be tried: the call failed", "try again later"))


def check_prices() -> Iterator[Finding]:
    """Tell what vendors' calls are recorded at, and since when that is known."""
    for engine, price in wiring.vendor_prices():
        name = f"Price of {engine}"
        dollars, unit = wiring.in_dollars(price)
        seen = f"${dollars:.4g} {unit}, read on {price.read}"
        if not price.microusd:
            seen = f"unknown, so its calls are recorded as free ({unit})"
            yield Finding(name, State.OFF, seen, "set DUBBER_VENDOR_PRICES")
        elif timezone.now().date() - price.read > PRICE_LASTS:
            yield Finding(name, State.OFF, seen, "compare, and set DUBBER_VENDOR_PRICES")
        else:
            yield Finding(name, State.FINE, seen)


def check_keys() -> Iterator[Finding]:
    """Tell which vendors have a key. None is needed."""
    present = {
        "Translation server (OPENAI_API_KEY or OPENAI_BASE_URL)": bool(
            settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL
        ),
        "Recognition and speech (DEEPGRAM_API_KEY)": bool(settings.DEEPGRAM_API_KEY),
        "Speech by Amazon Polly (DUBBER_POLLY)": settings.POLLY,
        "Payments (STRIPE_SECRET_KEY)": bool(settings.STRIPE_SECRET_KEY),
    }
    for name, there in present.items():
        yield Finding(name, State.FINE if there else State.OFF, "set" if there else "not set")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_python,
    check_ffmpeg,
    check_models,
    check_recognizer,
    check_languages,
    check_database,
    check_storage,
    check_scratch,
    check_settings,
    check_keys,
    check_vendors,
    check_prices,
)
