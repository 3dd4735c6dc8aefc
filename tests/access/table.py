"""How a table of access is written: one `Route` for every address and method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from jobs.models import DubbingJob

ROLES = ("nobody", "stranger", "owner", "unverified", "deactivated", "clerk", "staff")
"""clerk is staff without any permission; staff has them all."""

Outcome = int | str
"""A status, or where a redirect leads to (its beginning)."""


@dataclass
class World:
    """What there is when somebody asks: the owner's things, and everybody else."""

    people: Mapping[str, User]
    job: DubbingJob
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> User:
        """Whose job it is."""
        return self.people["owner"]


@dataclass(frozen=True)
class Route:
    """What every role gets from one method of one named address.

    arguments fills the address from the world; body is what is sent, as JSON to the API and as a
    form to pages.
    """

    name: str
    method: str
    expect: Mapping[str, Outcome]
    arguments: Callable[[World], Mapping[str, object]] = lambda _: {}
    body: Callable[[World], Mapping[str, object]] = lambda _: {}
    query: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def everybody(status: Outcome, **others: Outcome) -> dict[str, Outcome]:
    """The same for all, but for `others`."""
    return dict.fromkeys(ROLES, status) | others


def api_own(status: Outcome, **others: Outcome) -> dict[str, Outcome]:
    """An address of the API where all who are verified find what is theirs."""
    closed = {"nobody": 401, "deactivated": 401, "unverified": 403}
    return everybody(status) | closed | others


def api_owner(status: Outcome, **others: Outcome) -> dict[str, Outcome]:
    """An address of the API for one thing, which nobody finds but its owner."""
    return api_own(404, owner=status) | others


def page_own(status: Outcome, **others: Outcome) -> dict[str, Outcome]:
    """A page where all who are verified find what is theirs."""
    closed = {"nobody": "/login", "deactivated": "/login", "unverified": "/verify-email"}
    return everybody(status) | closed | others


def page_owner(status: Outcome, **others: Outcome) -> dict[str, Outcome]:
    """A page of one thing, which nobody finds but its owner."""
    return page_own(404, owner=status) | others
