"""How often somebody may ask, counted in the database, so that all processes share it.

A window starts with its first request. Counting is one upsert: exact however many ask at once.
"""

import hashlib
import hmac
import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext as _

from dubber.errors import UserError
from dubber.models import RateWindow

COUNT = """
INSERT INTO dubber_ratewindow (key, hits, ends) VALUES (%(key)s, 1, %(ends)s)
ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN dubber_ratewindow.ends <= %(now)s THEN 1 ELSE dubber_ratewindow.hits + 1 END,
    ends = CASE WHEN dubber_ratewindow.ends <= %(now)s THEN excluded.ends
                ELSE dubber_ratewindow.ends END
RETURNING hits, ends
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """A named limit; how much of it is allowed in one window stands in the settings."""

    name: str
    seconds: int

    def most(self, user: AbstractBaseUser | AnonymousUser | None = None) -> int:
        """How often in a window; a user may have a number of their own."""
        own = getattr(user, "rate_limits", None) or {}
        return int(own.get(self.name, settings.RATE_LIMITS[self.name]))


AUTH = Limit("auth", 60)
UPLOAD = Limit("upload", 60)
JOBS = Limit("jobs", 60)
HEALTH = Limit("health", 60)
API = Limit("api", 3600)
PAGES = Limit("pages", 60)
"""Forms that are sent from pages."""

STRANGERS = Limit("strangers", 3600)
"""Requests without a valid credential, by address."""

BY_NETWORK = frozenset({AUTH, HEALTH, PAGES})
"""Limits that hold for who is not signed in too."""

BY_PATH: Sequence[tuple[str, tuple[Limit, ...]]] = (
    ("/health", (HEALTH,)),
    ("/worker/health", (HEALTH,)),
    ("/api/auth/health", (HEALTH,)),
    ("/api/auth/", (AUTH,)),
    ("/api/jobs/upload-urls", (UPLOAD, JOBS)),
    ("/api/jobs", (JOBS,)),
)


@dataclass(frozen=True, slots=True)
class Spent:
    """Where a limit stands after a request. ends is in seconds since 1970."""

    most: int
    hits: int
    ends: int

    @property
    def left(self) -> int:
        """How many requests the window still allows."""
        return max(0, self.most - self.hits)

    @property
    def exceeded(self) -> bool:
        """Say whether this request was one too many."""
        return self.hits > self.most

    @property
    def wait(self) -> int:
        """Seconds until the window ends, at least one."""
        return max(1, self.ends - int(time.time()))

    @property
    def headers(self) -> dict[str, str]:
        """What an answer tells about it."""
        return {
            "X-RateLimit-Limit": str(self.most),
            "X-RateLimit-Remaining": str(self.left),
            "X-RateLimit-Reset": str(self.ends),
        }


class TooMany(UserError):
    """Somebody asked too often; `spent` is the limit that they reached."""

    def __init__(self, spent: Spent) -> None:
        self.spent = spent
        super().__init__(
            "rate_limit_exceeded",
            _("Too many requests. Try again in %(seconds)d seconds.") % {"seconds": spent.wait},
            status=429,
            retry_after=spent.wait,
        )


def limits_of(path: str) -> tuple[Limit, ...]:
    """The limits that a path of the API counts against."""
    return next((limits for start, limits in BY_PATH if path.startswith(start)), (API,))


def spend(
    request: HttpRequest, user: AbstractBaseUser | AnonymousUser, limits: Sequence[Limit]
) -> Spent | None:
    """Count one request; the limit that it came nearest to. Raises TooMany."""
    if user.is_authenticated:
        who, counted = f"user:{user.pk}", list(limits)
    else:
        who = f"net:{network_of(client_address(request))}"
        counted = [limit for limit in limits if limit in BY_NETWORK]
        counted += [] if not {HEALTH, PAGES}.isdisjoint(limits) or not limits else [STRANGERS]
    tightest = None
    for limit in counted:
        spent = count(f"{limit.name}:{who}", most=limit.most(user), seconds=limit.seconds)
        if spent.exceeded:
            raise TooMany(spent)
        if tightest is None or spent.left < tightest.left:
            tightest = spent
    return tightest


def count(what: str, *, most: int, seconds: int) -> Spent:
    """Count one more of something. The database knows it by a keyed digest only."""
    now = int(time.time())
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": _key(what), "now": now, "ends": now + seconds})
        hits, ends = cursor.fetchone()
    return Spent(most=most, hits=hits, ends=ends)


def give_back(what: str) -> None:
    """Count one less of something that turned out not to count."""
    RateWindow.objects.filter(key=_key(what), hits__gt=0).update(hits=F("hits") - 1)


def forget(what: str) -> None:
    """Begin anew with the next one."""
    RateWindow.objects.filter(key=_key(what)).delete()


def forget_ended() -> int:
    """Remove windows that have ended; how many there were."""
    return RateWindow.objects.filter(ends__lt=int(time.time())).delete()[0]


def client_address(request: HttpRequest) -> str:
    """The address of who asks, as far as the proxies in front can be believed."""
    direct = str(request.META.get("REMOTE_ADDR", ""))
    proxies: int = settings.TRUSTED_PROXIES
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if not proxies or told == [""]:
        return direct
    chosen = told[-min(proxies, len(told))]
    try:
        return str(ipaddress.ip_address(chosen))
    except ValueError:
        return direct


def network_of(address: str) -> str:
    """What one customer's line can't change: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = ip_of(address)
    if parsed is None:
        return "unknown"
    return str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))


def ip_of(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as a number, an IPv4 one that is written as IPv6 as what it is; else None."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _key(what: str) -> str:
    return hmac.new(settings.LINK_KEY.encode(), what.encode(), hashlib.sha256).hexdigest()
