"""Our own tokens: short, bound to a session, and refreshed once."""

import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import registration, tokens
from accounts.models import ApiSession, User
from tests import make
from tests.accounts.asking import PASSWORD, ask, code_of

pytestmark = pytest.mark.django_db
ME = "/api/users/me"
REFUSED = (401, "authentication_required")


@pytest.fixture
def user() -> User:
    return make.user(password=PASSWORD)


def log_in(user: User) -> dict[str, Any]:
    return dict(ask("POST", "/api/auth/login", email=user.email, password=PASSWORD).json())


def forged(
    user: User, *, key: str = "", algorithm: str = "HS256", kid: object = "dubber", **others: Any
) -> str:
    """A token like ours, but for what is given; None removes a claim, or the id of the key."""
    session = ApiSession.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    now = int(time.time())
    said = {
        "iss": settings.SITE_URL,
        "aud": "dubber",
        "sub": str(user.pk),
        "sid": str(session.pk),
        "iat": now,
        "exp": now + 900,
        **others,
    }
    claims = {name: value for name, value in said.items() if value is not None}
    key = "" if algorithm == "none" else key or settings.TOKEN_KEY
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, key, algorithm, headers=headers)


def test_signing_in_gives_tokens_as_the_contract_names_them(user: User) -> None:
    answer = log_in(user)

    assert set(answer) == {
        "access_token", "refresh_token", "token_type", "expires_in", "user",
    }  # fmt: skip
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 900)
    assert answer["user"] == {"id": str(user.pk), "email": user.email}


def test_an_access_token_lets_in(user: User) -> None:
    answer = ask("GET", ME, log_in(user)["access_token"])

    assert (answer.status_code, answer.json()["email"]) == (200, user.email)


def test_a_token_like_ours_lets_in(user: User) -> None:
    assert ask("GET", ME, forged(user)).status_code == 200


@pytest.mark.parametrize(
    "others",
    [
        {"algorithm": "none"},
        {"algorithm": "HS512"},
        {"key": "somebody else's key, long enough for HS256"},
        {"iss": "https://elsewhere.example"},
        {"aud": "dubber-refresh"},
        {"aud": None},
        {"exp": None},
        {"exp": 1_000_000_000},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"sid": None},
        {"sid": "not-a-session"},
        {"sub": "not-a-person"},
    ],
    ids=str,
)
def test_a_forged_token_is_refused(user: User, others: dict[str, Any]) -> None:
    assert code_of(ask("GET", ME, forged(user, **others))) == REFUSED


@pytest.mark.parametrize("kid", [None, "", "DUBBER", "dubber-refresh", "another", "../dubber"])
@pytest.mark.parametrize("supabase", ["", "http://localhost:1"])
def test_a_token_of_ours_under_another_key_id_is_refused(
    user: User, settings: Any, kid: str | None, supabase: str
) -> None:
    settings.SUPABASE_URL = supabase
    settings.SUPABASE_JWT_SECRET = settings.TOKEN_KEY  # even where both had one secret

    assert code_of(ask("GET", ME, forged(user, kid=kid))) == REFUSED


def test_a_session_of_somebody_else_is_refused(user: User) -> None:
    token = forged(user, sub=str(make.user().pk))

    assert code_of(ask("GET", ME, token)) == REFUSED


@pytest.mark.parametrize("token", ["", "x", "x y", "a.b.c", "é", "x" * 1_000_000], ids=len)
def test_what_is_no_token_is_refused(token: str) -> None:
    answer = Client(headers={"authorization": f"Bearer {token}"}).get(ME)

    assert code_of(answer) == REFUSED
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_token_ends_with_sign_out(user: User) -> None:
    made = log_in(user)

    out = ask("POST", "/api/auth/logout", made["access_token"])

    assert out.status_code == 200
    assert code_of(ask("GET", ME, made["access_token"])) == REFUSED
    assert code_of(ask("POST", "/api/auth/refresh", refresh_token=made["refresh_token"])) == REFUSED


def test_a_refresh_token_alone_signs_out(user: User) -> None:
    made = log_in(user)

    ask("POST", "/api/auth/logout", refresh_token=made["refresh_token"])

    assert code_of(ask("GET", ME, made["access_token"])) == REFUSED


def test_a_token_ends_with_the_password(user: User) -> None:
    token = log_in(user)["access_token"]

    registration.change_password(user, old=PASSWORD, new="quite another one", address="")

    assert code_of(ask("GET", ME, token)) == REFUSED


@pytest.mark.parametrize("column", ["is_staff", "is_active"])
def test_a_token_is_good_no_longer_when_its_person_changes(user: User, column: str) -> None:
    token = log_in(user)["access_token"]

    User.objects.filter(pk=user.pk).update(**{column: column == "is_staff"})

    assert code_of(ask("GET", ME, token)) == REFUSED


def test_refreshing_gives_tokens_that_are_good(user: User) -> None:
    made = log_in(user)

    fresh = ask("POST", "/api/auth/refresh", refresh_token=made["refresh_token"]).json()

    assert ask("GET", ME, fresh["access_token"]).status_code == 200
    assert fresh["refresh_token"] != made["refresh_token"]


def test_a_refresh_token_used_twice_ends_the_whole_session(user: User) -> None:
    made = log_in(user)
    fresh = ask("POST", "/api/auth/refresh", refresh_token=made["refresh_token"]).json()

    again = ask("POST", "/api/auth/refresh", refresh_token=made["refresh_token"])

    after = ask("POST", "/api/auth/refresh", refresh_token=fresh["refresh_token"])
    assert code_of(again) == code_of(after) == REFUSED
    assert code_of(ask("GET", ME, fresh["access_token"])) == REFUSED


def test_a_session_ends_by_itself(user: User) -> None:
    made = tokens.open_session(user)
    ApiSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert code_of(ask("GET", ME, made.access_token)) == REFUSED


def test_the_developers_token_lets_in_on_this_machine_only(settings: Any) -> None:
    make.user("dev@localhost")
    settings.DEBUG = settings.DEV_TOKEN = True
    here = Client(headers={"authorization": "Bearer dev-token"})

    assert here.get(ME).json()["email"] == "dev@localhost"
    assert here.get(ME, REMOTE_ADDR="203.0.113.5").status_code == 401


@pytest.mark.parametrize(("debug", "dev_token"), [(True, False), (False, True), (False, False)])
def test_there_is_no_developers_token_in_production(
    settings: Any, debug: bool, dev_token: bool
) -> None:
    make.user("dev@localhost")
    settings.DEBUG, settings.DEV_TOKEN = debug, dev_token

    assert code_of(ask("GET", ME, "dev-token")) == REFUSED
