"""Mail to people. It is sent beside the request, whose time must not tell whether any was sent."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

log = logging.getLogger(__name__)

_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_sending: set[Future[None]] = set()
_lock = Lock()


def send(template: str, *, to: str, **words: object) -> None:
    """Send a text, once the transaction is done. The template's first line is the subject."""
    text = render_to_string(f"mail/{template}.txt", {**words, "site": settings.SITE_URL, "to": to})
    subject, _, body = text.strip().partition("\n")
    message = EmailMessage(subject=subject, body=body.strip() + "\n", to=[to])
    transaction.on_commit(lambda: _start(message))


def wait_until_sent() -> None:
    """Wait until nothing is on its way any more."""
    with _lock:
        sending = set(_sending)
    wait(sending)


def _start(message: EmailMessage) -> None:
    with _lock:
        future = _pool.submit(_deliver, message)
        _sending.add(future)
    future.add_done_callback(_sending.discard)


def _deliver(message: EmailMessage) -> None:
    try:
        message.send()
    except OSError:  # smtplib's errors are all of this kind
        log.exception("mail was not sent: %s", message.subject)
