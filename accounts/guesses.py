"""Slows down who guesses passwords, and locks nobody out of their own account.

Every attempt is counted before the password is looked at, so that guesses sent at once count too;
a right one is given back. Who is told to wait:
- an address that fails at many accounts;
- an address that fails at one account;
- for an account under attack from everywhere, networks from which its owner never signed in. The
  owner signs in from a known one, or proves the mailbox by resetting the password, which is always
  open and makes the network known.
"""

import hashlib
import hmac
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from accounts.models import KnownNetwork, User
from dubber import rate_limits
from dubber.rate_limits import TooMany, network_of

BY_ADDRESS = (30, 900)
AT_ONE_ACCOUNT = (10, 900)
FROM_UNKNOWN = (50, 3600)
"""Each: how many failures, in how many seconds."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an account, counted."""

    counters: tuple[str, ...]
    address: str


def begin(email: str, address: str) -> Attempt:
    """Count an attempt. Raises TooMany, whether or not there is such an account."""
    email, network = email.strip().lower(), network_of(address)
    known = KnownNetwork.objects.filter(user__email=email, network=digest(network)).exists()
    counters = {f"guess:{network}": BY_ADDRESS, f"guess:{network}:{email}": AT_ONE_ACCOUNT}
    if not known:
        counters[f"guess:unknown:{email}"] = FROM_UNKNOWN
    for what, (most, seconds) in counters.items():
        spent = rate_limits.count(what, most=most, seconds=seconds)
        if spent.exceeded:
            raise TooMany(spent)
    return Attempt(tuple(counters), address)


def was_right(attempt: Attempt, user: User) -> None:
    """Give the attempt back, and know the network from now on.

    Earlier slips at this account from this address are forgotten too.
    """
    for what in attempt.counters:
        rate_limits.give_back(what)
    rate_limits.forget(f"guess:{network_of(attempt.address)}:{user.email}")
    know_network(user, attempt.address)


def know_network(user: User, address: str) -> None:
    """Remember that the person was really there."""
    KnownNetwork.objects.update_or_create(
        user=user, network=digest(network_of(address)), defaults={"last_at": timezone.now()}
    )


def forgive(user: User, address: str) -> None:
    """Forget failures at one account from one address, once its owner proved the mailbox."""
    rate_limits.forget(f"guess:{network_of(address)}:{user.email}")
    know_network(user, address)


def digest(network: str) -> str:
    """A network as a row may name it."""
    return hmac.new(settings.TOKEN_KEY.encode(), network.encode(), hashlib.sha256).hexdigest()
