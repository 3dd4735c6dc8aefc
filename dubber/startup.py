"""What web and worker make sure of once, before they take any work."""

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


class NotReady(Exception):
    """The process must not start. The message is one sentence saying what to do."""


def require_ready() -> None:
    """Check that the database answers and has every migration. Raises NotReady."""
    try:
        executor = MigrationExecutor(connection)
    except (DatabaseError, ImproperlyConfigured) as error:
        raise NotReady(
            "The database doesn't answer: check DATABASE_URL and that the database runs."
        ) from error
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    connection.close()
    if missing:
        raise NotReady(
            f"The database lacks {len(missing)} migrations: run python manage.py setup_database."
        )
