"""Builds rows through the real services."""

from itertools import count

from accounts.models import User
from billing import ledger

_numbers = count(1)


def user(email: str = "", *, credits: int = 0, password: str | None = None) -> User:
    """Make a person, with credits granted to them."""
    person = User.objects.create_user(email or f"person{next(_numbers)}@example.com", password)
    if credits:
        ledger.grant(
            person, credits=credits, reference=f"start:{person.pk}", reason="To begin with", by=None
        )
    return person
