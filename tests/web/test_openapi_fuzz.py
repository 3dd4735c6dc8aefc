"""The API does what it says of itself, whatever is sent to it.

schemathesis reads `/openapi.json`, sends what it allows and what it forbids, and compares every
answer with it. Each request finds the same rows: what it changed is undone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import hypothesis
import pytest
import schemathesis
import stripe
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from pytest_django import Settings
from schemathesis import checks
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks as openapi_checks

from jobs import editing, ordering, services
from tests.engines import engines
from tests.peers.stripe import StripePeer
from tests.web.fuzzing import Surroundings, aim, surroundings

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

Test = TypeVar("Test", bound=Callable[..., None])
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]
SOME, MANY = 40, 1000
"""Random requests for each operation, beside those that try every rule of its description."""


def every_operation(examples: int) -> Callable[[Test], Test]:
    """Let a test run for every operation of the description, with the same requests every time."""
    found = schemathesis.openapi.from_wsgi(
        "/openapi.json", WSGIHandler(), config=SchemathesisConfig(seed=4)
    )
    config = found.config
    config.generation.update(max_examples=examples, deterministic=True)
    config.phases.fuzzing.extra_data_sources.responses = False
    config.phases.fuzzing.error_feedback.is_enabled = False
    return cast("Callable[[Test], Test]", found.parametrize())


some, many = every_operation(SOME), every_operation(MANY)
QUIETLY = hypothesis.settings(
    deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)


@pytest.fixture
def around(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Surroundings]:
    """Make what is asked about, and let nobody be stopped for asking often."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 10**9)
    settings.DEBUG = False
    settings.STRIPE_SECRET_KEY = "sk_test_" + "only4tests" * 3
    edit: Any = editing.edit_lines
    called: list[Any] = [
        ordering.order_job, services.add_languages, editing.render, edit.__wrapped__,
    ]  # fmt: skip
    for service in called:
        monkeypatch.setitem(service.__kwdefaults__, "engines", engines)
    ends = (request_started, request_finished)
    for end in ends:  # they would end the test's own transaction, as Django's own client knows
        end.disconnect(close_old_connections)
    with StripePeer() as stripe_peer:
        monkeypatch.setattr(stripe, "api_base", stripe_peer.url)
        yield surroundings(tmp_path, stripe_peer)
    for end in ends:
        end.connect(close_old_connections)


def answer_holds(case: Any, around: Surroundings, headers: dict[str, str]) -> None:
    """Send a request, compare the answer with the description, and undo what it did."""
    case.path_parameters = aim(case.path_parameters, around.real)
    case.query = aim(case.query, around.real)
    case.body = aim(case.body, around.real)
    with transaction.atomic():
        case.call_and_validate(headers=headers, checks=CHECKS)
        transaction.set_rollback(True)
    around.peer.forget_keys()


@some
@QUIETLY
def test_what_is_answered_to_strangers_is_described(case: Any, around: Surroundings) -> None:
    answer_holds(case, around, {})


@some
@QUIETLY
def test_what_is_answered_to_who_is_signed_in_is_described(case: Any, around: Surroundings) -> None:
    answer_holds(case, around, {"Authorization": f"Bearer {around.token}"})


@pytest.mark.slow
@many
@QUIETLY
def test_what_is_answered_after_many_tries_is_described(case: Any, around: Surroundings) -> None:
    answer_holds(case, around, {"Authorization": f"Bearer {around.token}"})


def test_what_is_aimed_at_is_there(around: Surroundings) -> None:
    client = Client(headers={"Authorization": f"Bearer {around.token}"})
    names = ("job_id", "voice_track_uploaded", "languages", "options", "source_language")
    order = {name: around.real[name][0] for name in names}
    path = f"/api/jobs/{around.real['public_id'][0]}"
    line = {name: around.real[name][0] for name in ("id", "revision", "text")}

    made = client.post("/api/jobs", order, content_type="application/json")
    file = client.get(f"{path}/download?lang=es")
    edited = client.patch(
        f"{path}/languages/es/lines", {"lines": [line]}, content_type="application/json"
    )

    assert (made.status_code, file.status_code, edited.status_code) == (201, 302, 200)
