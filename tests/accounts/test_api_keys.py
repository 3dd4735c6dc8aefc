"""Personal API keys: shown once, good until revoked."""

import re

import pytest
from django.test import Client

from accounts.api_keys import make_key
from accounts.models import ApiKey, User
from accounts.services import add_api_key, revoke_api_key
from billing.plans import CREATOR
from billing.services import set_plan
from dubber.errors import NotFound, PermissionRefused, UserError
from tests import make
from tests.accounts.asking import ask

pytestmark = pytest.mark.django_db
ME = "/api/users/me"


def test_a_key_lets_in() -> None:
    user = make.professional()

    text = add_api_key(user, name="Script")

    assert text.startswith("dub_")
    assert ask("GET", ME, text).json()["email"] == user.email


def test_a_key_itself_is_not_kept() -> None:
    text = add_api_key(make.professional(), name="Script")

    key = ApiKey.objects.get()
    assert text not in {key.start, key.digest}
    assert len(key.start) == 12


def test_the_last_use_is_noted() -> None:
    text = add_api_key(make.professional(), name="Script")

    ask("GET", ME, text)

    assert ApiKey.objects.get().last_used_at is not None


def test_a_revoked_key_is_refused() -> None:
    user = make.professional()
    text = add_api_key(user, name="Script")

    revoke_api_key(user, key_id=ApiKey.objects.get().pk)

    assert ask("GET", ME, text).status_code == 401


@pytest.mark.parametrize("text", ["dub_", "dub_x", "dub_" + "A" * 43, "dub_" + "A" * 5000])
def test_a_guessed_key_is_refused(text: str) -> None:
    add_api_key(make.professional(), name="Script")

    assert ask("GET", ME, text).status_code == 401


def test_keys_come_with_the_professional_plan() -> None:
    with pytest.raises(PermissionRefused) as refused:
        add_api_key(make.user(), name="Script")

    assert refused.value.code == "plan_required"


def test_keys_go_with_the_plan_that_they_came_with() -> None:
    user = make.professional()
    text = add_api_key(user, name="Script")

    set_plan(user, plan=CREATOR.id)

    assert ask("GET", ME, text).status_code == 401
    assert not user.api_keys.filter(revoked_at=None).exists()


def test_staff_get_no_keys() -> None:
    with pytest.raises(PermissionRefused):
        add_api_key(User.objects.create_superuser("boss@example.com"), name="Script")


def test_a_key_of_somebody_who_became_staff_is_refused() -> None:
    user = make.professional()
    text = add_api_key(user, name="Script")

    User.objects.filter(pk=user.pk).update(is_staff=True)

    assert ask("GET", ME, text).status_code == 401


def test_nobody_has_more_than_twenty_keys() -> None:
    user = make.professional()
    for n in range(20):
        make_key(user, name=str(n))

    with pytest.raises(UserError):
        add_api_key(user, name="One more")


def test_a_strangers_key_is_not_found() -> None:
    key, _text = make_key(make.professional(), name="Script")

    with pytest.raises(NotFound):
        revoke_api_key(make.user(), key_id=key.pk)


def test_the_page_shows_a_new_key_once_and_keeps_it_nowhere() -> None:
    client = Client()
    client.force_login(make.professional())

    first = client.post("/account/keys", {"name": "Script"})
    second = client.get("/account").content.decode()

    assert re.search(r"dub_[\w-]{43}", first.content.decode())
    assert "no-store" in first["Cache-Control"]
    assert not re.search(r"dub_[\w-]{43}", second)
    assert "Script" in second
    assert not re.search(r"dub_[\w-]{43}", str(dict(client.session)))


def test_a_key_is_revoked_only_after_the_page_asked_once(client: Client) -> None:
    user = make.professional()
    make_key(user, name="Script")
    client.force_login(user)

    page = client.get("/account").content.decode()
    asked = page.partition("<details>")[2].partition("</details>")[0]

    assert page.count("/revoke") == 1
    assert "/revoke" in asked.partition("</summary>")[2]
