"""Mail to people. It is sent beside the request, whose time must not tell whether any was sent."""

import logging
from collections.abc import Mapping
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


def send(template: str, *, to: str, reply_to: str = "", **words: object) -> None:
    """Send a text, once the transaction is done."""
    message = compose(template, to=to, reply_to=reply_to, words=words)
    transaction.on_commit(lambda: _start(message))


def compose(
    template: str,
    *,
    to: str,
    words: Mapping[str, object],
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """Write a text. The template's first line is the subject."""
    told = {**words, "site": settings.SITE_URL, "to": to, "reply_to": reply_to}
    text = render_to_string(f"mail/{template}.txt", told)
    subject, _, body = text.strip().partition("\n")
    return EmailMessage(
        subject=subject,
        body=body.strip() + "\n",
        to=[to],
        reply_to=[reply_to] if reply_to else None,
        headers=dict(headers or {}),
    )


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
