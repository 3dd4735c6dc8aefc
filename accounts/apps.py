"""The accounts app, and the admin behind a second factor."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    """Who uses the service."""

    name = "accounts"
    default = True


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin, on our own site object."""

    default = False
    default_site = "accounts.staff_site.StaffSite"
