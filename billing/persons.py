"""Once per person: what is left of somebody whose account is gone, and can only be asked for.

The address is normalised first, so that the usual ways of writing one mailbox in many forms count
as one person: capitals, +tags, and the dots of Gmail.
"""

import hashlib
import hmac

from django.conf import settings

from accounts.models import User
from billing.models import KnownPerson

DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


def normalised(email: str) -> str:
    """One form of all addresses that reach the same mailbox."""
    name, _at, host = email.strip().lower().rpartition("@")
    host = host.rstrip(".")
    name = name.partition("+")[0]
    if host in DOTLESS:
        name, host = name.replace(".", ""), DOTLESS[host]
    return f"{name}@{host}"


def marks_of(user: User) -> list[KnownPerson]:
    """The rows that stand for this person, not written yet."""
    marks = [(KnownPerson.By.EMAIL, normalised(user.email))]
    if user.supabase_id:
        marks.append((KnownPerson.By.SUBJECT, str(user.supabase_id)))
    return [KnownPerson(by=by, digest=_digest(by, value)) for by, value in marks]


def _digest(by: str, value: str) -> str:
    key = settings.PERSON_KEY.encode()
    return hmac.new(key, f"{by} {value}".encode(), hashlib.sha256).hexdigest()
