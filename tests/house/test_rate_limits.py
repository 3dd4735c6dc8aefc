"""Rate limits: exact, shared, by who asks, and told in every answer."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory

from accounts import tokens
from accounts.models import User
from dubber import rate_limits
from dubber.models import RateWindow
from dubber.rate_limits import client_address, network_of
from tests import make
from tests.accounts.asking import ask, code_of

INFO = "/api/account/info"


def set_most(settings: Any, **most: int) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **most}


def token_of(user: User) -> str:
    return tokens.open_session(user).access_token


@pytest.mark.django_db
def test_every_answer_tells_where_the_limit_stands() -> None:
    token = token_of(make.user())

    answers = [ask("GET", INFO, token) for _ in range(2)]

    assert [one["X-RateLimit-Limit"] for one in answers] == ["1000", "1000"]
    assert [one["X-RateLimit-Remaining"] for one in answers] == ["999", "998"]
    assert 0 < int(answers[0]["X-RateLimit-Reset"]) - time.time() <= 3600


@pytest.mark.django_db
def test_one_too_many_is_refused_and_told_when_to_come_back(settings: Any) -> None:
    set_most(settings, api=2)
    token = token_of(make.user())

    answers = [ask("GET", INFO, token) for _ in range(3)]

    told = answers[2].json()
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert told["error"] == "rate_limit_exceeded"
    assert str(told["retry_after"]) == answers[2]["Retry-After"]
    assert answers[2]["X-RateLimit-Remaining"] == "0"


@pytest.mark.django_db
def test_a_new_window_begins_when_the_old_one_ends(settings: Any) -> None:
    set_most(settings, api=1)
    token = token_of(make.user())
    ask("GET", INFO, token)
    RateWindow.objects.update(ends=int(time.time()) - 1)

    assert ask("GET", INFO, token).status_code == 200


@pytest.mark.django_db
def test_one_persons_haste_is_nobody_elses(settings: Any) -> None:
    set_most(settings, api=1)
    hasty, patient = token_of(make.user()), token_of(make.user())
    ask("GET", INFO, hasty)

    assert ask("GET", INFO, hasty).status_code == 429
    assert ask("GET", INFO, patient).status_code == 200


@pytest.mark.django_db
def test_a_person_may_have_a_number_of_their_own() -> None:
    user = make.user()
    user.rate_limits = {"api": 7}
    user.save()

    assert ask("GET", INFO, token_of(user))["X-RateLimit-Limit"] == "7"


@pytest.mark.django_db
def test_calls_without_a_valid_credential_count_by_address(settings: Any) -> None:
    set_most(settings, strangers=2)

    codes = [ask("GET", INFO, "guessed").status_code for _ in range(3)]

    assert codes == [401, 401, 429]
    assert ask("GET", INFO, token_of(make.user())).status_code == 200


@pytest.mark.django_db
def test_signing_in_is_limited_to_ten_calls_a_minute() -> None:
    codes = [ask("POST", "/api/auth/refresh", refresh_token="x").status_code for _ in range(11)]

    assert codes == [401] * 10 + [429]


@pytest.mark.django_db
def test_signing_up_on_pages_is_limited_too(settings: Any) -> None:
    set_most(settings, auth=1)
    form = {"email": "ana@example.com"}

    codes = [Client().post("/password-reset", form).status_code for _ in range(2)]

    assert codes == [200, 429]


@pytest.mark.django_db
def test_what_is_sent_from_pages_is_limited_by_person(settings: Any) -> None:
    set_most(settings, pages=2)
    hasty, patient = Client(), Client()
    make.sign_in(hasty, make.user())
    make.sign_in(patient, make.user())

    answers = [hasty.post("/jobs/new/drafts") for _ in range(3)]

    assert [one.status_code for one in answers] == [201, 201, 429]
    assert answers[2].json()["error"] == "rate_limit_exceeded"
    assert int(answers[2]["Retry-After"]) > 0
    assert patient.post("/jobs/new/drafts").status_code == 201
    assert hasty.get("/jobs").status_code == 200


@pytest.mark.django_db
def test_a_person_who_sends_pages_too_fast_gets_a_page(settings: Any) -> None:
    set_most(settings, pages=0)

    answer = Client().post("/login", {}, headers={"accept": "text/html"})

    assert answer.status_code == 429
    assert "A little slower, please" in answer.content.decode()


@pytest.mark.django_db
def test_files_and_stripes_messages_are_not_counted_as_pages(settings: Any) -> None:
    set_most(settings, pages=0)

    file = Client().put("/uploads/1.AAAAAAAAAAAAAAAAAAAAAA", b"x", content_type="audio/wav")
    message = Client().post(f"/stripe/webhook/{uuid.uuid4()}", {}, content_type="application/json")

    assert file.status_code == 404
    assert message.status_code != 429


@pytest.mark.django_db
def test_health_checks_are_limited_apart_from_strangers(settings: Any) -> None:
    set_most(settings, strangers=1, health=3)

    codes = [Client().get("/health").status_code for _ in range(4)]

    assert codes == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/auth/login", ["auth"]),
        ("/api/jobs", ["jobs"]),
        ("/api/jobs/", ["jobs"]),
        ("/api/jobs/job_abcdefghijkl", ["jobs"]),
        ("/api/jobs/upload-urls", ["upload", "jobs"]),
        ("/health", ["health"]),
        ("/api/languages", ["api"]),
        ("/api/payments/credits", ["api"]),
    ],
)
def test_a_path_says_what_it_counts_against(path: str, names: list[str]) -> None:
    assert [limit.name for limit in rate_limits.limits_of(path)] == names


@pytest.mark.django_db
def test_who_asks_is_kept_as_a_digest_only() -> None:
    Client(REMOTE_ADDR="203.0.113.9").get("/health")

    key = RateWindow.objects.get().key
    assert len(key) == 64
    assert int(key, 16)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (0, "", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (1, "not an address", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_say_who_asks(
    settings: Any, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    request = RequestFactory(headers=headers).get("/", REMOTE_ADDR="10.0.0.1")

    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_a_line_is_one_address_or_one_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.django_db
def test_ended_windows_are_forgotten() -> None:
    rate_limits.count("old", most=1, seconds=-10)
    rate_limits.count("new", most=1, seconds=10)

    assert rate_limits.forget_ended() == 1
    assert RateWindow.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_forty_requests_at_once_are_counted_exactly(settings: Any) -> None:
    set_most(settings, api=15)
    token = token_of(make.user())

    def one(_: int) -> int:
        try:
            return int(ask("GET", INFO, token).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(one, range(40)))

    assert (codes.count(200), codes.count(429)) == (15, 25)


def test_a_refusal_by_limit_has_the_shape_of_all(settings: Any, db: None) -> None:
    set_most(settings, strangers=0)

    assert code_of(ask("GET", INFO)) == (429, "rate_limit_exceeded")
