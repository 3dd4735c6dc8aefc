"""How vendors fail, and plans of when they do."""

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum


class Fault(StrEnum):
    """One way to fail."""

    BUSY = "429"
    BUSY_UNTIL = "429 with Retry-After"
    WRONG_KEY = "401"
    UNPAID = "402"
    FORBIDDEN = "403"
    BROKEN = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    TIMED_OUT = "504"
    REFUSED = "refused"  # the connection is closed before anything is read
    RESET = "reset after the request"
    HALF_CLOSED = "half of the answer, then closed"
    TRICKLE = "one byte a second"
    HTML = "HTML"
    CUT_JSON = "cut JSON"
    WRONG_IDS = "wrong ids"
    EMPTY_AUDIO = "empty audio"
    MP3 = "MP3 in place of what was asked for"
    TOO_LONG = "ten times too long"
    TOO_SHORT = "the first tenth alone, well formed"  # a short line may pass for one said quickly
    REFUSAL = "refusal"
    CONTENT_FILTER = "content filter"


STATUS = {
    Fault.BUSY: 429,
    Fault.BUSY_UNTIL: 429,
    Fault.WRONG_KEY: 401,
    Fault.UNPAID: 402,
    Fault.FORBIDDEN: 403,
    Fault.BROKEN: 500,
    Fault.BAD_GATEWAY: 502,
    Fault.UNAVAILABLE: 503,
    Fault.TIMED_OUT: 504,
}
ACCOUNT = (Fault.WRONG_KEY, Fault.UNPAID, Fault.FORBIDDEN)  # our staff has to see to these
TRANSPORT = (Fault.REFUSED, Fault.RESET, Fault.HALF_CLOSED, Fault.TRICKLE, Fault.HTML)
AUDIO = (Fault.EMPTY_AUDIO, Fault.MP3, Fault.TOO_LONG)
TIMES_AS_LONG = {Fault.TOO_LONG: 10.0, Fault.TOO_SHORT: 0.1}
WORDS = (Fault.WRONG_IDS, Fault.REFUSAL, Fault.CONTENT_FILTER)
PASSING = (
    *(fault for fault in STATUS if fault not in ACCOUNT),
    *TRANSPORT,
    *AUDIO,
    Fault.CUT_JSON,
    Fault.WRONG_IDS,
)  # which another call may not meet


def times_as_long(fault: Fault | None) -> float:
    """How long speech is, against what its text takes."""
    return 1.0 if fault is None else TIMES_AS_LONG.get(fault, 1.0)


Plan = Callable[[str, str, int], Fault | None]  # of vendor, kind and number of the call


def never(_vendor: str, _kind: str, _number: int) -> Fault | None:
    """Nothing fails."""
    return None


def always(fault: Fault) -> Plan:
    """Every call fails this way."""
    return lambda vendor, kind, number: fault


def first(*faults: Fault | None) -> Plan:
    """The first calls of every vendor and kind fail like this, one after the other."""
    return lambda vendor, kind, number: faults[number] if number < len(faults) else None


def seeded(seed: int, share: float, faults: Sequence[Fault]) -> Plan:
    """That share of all calls fails, the same ones for the same seed, each by some fault."""

    def plan(vendor: str, kind: str, number: int) -> Fault | None:
        digest = hashlib.sha256(f"{seed} {vendor} {kind} {number}".encode()).digest()
        if int.from_bytes(digest[:4]) / 2**32 >= share:
            return None
        return faults[int.from_bytes(digest[4:8]) % len(faults)]

    return plan
