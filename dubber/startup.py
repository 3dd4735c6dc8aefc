"""What web and worker make sure of once, before they take any work."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

NO_ANSWER = "The database doesn't answer: check DATABASE_URL and that the database runs."


class NotReady(Exception):
    """The process must not start. The message is one sentence saying what to do."""


def require_ready() -> None:
    """Check that the database answers and has every migration. Raises NotReady."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise NotReady(NO_ANSWER) from error
    if missing:
        migrations = "1 migration" if len(missing) == 1 else f"{len(missing)} migrations"
        raise NotReady(f"The database lacks {migrations}: run python manage.py setup_database.")
