"""What every answer of the API has, whatever it is about."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from rest_framework.serializers import Serializer

from accounts import tokens
from dubber import health, openapi
from dubber.openapi_examples import EXAMPLES
from jobs import options
from tests import make
from tests.accounts.asking import ask, code_of

pytestmark = pytest.mark.django_db
ME = "/api/users/me"
FRONT = "http://localhost:3000"


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing/here", 404, "not_found"),
        ("GET", ME, 401, "authentication_required"),
        ("DELETE", "/api/auth/login", 405, "method_not_allowed"),
        ("POST", "/api/auth/login", 400, "validation_error"),
        ("OPTIONS", "/api/auth/health", 405, "method_not_allowed"),
    ],
)
def test_every_refusal_has_the_same_shape(
    settings: Any, debug: bool, method: str, path: str, status: int, code: str
) -> None:
    settings.DEBUG = debug

    answer = Client().generic(method, path, "{}", content_type="application/json")

    told = answer.json()
    assert (answer.status_code, told["status_code"], told["error"]) == (status, status, code)
    assert set(told) == {"error", "message", "details", "status_code", "request_id"}
    assert told["request_id"] == answer["X-Request-ID"]
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{not json", "application/json", 400, "validation_error"),
        ("[]", "application/json", 400, "validation_error"),
        ('"text"', "application/json", 400, "validation_error"),
        ("a=b", "application/x-www-form-urlencoded", 415, "unsupported_media"),
        ("\ud800".encode("utf-16", "surrogatepass"), "application/json", 400, "validation_error"),
        ("[" * 100_000, "application/json", 400, "validation_error"),
        ("x" * 3_000_000, "application/json", 413, "too_large"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(
    body: Any, kind: str, status: int, code: str
) -> None:
    answer = Client().generic("POST", "/api/auth/login", body, content_type=kind)

    assert code_of(answer) == (status, code)


@pytest.mark.parametrize("plan", ["\ud800", ["x"], {"\udfff": 1}])
def test_what_can_not_be_written_is_refused_all_the_same(plan: Any) -> None:
    bearer = tokens.open_session(make.user()).access_token

    answer = ask("POST", "/api/payments/create-payment-intent", bearer, plan=plan)

    assert code_of(answer) == (400, "validation_error")


def test_a_wrong_host_is_told_in_the_same_shape() -> None:
    answer = Client().get(ME, headers={"host": "evil.example"})

    assert code_of(answer) == (400, "validation_error")


def test_a_bug_is_told_without_its_traceback(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr(health, "look", lambda: 1 / 0)

    answer = Client(raise_request_exception=False).get("/worker/health")

    assert code_of(answer) == (500, "internal_error")
    assert "ZeroDivision" not in answer.content.decode()


def test_a_database_that_is_away_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("server closed the connection: host=10.0.0.1")

    monkeypatch.setattr(health, "look", away)

    answer = Client().get("/worker/health")

    assert code_of(answer) == (503, "service_busy")
    assert answer["Retry-After"] == "5"
    assert "10.0.0.1" not in answer.content.decode()


def test_the_first_wrong_field_is_named_in_the_sentence() -> None:
    told = ask("POST", "/api/auth/login", email="no address").json()

    assert told["message"].startswith("email: ")
    assert set(told["details"]["fields"]) == {"email", "password"}


@pytest.mark.parametrize("path", ["/api/auth/health", "/api/users/me", "/health", "/worker/health"])
def test_both_forms_of_a_path_answer_directly(path: str) -> None:
    plain, slash = Client().get(path), Client().get(f"{path}/")

    assert plain.status_code == slash.status_code
    assert plain.status_code not in {301, 302, 307, 308, 404}


@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/api/nothing", "/health", "/docs"])
def test_every_answer_protects_its_reader(path: str) -> None:
    answer = Client().get(path)

    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-XSS-Protection"] == "1; mode=block"
    assert answer["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe-eval" not in answer["Content-Security-Policy"]
    assert "Permissions-Policy" in answer
    assert len(answer["X-Request-ID"]) == 32


def test_answers_of_the_api_are_not_kept_by_others() -> None:
    assert Client().get("/api/auth/health")["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/api/jobs/", "/api/jobs", "/api/auth/login"])
def test_the_front_ends_browser_may_ask_first(path: str) -> None:
    headers = {
        "origin": FRONT,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization, content-type, idempotency-key",
    }

    answer = Client(headers=headers).options(path)

    allowed = {one.strip().lower() for one in answer["Access-Control-Allow-Headers"].split(",")}
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == FRONT
    assert answer["Access-Control-Allow-Methods"] == "GET, POST, PUT, PATCH, DELETE"
    assert allowed == {
        "authorization", "content-type", "idempotency-key", "if-none-match", "if-match", "range",
        "content-range",
    }  # fmt: skip


def test_the_front_end_may_read_what_the_contract_exposes() -> None:
    answer = Client(headers={"origin": FRONT}).get("/api/auth/health")

    exposed = {one.strip() for one in answer["Access-Control-Expose-Headers"].split(",")}
    assert exposed == {
        "ETag", "Retry-After", "Location", "Accept-Ranges", "Content-Range", "Content-Disposition",
        "X-Total-Count", "X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    }  # fmt: skip


def test_other_origins_may_read_nothing() -> None:
    answer = Client(headers={"origin": "https://evil.example"}).get("/api/auth/health")

    assert "Access-Control-Allow-Origin" not in answer


def test_a_refusal_can_be_read_by_the_front_end_too() -> None:
    answer = Client(headers={"origin": FRONT}).get(ME)

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, FRONT)


@pytest.mark.parametrize("headers", [{"accept": "application/json"}, {"accept": "*/*"}, {}])
def test_programs_at_the_front_door_are_told_where_the_papers_are(headers: dict[str, str]) -> None:
    answer = Client(headers=headers).get("/")

    assert set(answer.json()) == {"service", "version", "docs"}


def test_an_answer_that_changed_since_is_told_as_such() -> None:
    client, job = Client(), make.job()
    client.force_login(job.user)

    answer = client.get(f"/api/jobs/{job.public_id}", headers={"if-match": '"of-yesterday"'})

    assert (answer.status_code, answer.json()["error"]) == (412, "precondition_failed")


def test_a_look_at_an_answer_reads_the_query_as_the_answer_does() -> None:
    client = Client()
    client.force_login(make.user())

    assert client.head("/api/jobs?limit=7").status_code == 200
    assert client.head("/api/jobs?limit=700").status_code == 400


def test_the_api_describes_itself() -> None:
    told = json.loads(Client().get("/openapi.json").content)

    operation = told["paths"]["/api/auth/login"]["post"]
    assert told["openapi"].startswith("3.")
    assert {"200", "400", "401", "403", "413", "415", "429", "503"} == set(operation["responses"])
    assert "Error" in told["components"]["schemas"]


def test_every_code_of_an_error_is_in_the_table_of_the_docs() -> None:
    told = json.loads(Client().get("/openapi.json").content)
    table = (settings.BASE_DIR / "docs" / "api.md").read_text().partition("## Codes of errors")[2]
    documented = set(re.findall(r"`([a-z_]+)`", table))

    refusals = [
        answer["description"]
        for operations in told["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
    ]
    codes = {code for text in refusals for code in re.findall(r"`([a-z_]+)`", text)}

    assert "preview_limit" in codes
    assert codes - documented == set()


def test_every_option_of_an_order_is_in_the_description_and_in_the_docs() -> None:
    told = json.loads(Client().get("/openapi.json").content)
    table = (settings.BASE_DIR / "docs" / "api.md").read_text().partition("## Choices")[2]
    documented = {
        name
        for row in re.findall(r"^\| (`.+?) \|", table.partition("\n## ")[0], re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }

    described = told["components"]["schemas"]["OptionsRequest"]["properties"]

    assert set(described) == documented == set(options.CHECKS)


def test_the_description_is_made_once_and_not_sent_to_who_knows_it() -> None:
    first = Client().get("/openapi.json")

    again = Client().get("/openapi.json", headers={"if-none-match": first["ETag"]})

    assert first["Content-Type"] == "application/json"
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert openapi.description() is openapi.description()


def test_every_body_that_is_sent_has_an_example() -> None:
    told = json.loads(Client().get("/openapi.json").content)

    without = [
        operation["operationId"]
        for operations in told["paths"].values()
        for operation in operations.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "example" not in content
    ]

    assert without == []


@pytest.mark.parametrize("operation", ["get_job", "list_jobs", "get_credits", "calculate_job_cost"])
def test_what_is_asked_for_most_has_an_example(operation: str) -> None:
    told = json.loads(Client().get("/openapi.json").content)

    [found] = [
        one
        for operations in told["paths"].values()
        for one in operations.values()
        if one["operationId"] == operation
    ]

    assert found["responses"]["200"]["content"]["application/json"]["example"]


@pytest.fixture(scope="module")
def serializers() -> dict[str, type[Serializer[Any]]]:
    """Everything that takes or gives a body, by its name."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    generator.get_schema(public=True)  # type: ignore[no-untyped-call]
    found = (one.object for one in generator.registry._components.values())
    return {type(one).__name__: type(one) for one in found if isinstance(one, Serializer)}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_taken_by_the_serializer_that_it_is_of(
    serializers: dict[str, type[Serializer[Any]]], name: str
) -> None:
    read = serializers[name](data=EXAMPLES[name])

    assert read.is_valid(), read.errors
    assert set(EXAMPLES[name]) <= set(read.fields)


def test_the_order_in_the_examples_can_be_made() -> None:
    order = EXAMPLES["JobForm"]

    assert options.checked(order["options"], order["languages"]) == order["options"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_papers_load_nothing_from_elsewhere(path: str) -> None:
    page = Client().get(path)

    assert "http://" not in page.content.decode()
    assert "https://" not in page.content.decode()
    assert "connect-src 'self'" in page["Content-Security-Policy"]


def test_health_says_that_the_database_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "database_answers", lambda: False)

    answer = Client().get("/health")

    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")


def test_only_staff_see_how_much_work_waits() -> None:
    from dubber import beats

    make.job()
    beats.beat("here")
    boss = make.user()
    boss.is_staff = True
    boss.save()
    client = Client()
    make.sign_in(client, boss)

    stranger, staff = Client().get("/worker/health"), client.get("/worker/health")

    assert stranger.json() == {"status": "healthy"}
    assert set(staff.json()) == {
        "status", "queue_depth", "oldest_waiting_seconds", "last_heartbeat_seconds",
    }  # fmt: skip
    assert staff.json()["queue_depth"] == 1


def test_silent_workers_are_stale() -> None:
    assert Client().get("/worker/health").status_code == 503
