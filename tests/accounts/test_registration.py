"""Signing up, proving an address and getting another password, without telling who is here."""

import re
from typing import Any

import pytest
from django.core import mail as sent
from django.test import Client

from accounts import guesses, links, mail, one_time, registration, tokens
from accounts.api_keys import make_key
from accounts.links import Purpose
from accounts.models import OneTimeCodes, User
from accounts.services import add_api_key
from dubber.errors import UserError
from tests import make
from tests.accounts.asking import PASSWORD, ask, code_of

pytestmark = pytest.mark.django_db(transaction=True)


def letter() -> Any:
    """The newest e-mail."""
    mail.wait_until_sent()
    return sent.outbox[-1]


def link() -> str:
    """The path of the link in the newest e-mail."""
    found = re.search(r"http://localhost:8000(/\S+)", letter().body)
    assert found is not None
    return found[1]


def sign_up(email: str = "ana@example.com", password: str = PASSWORD) -> Any:
    return ask("POST", "/api/auth/signup", email=email, password=password)


def test_signing_up_says_the_same_for_every_address() -> None:
    make.user("ana@example.com")

    known, unknown = sign_up(), sign_up("new@example.com")

    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert known.status_code == 201


def test_who_signs_up_anew_is_told_by_e_mail_that_they_are_here() -> None:
    user = make.user("ana@example.com", password=PASSWORD)

    sign_up(password="a try of somebody else")

    user.refresh_from_db()
    assert "already have an account" in letter().subject
    assert user.check_password(PASSWORD)


def test_the_link_and_the_password_verify_an_address() -> None:
    sign_up()

    answer = Client().post(link(), {"password": PASSWORD})

    assert answer.status_code == 302
    assert User.objects.get().is_verified


def test_opening_the_link_alone_verifies_nothing() -> None:
    sign_up()

    Client().get(link())

    assert not User.objects.get().is_verified


def test_a_stranger_who_signed_up_with_my_address_gets_no_verified_account() -> None:
    sign_up(password="known to the stranger")

    Client().post(link(), {"password": "what I would type"})

    assert not User.objects.get().is_verified


def test_signing_up_again_takes_an_unverified_account_from_who_made_it() -> None:
    sign_up(password="known to the stranger")
    user = User.objects.get()
    session = tokens.open_session(user)
    earlier = link()

    sign_up()

    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert ask("GET", "/api/users/me", session.access_token).status_code == 401
    assert Client().post(earlier, {"password": PASSWORD}).status_code == 410


def test_whoever_signs_up_in_the_very_moment_of_a_verification_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sign_up()
    was_right = guesses.was_right

    def meanwhile(attempt: guesses.Attempt, user: User) -> None:
        was_right(attempt, user)
        registration.sign_up(user.email, password="known to the stranger")

    monkeypatch.setattr(guesses, "was_right", meanwhile)

    answer = Client().post(link(), {"password": PASSWORD})

    assert answer.status_code == 410
    assert not User.objects.get().is_verified


def test_nobody_takes_an_account_of_staff_by_signing_up() -> None:
    staff = User.objects.create_user("ana@example.com", PASSWORD, is_staff=True)
    one_time.begin(staff)

    sign_up(password="known to the stranger")

    staff.refresh_from_db()
    assert staff.check_password(PASSWORD)
    assert OneTimeCodes.objects.filter(user=staff).exists()


@pytest.mark.parametrize("path", ["signup", "password-reset", "resend-verification"])
def test_nobody_can_have_a_mailbox_filled(path: str) -> None:
    User.objects.create_user("ana@example.com", PASSWORD)
    body = {"email": "ana@example.com"} | ({"password": PASSWORD} if path == "signup" else {})

    answers = {ask("POST", f"/api/auth/{path}", **body).status_code for _ in range(9)}

    mail.wait_until_sent()
    assert len(answers) == 1
    assert len(sent.outbox) == registration.MOST_MAILS


def test_a_link_is_good_once() -> None:
    sign_up()
    address = link()
    Client().post(address, {"password": PASSWORD})

    again = Client().post(address, {"password": PASSWORD})

    assert again.status_code == 410


def test_a_link_for_one_purpose_is_none_for_another() -> None:
    user = make.user()
    token = links.make_token(user, Purpose.VERIFY)

    answer = ask("POST", "/api/auth/password-update", token=token, new_password="a new long one")

    assert code_of(answer) == (400, "validation_error")


@pytest.mark.parametrize("path", ["signup", "login", "password-reset", "resend-verification"])
def test_an_address_longer_than_is_kept_is_refused(path: str) -> None:
    email = "ana@" + ".".join(["a" * 62] * 4) + ".com"

    answer = ask("POST", f"/api/auth/{path}", email=email, password=PASSWORD)

    assert code_of(answer) == (400, "validation_error")


def test_a_weak_password_is_refused_with_its_reason() -> None:
    answer = sign_up(password="12345678")

    assert code_of(answer) == (400, "validation_error")
    assert answer.json()["details"]["fields"]["password"]
    assert not User.objects.exists()


def test_asking_for_a_new_password_says_the_same_for_every_address() -> None:
    make.user("ana@example.com")

    known = ask("POST", "/api/auth/password-reset", email="ana@example.com")
    unknown = ask("POST", "/api/auth/password-reset", email="new@example.com")

    mail.wait_until_sent()
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert [one.to for one in sent.outbox] == [["ana@example.com"]]


def test_a_new_password_ends_all_sessions_and_proves_the_address() -> None:
    user = User.objects.create_user("ana@example.com", PASSWORD)
    session = tokens.open_session(user)
    token = links.make_token(user, Purpose.RESET)

    answer = ask("POST", "/api/auth/password-update", token=token, new_password="a new long one")

    user.refresh_from_db()
    assert answer.status_code == 200
    assert user.check_password("a new long one")
    assert user.is_verified
    assert ask("GET", "/api/users/me", session.access_token).status_code == 401


def test_a_new_password_by_link_ends_api_keys_and_says_so() -> None:
    user = make.user("ana@example.com", password=PASSWORD)
    _key, text = make_key(user, name="Script")
    token = links.make_token(user, Purpose.RESET)

    ask("POST", "/api/auth/password-update", token=token, new_password="a new long one")

    assert ask("GET", "/api/users/me", text).status_code == 401
    assert "Your API keys were revoked." in letter().body


def test_keys_that_go_on_after_a_change_of_the_password_are_told() -> None:
    client = Client()
    user = make.user("ana@example.com", password=PASSWORD)
    _key, text = make_key(user, name="Script")
    client.force_login(user)

    client.post("/account/password", {"old": PASSWORD, "password": "a new long one"})

    assert ask("GET", "/api/users/me", text).status_code == 200
    assert "Your API keys go on (1)." in letter().body


def test_who_signs_in_in_the_very_moment_of_a_new_password_gets_no_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = make.user("ana@example.com", password=PASSWORD)
    token = links.make_token(user, Purpose.RESET)
    was_right = guesses.was_right

    def meanwhile(attempt: guesses.Attempt, person: User) -> None:
        was_right(attempt, person)
        registration.reset_password(token, password="a new long one", address="192.0.2.1")

    monkeypatch.setattr(guesses, "was_right", meanwhile)

    answer = ask("POST", "/api/auth/login", email=user.email, password=PASSWORD)

    assert code_of(answer) == (401, "authentication_required")
    assert not user.api_sessions.filter(ended_at=None).exists()


def test_a_new_password_by_link_lets_no_key_be_made_that_was_asked_for_before() -> None:
    user = make.professional()
    user.set_password(PASSWORD)
    user.save()
    token = links.make_token(user, Purpose.RESET)
    registration.reset_password(token, password="a new long one", address="192.0.2.1")

    with pytest.raises(UserError) as refused:
        add_api_key(user, name="Script")  # by a request that knows the person as they were

    assert refused.value.code == "authentication_required"
    assert not user.api_keys.exists()


def test_a_link_for_a_new_password_is_good_once() -> None:
    user = make.user(password=PASSWORD)
    token = links.make_token(user, Purpose.RESET)
    ask("POST", "/api/auth/password-update", token=token, new_password="a new long one")

    again = ask("POST", "/api/auth/password-update", token=token, new_password="one more long")

    assert code_of(again) == (410, "link_used")


def test_an_old_link_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    token = links.make_token(make.user(), Purpose.RESET)
    monkeypatch.setitem(links.LIFE, Purpose.RESET, timedelta(seconds=-1))

    answer = ask("POST", "/api/auth/password-update", token=token, new_password="a new long one")

    assert code_of(answer) == (410, "link_expired")


def test_the_verification_is_sent_again_to_who_needs_it_only() -> None:
    make.user("verified@example.com")
    User.objects.create_user("waiting@example.com", PASSWORD)

    answers = [
        ask("POST", "/api/auth/resend-verification", email=f"{name}@example.com").json()
        for name in ("verified", "waiting", "unknown")
    ]

    mail.wait_until_sent()
    assert answers[0] == answers[1] == answers[2]
    assert [one.to for one in sent.outbox] == [["waiting@example.com"]]


def test_a_mail_server_that_is_away_changes_no_answer(settings: Any) -> None:
    make.user("ana@example.com")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    answer = ask("POST", "/api/auth/password-reset", email="ana@example.com")

    mail.wait_until_sent()
    assert answer.status_code == 200


def test_an_unverified_person_is_told_so_by_the_api_and_led_there_by_pages() -> None:
    user = User.objects.create_user("ana@example.com", PASSWORD)
    token = tokens.open_session(user).access_token
    client = Client()
    client.force_login(user)

    assert code_of(ask("GET", "/api/account/info", token)) == (403, "email_unverified")
    assert ask("GET", "/api/users/me", token).status_code == 200
    assert ask("HEAD", "/api/users/me", token).status_code == 200
    assert ask("GET", "/api/auth/verify-email-status", token).json() == {
        "email": "ana@example.com",
        "email_verified": False,
    }
    assert client.get("/jobs")["Location"] == "/verify-email"


def test_changing_the_password_needs_the_old_one() -> None:
    client = Client()
    user = make.user(password=PASSWORD)
    client.force_login(user)

    wrong = client.post("/account/password", {"old": "a guess", "password": "a new long one"})
    right = client.post("/account/password", {"old": PASSWORD, "password": "a new long one"})

    user.refresh_from_db()
    assert (wrong.status_code, right.status_code) == (400, 302)
    assert user.check_password("a new long one")
    assert client.get("/account").status_code == 200


def test_a_new_password_brings_no_account_back_that_was_closed_meanwhile() -> None:
    user = make.user(password=PASSWORD)
    User.objects.filter(pk=user.pk).update(is_active=False, full_name="")

    with pytest.raises(UserError) as refused:
        registration.change_password(user, old=PASSWORD, new="a new long one", address="")

    user.refresh_from_db()
    assert refused.value.code == "wrong_password"
    assert not user.is_active


def test_two_sign_ups_at_once_make_one_account() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    def one(_: int) -> None:
        try:
            registration.sign_up("ana@example.com", password=PASSWORD)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))

    assert User.objects.count() == 1
