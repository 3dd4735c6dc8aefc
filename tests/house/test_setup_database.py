"""A new database is made quickly, and is the same as one made by every migration."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler

from dubber.env import database_from_url
from dubber.startup import NotReady, require_ready
from tests.house.schema import schema

ROOT = Path(__file__).resolve().parent.parent.parent


def command(name: str, url: str) -> None:
    """Run a command of manage.py on a database."""
    env = {**os.environ, "DATABASE_URL": url}
    subprocess.run([sys.executable, "manage.py", name, "-v0"], cwd=ROOT, env=env, check=True)


def schema_at(url: str) -> dict[str, Any]:
    """Describe dj-stripe's tables in a database."""
    handler = ConnectionHandler({"default": database_from_url(url, ROOT)})
    try:
        return schema(handler["default"], "djstripe_")
    finally:
        handler["default"].close()


@pytest.mark.django_db
def test_every_table_of_dj_stripe_answers() -> None:
    models = list(apps.get_app_config("djstripe").get_models(include_auto_created=True))

    rows = [model._base_manager.count() for model in models]
    first = [model._base_manager.first() for model in models]

    assert len(models) > 50
    assert set(rows) == {0}
    assert set(first) == {None}


@pytest.mark.django_db
def test_every_migration_counts_as_applied() -> None:
    on_disk = set(MigrationExecutor(connection).loader.disk_migrations)

    applied = set(MigrationRecorder(connection).applied_migrations())

    assert applied == on_disk


@pytest.mark.django_db
def test_setting_up_again_changes_nothing() -> None:
    before = connection.introspection.table_names()

    call_command("setup_database", verbosity=0)

    assert connection.introspection.table_names() == before


@pytest.mark.django_db
def test_a_database_with_every_migration_is_ready() -> None:
    require_ready()


@pytest.mark.django_db
def test_a_database_that_lacks_a_migration_is_not_ready() -> None:
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")

    with pytest.raises(NotReady, match=r"lacks 1 migration: run .*manage.py setup_database\."):
        require_ready()


@pytest.mark.slow
@pytest.mark.django_db
def test_both_ways_end_in_the_same_schema_on_sqlite(tmp_path: Path) -> None:
    quick, normal = (f"sqlite:///{tmp_path}/{name}.sqlite3" for name in ("quick", "normal"))

    command("setup_database", quick)
    command("migrate", normal)

    assert schema_at(quick) == schema_at(normal)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db
def test_both_ways_end_in_the_same_schema_on_postgresql() -> None:
    server = os.environ["TEST_POSTGRES_SERVER"]
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE quick")
        admin.execute("CREATE DATABASE normal")
    quick, normal = (server.replace("///postgres?", f"///{name}?") for name in ("quick", "normal"))

    command("setup_database", quick)
    command("migrate", normal)

    assert schema_at(quick) == schema_at(normal)
