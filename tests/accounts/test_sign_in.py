"""Signing in: guesses are slowed down, their victim is not locked out, staff show a code."""

import re
from typing import Any

import pyotp
import pytest
from django.test import Client

from accounts import one_time
from accounts.models import OneTimeCodes, User
from dubber.rate_limits import AUTH
from tests import make
from tests.accounts.asking import PASSWORD, code_of

pytestmark = pytest.mark.django_db
WRONG = (401, "authentication_required")
SLOW = (429, "rate_limit_exceeded")


@pytest.fixture(autouse=True)
def _many_calls(settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, AUTH.name: 1000, "strangers": 1000}


def log_in(
    email: str, password: str = PASSWORD, *, place: str = "198.51.100.7", **more: str | None
) -> Any:
    body = {"email": email, "password": password, **more}
    return Client(REMOTE_ADDR=place).post("/api/auth/login", body, content_type="application/json")


def app_of(user: User) -> pyotp.TOTP:
    """The person's app for one-time codes, set up."""
    app = pyotp.TOTP(one_time.begin(user))
    assert one_time.accept(user, app.now())
    OneTimeCodes.objects.update(last_step=0)
    return app


def test_a_wrong_password_and_an_unknown_address_are_told_the_same() -> None:
    user = make.user(password=PASSWORD)

    wrong, unknown = log_in(user.email, "a guess"), log_in("nobody@example.com")

    told = [{**one.json(), "request_id": ""} for one in (wrong, unknown)]
    assert code_of(wrong) == WRONG
    assert told[0] == told[1]


def test_a_deactivated_account_is_told_the_same_too() -> None:
    user = make.user(password=PASSWORD)
    User.objects.update(is_active=False)

    assert code_of(log_in(user.email)) == WRONG


@pytest.mark.parametrize("known", [True, False])
def test_the_eleventh_guess_at_an_account_waits(known: bool) -> None:
    email = make.user(password=PASSWORD).email if known else "nobody@example.com"

    codes = [code_of(log_in(email, "a guess")) for _ in range(11)]

    assert codes == [WRONG] * 10 + [SLOW]


def test_signing_in_forgets_earlier_slips() -> None:
    user = make.user(password=PASSWORD)

    for _ in range(15):
        log_in(user.email, "a slip")
        assert log_in(user.email).status_code == 200


def test_one_address_can_not_try_many_accounts() -> None:
    codes = [code_of(log_in(f"person{n}@example.com", "a guess")) for n in range(31)]

    assert codes == [WRONG] * 30 + [SLOW]


def test_an_attack_from_everywhere_does_not_lock_its_victim_out() -> None:
    user = make.user(password=PASSWORD)
    home = "203.0.113.9"
    log_in(user.email, place=home)

    attack = [log_in(user.email, "a guess", place=f"192.0.2.{n}") for n in range(52)]

    assert code_of(attack[-1]) == SLOW
    assert log_in(user.email, place=home).status_code == 200


def test_a_victim_away_from_home_gets_in_by_a_new_password() -> None:
    from accounts import links
    from accounts.links import Purpose

    user = make.user(password=PASSWORD)
    for n in range(52):
        log_in(user.email, "a guess", place=f"192.0.2.{n}")
    away = "203.0.113.77"
    refused = log_in(user.email, place=away)
    token = links.make_token(user, Purpose.RESET)
    body = {"token": token, "new_password": "a new long one"}
    Client(REMOTE_ADDR=away).post(
        "/api/auth/password-update", body, content_type="application/json"
    )

    answer = log_in(user.email, "a new long one", place=away)

    assert code_of(refused) == SLOW
    assert answer.status_code == 200


def test_the_page_slows_guesses_too() -> None:
    user = make.user(password=PASSWORD)
    form = {"username": user.email, "password": "a guess"}

    pages = [Client().post("/login", form) for _ in range(11)]

    assert "Too many requests" in pages[-1].content.decode()


def test_staff_need_a_code_and_get_no_tokens() -> None:
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    app = app_of(boss)

    without = log_in(boss.email)
    wrong = log_in(boss.email, otp="000000")
    right = log_in(boss.email, otp=app.now())

    assert code_of(without) == (401, "otp_required")
    assert code_of(wrong) == (401, "otp_required")
    assert code_of(right) == (403, "permission_denied")


def test_no_code_may_be_written_as_null() -> None:
    user = make.user(password=PASSWORD)

    assert log_in(user.email, otp=None).status_code == 200


def test_whoever_has_an_app_needs_its_code() -> None:
    user = make.user(password=PASSWORD)
    app = app_of(user)

    assert code_of(log_in(user.email)) == (401, "otp_required")
    assert log_in(user.email, otp=app.now()).status_code == 200


def test_a_code_is_good_once() -> None:
    user = make.user(password=PASSWORD)
    code = app_of(user).now()
    log_in(user.email, otp=code)

    again = log_in(user.email, otp=code)

    assert code_of(again) == (401, "otp_required")


def test_a_secret_is_not_kept_as_it_is() -> None:
    user = make.user()

    secret = one_time.begin(user)

    assert secret not in OneTimeCodes.objects.get().secret


def test_staff_set_up_their_app_on_the_way_to_the_admin() -> None:
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    client = Client()
    client.post("/login", {"username": boss.email, "password": PASSWORD})
    first = client.get("/admin/", follow=True)
    shown = re.search(r"<code>(\w{32})</code>", first.content.decode())
    assert shown is not None

    wrong = client.post("/one-time-code", {"code": "000000", "next": "/admin/"})
    right = client.post("/one-time-code", {"code": pyotp.TOTP(shown[1]).now(), "next": "/admin/"})

    assert "<svg" in first.content.decode()
    assert wrong.status_code == 401
    assert right["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_password_alone_opens_no_admin() -> None:
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    app_of(boss)
    client = Client()
    client.post("/login", {"username": boss.email, "password": PASSWORD})

    page = client.get("/admin/", follow=True)

    assert page.redirect_chain[-1][0].startswith("/one-time-code")
    assert "<svg" not in page.content.decode()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "nowhere", "\\/x"])
def test_the_page_for_the_code_leads_to_no_other_site(there: str) -> None:
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    app = app_of(boss)
    client = Client()
    client.force_login(boss)

    answer = client.post("/one-time-code", {"code": app.now(), "next": there})

    assert answer["Location"] == "/"
