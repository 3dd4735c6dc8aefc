"""The file by which a Stripe account outlives a restart: a site's rows name what is in it."""

import json
import secrets
from pathlib import Path

from tests.peers.stripe_account import Account


def read(book: Path) -> Account:
    """The account of that file; a new one where there is none."""
    if not book.exists():
        return Account(mark=secrets.token_hex(4))
    told = json.loads(book.read_text())
    objects = told["objects"]
    return Account(
        mark=told["mark"], objects=objects, events=[objects[event] for event in told["events"]]
    )


def write(book: Path, account: Account) -> None:
    """Keep the account, whole or not at all."""
    told = {
        "mark": account.mark,
        "objects": account.objects,
        "events": [event["id"] for event in account.events],
    }
    book.parent.mkdir(parents=True, exist_ok=True)
    fresh = book.with_suffix(".new")
    fresh.write_text(json.dumps(told))
    fresh.replace(book)
