"""Credits in templates."""

from django import template

from billing.queries import balance_of

register = template.Library()
register.simple_tag(balance_of)
