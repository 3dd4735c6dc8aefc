"""What a vendor's HTTP status means to us: which ProviderFailed it becomes.

Source: RFC 9110 §15 and §10.2.3 (Retry-After), and what vendors add to them.
"""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from jobs.pipeline.errors import ProviderFailed

BUSY = frozenset({429, 503, 529})
FORBIDDEN = 403
ACCOUNT = frozenset({401, 402, FORBIDDEN})
REFUSED = frozenset({400, 413, 415, 422})  # this text or sound, which won't change by itself
TOO_LONG = 413
GONE = 404  # OpenAI's for a model, or an address, that isn't there: our staff has to choose another
LONGEST_AFTER = 3600.0  # seconds: who names a later time is asked once more all the same

# What reading an answer raises that isn't as its vendor documents it.
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)


class TooLong(ProviderFailed):
    """The vendor takes less at once; parts of it may pass."""


class Forbidden(ProviderFailed):
    """The key may not do this; it may be good for something else."""


KINDS: Mapping[int, type[ProviderFailed]] = {TOO_LONG: TooLong, FORBIDDEN: Forbidden}


def failure(
    engine: str, status: int, *, detail: str = "", headers: Mapping[str, str] | None = None
) -> ProviderFailed:
    """The error for a status; `detail` may hold codes and request ids, never customers' words."""
    detail = f"{status} {detail}".strip()
    if status in BUSY:
        after = retry_after(headers or {})
        return ProviderFailed("VENDOR_BUSY", engine=engine, detail=detail, after=after)
    kind = KINDS.get(status, ProviderFailed)
    return kind(_code(status), engine=engine, detail=detail)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the vendor wants to hear from us again, an hour at most; None where unsaid."""
    said = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    seconds = _seconds(said)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_AFTER)


def _seconds(said: str) -> float | None:
    """The seconds that a Retry-After means: it has a number or a date."""
    try:
        return float(said) if math.isfinite(float(said)) else None
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(said).timestamp() - time.time()
    except (OverflowError, ValueError):
        return None


def _code(status: int) -> str:
    if status in ACCOUNT:
        return "VENDOR_ACCOUNT"
    return "ENGINE_REFUSED" if status in REFUSED else "ENGINE_FAILED"
