"""What the frame of every page asks for."""

from typing import TYPE_CHECKING, Any

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()

THEMES = frozenset({"light", "dark"})
"""What the cookie of the theme switch may say; without it the device decides."""


@register.simple_tag(takes_context=True)
def chosen_theme(context: RequestContext) -> SafeString:
    """The attribute that carries the chosen theme, so that the first paint has it already."""
    request: HttpRequest | None = context.get("request")
    theme = request.COOKIES.get("theme", "") if request else ""
    return format_html('data-theme="{}"', theme) if theme in THEMES else SafeString("")


@register.simple_tag(takes_context=True)
def here(context: RequestContext, name: str) -> SafeString:
    """The attribute that marks a link to the page one is on; `name` is that of its address."""
    match: Any = getattr(context.get("request"), "resolver_match", None)
    found = match is not None and match.url_name == name
    return SafeString('aria-current="page"') if found else SafeString("")
