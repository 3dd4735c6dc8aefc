"""The jobs app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Dubbing jobs, from upload to download."""

    name = "jobs"

    def ready(self) -> None:
        """Fit the queue to us before anything is sent or taken."""
        from jobs import queue, wiring  # noqa: PLC0415 (models must be loaded first)

        queue.prepare()
        if queue.is_group():
            wiring.load_libraries()
