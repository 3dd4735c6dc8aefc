"""How the peer's events travel: signed like Stripe's, sent over HTTP, and again until heard."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True)
class Message:
    """One signed request to a webhook."""

    body: bytes
    signature: str

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the body."""
        return {"Content-Type": "application/json", "Stripe-Signature": self.signature}


def signed(event: Mapping[str, Any], secret: str, *, age: float = 0.0) -> Message:
    """An event as Stripe signs it, `age` seconds ago (below zero: in the future)."""
    body = json.dumps(event, indent=2).encode()
    at = int(time.time() - age)
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return Message(body, f"t={at},v1={digest}")


def send(event: Mapping[str, Any], *, url: str, secret: str) -> int:
    """Send an event once; the status that came back, 0 if nobody answered."""
    message = signed(event, secret)
    request = urllib.request.Request(url, message.body, message.headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def send_until_heard(
    event: Mapping[str, Any], *, url: str, secret: str, patience: float = 600.0
) -> bool:
    """Send an event again and again, with longer pauses, until it is accepted."""
    pause, deadline = FIRST_PAUSE, time.monotonic() + patience
    while time.monotonic() < deadline:
        if 200 <= send(event, url=url, secret=secret) < 300:
            return True
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    return False
