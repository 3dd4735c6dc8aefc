"""The demo user exists only on a developer's machine, and setting it up again changes nothing."""

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.demo import ensure_demo_user
from accounts.models import User
from dubber.errors import UserError

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _debug(settings: Settings) -> None:
    settings.DEBUG = True


def test_the_demo_user_signs_in_with_the_password_of_the_settings() -> None:
    user = ensure_demo_user()

    found = authenticate(username="dev@localhost", password="only-for-tests")

    assert found == user


def test_a_new_password_takes_effect(settings: Settings) -> None:
    ensure_demo_user()
    settings.DEMO_PASSWORD = "another one"

    user = ensure_demo_user()

    assert user.check_password("another one")
    assert User.objects.count() == 1


def test_setting_up_twice_leaves_everything_as_it_was() -> None:
    call_command("setup_demo_user", verbosity=0)
    first = User.objects.select_related("credits").get()

    call_command("setup_demo_user", verbosity=0)

    second = User.objects.select_related("credits").get()
    assert (second.password, second.credits.balance) == (first.password, first.credits.balance)
    assert second.credits.balance == 1000


def test_there_is_no_demo_user_without_debug(settings: Settings) -> None:
    settings.DEBUG = False

    with pytest.raises(UserError, match="only with DEBUG"):
        ensure_demo_user()

    assert not User.objects.exists()


def test_a_missing_password_is_one_sentence(settings: Settings) -> None:
    settings.DEMO_PASSWORD = ""

    with pytest.raises(CommandError, match=r"^Set DUBBER_DEMO_PASSWORD first"):
        call_command("setup_demo_user")
