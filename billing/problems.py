"""Why a payment did not arrive, in words that help the person who tried.

Source: https://docs.stripe.com/declines/codes and the states of a payment intent. Reasons that a
thief would like to know, such as a card reported stolen, are told like any other refusal.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.gateway import Payment

REFUSED = _("Your bank refused the card. Nothing was charged; try another card or ask your bank.")

PROBLEMS: Mapping[str, Promise] = {
    "insufficient_funds": _("There isn't enough money on this card. Nothing was charged."),
    "expired_card": _("This card has expired. Nothing was charged; try another one."),
    "incorrect_cvc": _("The security code is wrong. Nothing was charged; check it and try again."),
    "incorrect_number": _("The card number is wrong. Nothing was charged; check it."),
    "processing_error": _("The bank couldn't be reached. Nothing was charged; try again."),
    "payment_intent_authentication_failure": _(
        "Your bank couldn't confirm that it was you. Nothing was charged; try again."
    ),
    "authentication_required": _(
        "Your bank wants you to confirm the payment. Nothing was charged; try again."
    ),
}

STATES: Mapping[str, Promise] = {
    "requires_payment_method": _("You have not paid yet."),
    "requires_confirmation": _("You have not paid yet."),
    "requires_action": _("Your bank wants you to confirm the payment first."),
    "processing": _("Your bank is still working on it. Your credits come by themselves."),
    "canceled": _("This payment was cancelled. Nothing was charged."),
}


def sentence_for(payment: Payment) -> str:
    """What to tell about a payment that has not arrived."""
    if payment.problem and payment.status == "requires_payment_method":
        return str(PROBLEMS.get(payment.problem, REFUSED))
    return str(STATES.get(payment.status, REFUSED))
