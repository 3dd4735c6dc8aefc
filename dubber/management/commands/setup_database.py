"""`manage.py setup_database`: bring the database to the present schema, quickly where it is new.

dj-stripe's migrations take minutes on an empty database, because they first build its tables as
they were years ago. A new database gets those tables as they are now, and the migrations are marked
as applied; a test proves that both ways end in the same schema. Everything else, and every old
database, is migrated normally.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from dubber.startup import NO_ANSWER

DIRECT = "djstripe"


class Command(BaseCommand):
    """Create or update the tables."""

    help = "Create the tables of a new database quickly, or migrate an old one."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; the second time there is nothing to do."""
        verbosity = options["verbosity"]
        if connection.vendor == "sqlite":
            Path(connection.settings_dict["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            raise CommandError(NO_ANSWER) from error
        if is_new(connection):
            create_directly(connection, DIRECT)
        call_command("migrate", interactive=False, verbosity=max(verbosity - 1, 0))
        if verbosity:
            self.stdout.write("The database is ready.")


def is_new(connection: BaseDatabaseWrapper) -> bool:
    """Say whether no migration of the slow app, nor any of its tables, is there."""
    applied = MigrationRecorder(connection).applied_migrations()
    tables = connection.introspection.table_names()
    return not any(app == DIRECT for app, _ in applied) and not any(
        table.startswith(f"{DIRECT}_") for table in tables
    )


def create_directly(connection: BaseDatabaseWrapper, label: str) -> None:
    """Create an app's tables as its migrations leave them, and mark these as applied.

    All or nothing is done. The users' table comes first, by its own first migration, since the app
    refers to it. The models are those that the migrations end with: their keys may differ in type
    from the app's own.
    """
    users = settings.AUTH_USER_MODEL.split(".")[0]
    executor = MigrationExecutor(connection)
    executor.migrate([node for node in executor.loader.graph.root_nodes(users) if node[0] == users])
    state = executor.loader.project_state(executor.loader.graph.leaf_nodes(label))
    recorder = MigrationRecorder(connection)
    with connection.schema_editor(atomic=True) as editor:
        for model in state.apps.get_app_config(label).get_models():
            editor.create_model(model)
        for app, name in executor.loader.disk_migrations:
            if app == label:
                recorder.record_applied(app, name)
