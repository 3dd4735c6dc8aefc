"""Mail on a developer's machine: to the console, and as files in var/mail."""

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend as Console
from django.core.mail.backends.filebased import EmailBackend as Files


class EmailBackend(Files):
    """Writes every message twice."""

    def write_message(self, message: EmailMessage) -> None:
        """Write one message."""
        super().write_message(message)
        Console().write_message(message)
