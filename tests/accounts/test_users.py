"""Users sign in with their e-mail address, whatever its capitals."""

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User

pytestmark = pytest.mark.django_db


def test_a_user_signs_in_whatever_the_capitals() -> None:
    user = User.objects.create_user("Ana@Example.org", "a password of hers")

    found = authenticate(username=" aNA@example.ORG", password="a password of hers")

    assert found == user


def test_an_address_is_kept_in_lower_case() -> None:
    user = User.objects.create_user("Ana.N@Example.org")

    user.refresh_from_db()

    assert user.email == "ana.n@example.org"


def test_the_same_address_in_other_capitals_is_refused() -> None:
    User.objects.create_user("ana@example.org")

    with pytest.raises(ValidationError, match="already an account"):
        User.objects.create_user("ANA@example.org")


def test_the_database_itself_refuses_capitals() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User(email="Ana@example.org").save()


def test_a_user_without_password_cannot_sign_in() -> None:
    User.objects.create_user("ana@example.org")

    found = authenticate(username="ana@example.org", password="")

    assert found is None


def test_a_superuser_is_staff() -> None:
    user = User.objects.create_superuser("boss@example.org", "a password")

    assert user.is_staff
    assert user.is_superuser
