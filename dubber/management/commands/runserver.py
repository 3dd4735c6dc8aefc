"""`manage.py runserver`: Django's development server, on DUBBER_BIND unless told otherwise.

Static files are left to WhiteNoise, as in production.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.runserver import Command as RunServer

from dubber.settings import is_loopback


class Command(RunServer):
    """Serve the site to this machine."""

    addr: str  # set by handle() of the class above, without the brackets of IPv6
    default_addr = settings.BIND_HOST
    default_port = str(settings.BIND_PORT)

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Serve, unless others could reach what is for development only."""
        if (settings.DEBUG or settings.DEV_TOKEN) and not is_loopback(self.addr):
            raise CommandError(
                "DEBUG and DUBBER_DEV_TOKEN are for this machine only: "
                "listen on 127.0.0.1, or turn both off."
            )
        super().inner_run(*args, **options)
