"""The page at Stripe on which a customer pays, as far as one needs to click through it."""

import html
from typing import Any

from tests.peers.stripe_account import DECLINES, GOOD_CARD, NEEDS_CONFIRMATION, SLOW

Object = dict[str, Any]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width">
<title>{title}</title><h1>{title}</h1><p>{price}</p><p role="status">{told}</p>
<form method="post">{buttons}</form>"""

CARDS = {
    GOOD_CARD: "Pay",
    "pm_card_chargeDeclined": "Pay with a refused card",
    "pm_card_chargeDeclinedInsufficientFunds": "Pay with an empty card",
    NEEDS_CONFIRMATION: "Pay with a card whose bank asks",
    SLOW: "Pay through a slow bank",
    "cancel": "Cancel",
}
AT_THE_BANK = {GOOD_CARD: "It is me", "deny": "It isn’t me", "cancel": "Cancel"}


def page_of(session: Object, intent: Object | None) -> str:
    """The page as it stands, with one button for everything that may happen."""
    asks = intent is not None and intent["status"] == "requires_action"
    told = "Your bank asks whether it is you." if asks else _refusal(intent)
    if session["status"] != "open":
        told = "This page can’t be used any more."
    buttons = AT_THE_BANK if asks else CARDS
    return PAGE.format(
        title=html.escape(session["title"]),
        price=f"{session['amount_total'] / 100:.2f} {session['currency'].upper()}",
        told=told,
        buttons="".join(
            f'<p><button name="card" value="{card}">{label}</button></p>'
            for card, label in buttons.items()
        ),
    )


def _refusal(intent: Object | None) -> str:
    error = intent and intent["last_payment_error"]
    if not error:
        return ""
    known = {code for codes in DECLINES.values() for code in codes}
    return "Your card was declined." if error["code"] in known else "Your bank said no."
