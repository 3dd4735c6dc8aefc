"""What is over is forgotten, and nothing else."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import tidying, tokens
from accounts.models import ApiSession, KnownNetwork
from tests import make

pytestmark = pytest.mark.django_db


def test_sessions_go_when_their_tokens_hold_no_longer() -> None:
    person = make.user()
    for _ in range(3):
        tokens.open_session(person)
    expired, ended, lasting = ApiSession.objects.order_by("created_at")
    tokens.end_session(ended, ApiSession.End.REUSED)
    ApiSession.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

    tidying.forget_expired()

    assert set(ApiSession.objects.all()) == {ended, lasting}


def test_cookies_that_expired_are_forgotten(client: Client) -> None:
    client.force_login(make.user())
    Client().force_login(make.user())
    Session.objects.filter(pk=client.session.session_key).update(expire_date=timezone.now())

    tidying.forget_expired()

    assert Session.objects.count() == 1


def test_a_place_where_nobody_signed_in_for_long_is_known_no_more() -> None:
    person, now = make.user(), timezone.now()
    for digest, days in (("a", 399), ("b", 401)):
        KnownNetwork.objects.create(
            user=person, network=digest * 64, last_at=now - timedelta(days=days)
        )

    tidying.forget_expired()

    assert KnownNetwork.objects.get().network == "a" * 64
