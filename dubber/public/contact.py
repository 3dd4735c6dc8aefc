"""Messages to whoever runs the site."""

from django.conf import settings
from django.utils.translation import gettext as _

from accounts import mail
from dubber import rate_limits
from dubber.errors import UserError

MOST_AN_HOUR = 5
HOUR = 3600


def reader() -> str:
    """The address that gets the messages; empty where nobody reads them."""
    address: str = settings.CONTACT_EMAIL
    return address


def send_message(message: str, *, email: str, address: str) -> None:
    """Send somebody's message on, to be answered to `email`.

    `address` is that of who asks; one network sends a few an hour. Raises UserError.
    """
    if not reader():
        raise UserError("service_busy", _("Nobody reads messages at this site yet."), status=503)
    who = f"contact:net:{rate_limits.network_of(address)}"
    spent = rate_limits.count(who, most=MOST_AN_HOUR, seconds=HOUR)
    if spent.exceeded:
        raise rate_limits.TooMany(spent)
    mail.send("contact", to=reader(), reply_to=email, message=message)
