"""Where somebody came from, as an address or a form says it: never another site."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def next_of(request: HttpRequest) -> str:
    """The page to go on to, as a path of this site; empty where none is named."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = asked.startswith("/") and url_has_allowed_host_and_scheme(
        asked, allowed_hosts=None, require_https=request.is_secure()
    )
    return asked if safe else ""
