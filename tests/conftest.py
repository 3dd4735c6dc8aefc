"""What every test stands on: settings of its own, a database of its own, and no network.

Tests marked `postgres` run on a throw-away PostgreSQL cluster, everything else on SQLite; so they
are chosen with `-m postgres`, apart from the others; `--on-postgres` runs any test there. Both
databases are copies of a template (tests/database.py).
"""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.database import copy_sqlite, postgres_cluster
from tests.postgres import copy_template

SETTING = re.compile(
    r"DUBBER_|AWS_|STRIPE_|OPENAI_|DEEPGRAM_|SUPABASE_|(SECRET_KEY|DEBUG|DATABASE_URL|CORS_ORIGINS)$"
)
KEPT = {"DUBBER_MODELS"}  # the models on this machine are what the `models` tests try
SERVER = "TEST_POSTGRES_SERVER"  # tells pytest-xdist's workers where the cluster is


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests that run on SQLite run on PostgreSQL instead."""
    parser.addoption("--on-postgres", action="store_true", help="use PostgreSQL for every test")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare settings and database before pytest-django loads Django."""
    # A shell starts its background jobs deaf to Ctrl-C, and what we start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="dubber-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    set_environment(folder)
    wanted = config.option.on_postgres or wants_postgres(config.option.markexpr)
    if wanted and SERVER not in os.environ:
        cluster = postgres_cluster()
        config.add_cleanup(cluster.stop)
        os.environ[SERVER] = cluster.url("postgres")
    if SERVER in os.environ:
        database = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        os.environ["DATABASE_URL"] = copy_template(os.environ[SERVER], database)
    else:
        os.environ["DATABASE_URL"] = copy_sqlite(folder)
    load_settings()


def set_environment(place: Path) -> None:
    """Replace this machine's settings by those of the tests."""
    for name in [name for name in os.environ if SETTING.match(name) and name not in KEPT]:
        del os.environ[name]
    os.environ |= {
        "DUBBER_ENV_FILE": os.devnull,
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests-12345678",
        "DEBUG": "true",
        "DUBBER_FULL_SET": "false",  # tests must not depend on whether somebody installed it
        "DUBBER_DEMO_PASSWORD": "only-for-tests",
        "DUBBER_STORAGE_ROOT": str(place / "storage"),
        "DUBBER_SCRATCH": str(place / "scratch"),
        "DUBBER_SAMPLE": str(place / "sample"),  # nor on whether the demo was run
    }


def load_settings() -> None:
    """Load the settings, which tells pytest-django to set Django up, after this.

    The variable must not stay: pytest-xdist's workers would load the settings before their turn.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "dubber.settings"
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow
    del os.environ["DJANGO_SETTINGS_MODULE"]


def wants_postgres(marks: str) -> bool:
    """Say whether `-m` chooses tests marked `postgres`."""
    if not marks:
        return True
    expression = Expression.compile(marks)

    def alone(name: str, /, **_: object) -> bool:
        return name == "postgres"

    def among_others(_name: str, /, **_: object) -> bool:
        return True

    return "postgres" in marks and any(map(expression.evaluate, (alone, among_others)))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the tests alone that read the API's description first, which takes seconds."""
    unwanted = SERVER not in os.environ and collection_path.name == "test_openapi_fuzz.py"
    return unwanted or None


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what works on rows, so that the unmarked tests are those that take no time."""
    asked = getattr(item, "fixturenames", ())
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(asked):
        item.add_marker("rows")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse to let a test that needs PostgreSQL pass on SQLite."""
    if SERVER in os.environ:
        return
    for item in items:
        if item.get_closest_marker("postgres"):
            raise pytest.UsageError(f"{item.nodeid} needs PostgreSQL: choose it with -m postgres.")


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Keep pytest-django from creating a database: pytest_configure already did."""


@pytest.fixture
def adds_up(db: None) -> Iterator[None]:
    """Compare ledger, languages and payments when the test has done its worst."""
    yield
    from dubber.reconcile import differences_found

    assert [str(found) for found in differences_found()] == []
