"""Deleting an account: in two steps, in order, and nothing of the person stays."""

from pathlib import Path
from typing import Any

import pytest
from django.core import mail as sent
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from accounts import links, mail, tokens
from accounts.api_keys import make_key
from accounts.links import Purpose
from accounts.models import User
from billing.models import CreditTransaction
from billing.queries import balance_of
from jobs.models import Artifact, DubbingJob, Upload
from tests import make
from tests.accounts.asking import PASSWORD, ask, code_of
from tests.billing.paying import Till
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db(transaction=True)
INITIATE, CONFIRM = "/api/account/delete/initiate", "/api/account/delete/confirm"
WORDS = {"confirmationText": "DELETE MY ACCOUNT"}
COUNTS = {"jobs", "languageTasks", "artifacts", "creditTransactions", "storageFiles"}


@pytest.fixture
def user() -> User:
    person = make.professional()
    person.email = "ana.nunez@example.com"
    person.full_name = "Ana Núñez"
    person.set_password(PASSWORD)
    person.save()
    return person


def token_of(user: User) -> str:
    return tokens.open_session(user).access_token


def delete(user: User) -> Any:
    bearer = token_of(user)
    prepared = ask("POST", INITIATE, bearer, **WORDS).json()
    return ask(
        "POST",
        CONFIRM,
        bearer,
        deletionToken=prepared["deletionToken"],
        finalConfirmation=True,
    )


def everything_stored() -> str:
    """All rows of all tables that we or the libraries have, as one text."""
    words = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            words += [str(row) for row in cursor.fetchall()]
    return "\n".join(words)


def test_the_first_step_says_what_goes_and_deletes_nothing(user: User, tmp_path: Path) -> None:
    delivered(user, tmp_path)

    answer = ask("POST", INITIATE, token_of(user), **WORDS).json()

    user.refresh_from_db()
    assert set(answer) == {"deletionToken", "message", "expiresAt", "dataToBeDeleted"}
    assert set(answer["dataToBeDeleted"]) == COUNTS
    assert answer["dataToBeDeleted"]["jobs"] == 1
    assert f"{balance_of(user)} unspent credits" in answer["message"]
    assert user.is_active


def test_reason_and_feedback_may_be_null(user: User) -> None:
    answer = ask("POST", INITIATE, token_of(user), **WORDS, reason=None, feedback=None)

    assert answer.status_code == 200


@pytest.mark.parametrize("words", ["delete my account", "", "DELETE MY ACCOUNT NOW"])
def test_the_words_must_be_exact(user: User, words: str) -> None:
    answer = ask("POST", INITIATE, token_of(user), confirmationText=words)

    assert code_of(answer) == (400, "validation_error")


def buy(user: User, till: Till) -> None:
    """Pay with a card that tells the bank's name of its owner, refunded later."""
    purchase = till.buy(user)
    account = till.peer.account
    for paid in [*account.of_kind("charge"), *account.of_kind("payment_method")]:
        paid["billing_details"] = {"name": user.full_name, "email": user.email}
    account.create_refund({"payment_intent": purchase.stripe_payment_intent_id}, live=False)
    till.deliver_all()


def test_nothing_of_the_person_stays(user: User, till: Till, tmp_path: Path) -> None:
    buy(user, till)
    copies = everything_stored().count("nunez")
    job = delivered(user, tmp_path)
    DubbingJob.objects.filter(pk=job.pk).update(title="Holidays of the Núñez family")
    make.upload(user)
    make_key(user, name="Key of Ana")
    Client().post("/login", {"username": user.email, "password": PASSWORD})

    answer = delete(user)

    left = everything_stored()
    assert copies > 5
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert set(answer.json()["dataDeleted"]) == COUNTS
    assert [word for word in ("nunez", "Núñez", "Ana", "Holidays") if word in left] == []


def test_every_file_goes(user: User, tmp_path: Path) -> None:
    delivered(user, tmp_path)
    make.upload(user)
    keys = [*Artifact.objects.values_list("object_key", flat=True)]
    keys += Upload.objects.values_list("key", flat=True)

    delete(user)

    assert len(keys) == 3
    assert [key for key in keys if default_storage.exists(key)] == []


def test_what_runs_is_cancelled_and_refunded_before_the_credits_are_forfeited(user: User) -> None:
    before = balance_of(user)
    job = make.job(user)
    price = before - balance_of(user)

    delete(user)

    kinds = list(CreditTransaction.objects.order_by("pk").values_list("kind", "amount"))
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert sum(amount for kind, amount in kinds if kind == "refund") == price
    assert kinds[-1][1] == -before
    assert balance_of(user) == 0


def test_the_ledger_stays_without_a_name(user: User) -> None:
    entries = CreditTransaction.objects.filter(user=user).count()

    delete(user)

    assert CreditTransaction.objects.filter(user=user).count() == entries + 1
    assert User.objects.get(pk=user.pk).email.endswith("@deleted.invalid")


def test_nobody_gets_in_any_more(user: User) -> None:
    bearer, (_key, text) = token_of(user), make_key(user, name="Script")
    client = Client()
    client.force_login(user)

    delete(user)

    assert ask("GET", "/api/users/me", bearer).status_code == 401
    assert ask("GET", "/api/users/me", text).status_code == 401
    assert client.get("/api/users/me").status_code == 401
    assert ask("POST", "/api/auth/login", email=user.email, password=PASSWORD).status_code == 401


def test_the_address_is_free_again_and_its_owner_was_told(user: User) -> None:
    delete(user)
    mail.wait_until_sent()

    assert sent.outbox[-1].to == ["ana.nunez@example.com"]
    assert not User.objects.filter(email="ana.nunez@example.com").exists()


def test_a_token_of_somebody_else_deletes_nobody(user: User) -> None:
    other = make.user()
    token = links.make_token(other, Purpose.DELETE)

    answer = ask("POST", CONFIRM, token_of(user), deletionToken=token, finalConfirmation=True)

    assert code_of(answer) == (400, "validation_error")
    assert set(User.objects.values_list("is_active", flat=True)) == {True}


def test_the_second_step_needs_a_yes(user: User) -> None:
    token = links.make_token(user, Purpose.DELETE)

    answer = ask("POST", CONFIRM, token_of(user), deletionToken=token, finalConfirmation=False)

    assert code_of(answer) == (400, "validation_error")


def test_a_deletion_is_confirmed_within_ten_minutes(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    token = links.make_token(user, Purpose.DELETE)
    monkeypatch.setitem(links.LIFE, Purpose.DELETE, timedelta(seconds=-1))

    answer = ask("POST", CONFIRM, token_of(user), deletionToken=token, finalConfirmation=True)

    assert code_of(answer) == (410, "link_expired")


def test_accounts_of_staff_are_not_deleted_by_themselves() -> None:
    boss = User.objects.create_superuser("boss@example.com")
    client = Client()
    make.sign_in(client, boss)

    answer = client.post(INITIATE, WORDS, content_type="application/json")

    assert code_of(answer) == (403, "permission_denied")


def test_the_page_deletes_once_the_words_are_there(user: User) -> None:
    client = Client()
    client.force_login(user)

    wrong = client.post("/account/delete", {"words": "yes"})
    right = client.post("/account/delete", {"words": "DELETE MY ACCOUNT"})

    assert (wrong.status_code, right.status_code) == (400, 302)
    assert not User.objects.get(pk=user.pk).is_active
