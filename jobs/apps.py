"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Dubbing jobs, from upload to download."""

    name = "jobs"
