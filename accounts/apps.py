"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who uses the service."""

    name = "accounts"
