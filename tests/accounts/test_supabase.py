"""People who come with a token of Supabase, asked over real HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from accounts import supabase, tokens
from accounts.api_keys import make_key
from accounts.models import User
from tests import make
from tests.accounts.asking import PASSWORD, ask, code_of
from tests.peers.supabase import SECRET, SERVICE_KEY, SupabasePeer

pytestmark = pytest.mark.django_db
ME = "/api/users/me"
REFUSED = (401, "authentication_required")
KEYS = "/auth/v1/.well-known/jwks.json"


@pytest.fixture
def peer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SupabasePeer]:
    monkeypatch.setattr(supabase, "published_keys", supabase.PublishedKeys())
    with SupabasePeer() as running:
        settings.SUPABASE_URL = running.url
        settings.SUPABASE_JWT_SECRET = SECRET
        settings.SUPABASE_SERVICE_KEY = SERVICE_KEY
        yield running


def later(seconds: float) -> None:
    """Let so much time go by since the keys were fetched."""
    assert supabase.published_keys._asked is not None
    supabase.published_keys._asked -= seconds


def test_a_first_visit_makes_the_person(peer: SupabasePeer) -> None:
    ana = peer.add_person("Ana@example.com")

    answer = ask("GET", ME, peer.token(ana))

    user = User.objects.get()
    assert (answer.status_code, answer.json()["email"]) == (200, "ana@example.com")
    assert (str(user.supabase_id), user.is_verified) == (ana.id, True)


def test_an_old_token_lets_in_too(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")

    assert ask("GET", ME, peer.legacy_token(ana)).status_code == 200


def test_a_second_visit_asks_supabase_nothing(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    ask("GET", ME, peer.token(ana))
    before = len(peer.calls)

    ask("GET", ME, peer.token(ana))

    assert len(peer.calls) == before


def test_who_never_confirmed_is_not_verified(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com", confirmed=False)

    assert code_of(ask("GET", "/api/account/info", peer.token(ana))) == (403, "email_unverified")


def test_who_confirms_later_is_verified_within_a_minute(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com", confirmed=False)
    ask("GET", ME, peer.token(ana))
    ana.confirmed = True

    answer = ask("GET", "/api/account/info", peer.token(ana))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "others",
    [
        {"iss": "https://elsewhere.supabase.co/auth/v1"},
        {"aud": "anon"},
        {"role": "service_role"},
        {"role": "anon"},
        {"role": None},
        {"is_anonymous": True},
        {"exp": None},
        {"exp": timedelta(seconds=-31)},
        {"nbf": timedelta(hours=1)},
        {"sub": None},
        {"sub": "1; DROP TABLE users"},
        {"email": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["token", "legacy_token"])
def test_a_token_that_says_something_else_is_refused(
    peer: SupabasePeer, kind: str, others: dict[str, Any]
) -> None:
    ana = peer.add_person("ana@example.com")

    assert code_of(ask("GET", ME, getattr(peer, kind)(ana, **others))) == REFUSED
    assert not User.objects.exists()


def test_a_clock_may_be_thirty_seconds_off(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")

    assert ask("GET", ME, peer.token(ana, exp=timedelta(seconds=-20))).status_code == 200


def test_the_published_key_is_no_secret_of_the_old_kind(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    signed = jwt.api_jws.PyJWS()
    signed._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
    payload = json.dumps(peer.claims(ana)).encode()
    token = signed.encode(payload, peer.public_key(), "HS256", {"kid": "first"})

    assert code_of(ask("GET", ME, token)) == REFUSED


def test_a_token_without_signature_is_refused(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")

    token = jwt.encode(peer.claims(ana), "", "none", headers={"kid": "first"})

    assert code_of(ask("GET", ME, token)) == REFUSED


def test_old_tokens_are_refused_where_no_secret_is_set(peer: SupabasePeer, settings: Any) -> None:
    settings.SUPABASE_JWT_SECRET = ""
    ana = peer.add_person("ana@example.com")

    assert code_of(ask("GET", ME, peer.legacy_token(ana))) == REFUSED


def test_an_unknown_key_is_looked_for_once_a_minute(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    ask("GET", ME, peer.token(ana))

    for _ in range(3):
        assert code_of(ask("GET", ME, peer.token(ana, key_id="unknown"))) == REFUSED

    assert peer.calls.count(KEYS) == 1


def test_a_new_key_is_found_after_a_minute(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    ask("GET", ME, peer.token(ana))
    peer.add_key("second")
    later(61)

    assert ask("GET", ME, peer.token(ana, key_id="second")).status_code == 200


def test_supabase_being_away_is_told_as_such(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    peer.down = True

    answer = ask("GET", ME, peer.token(ana))

    assert code_of(answer) == (503, "service_busy")
    assert answer["Retry-After"] == "5"
    assert peer.url not in answer.content.decode()


def test_supabase_being_away_is_asked_for_its_keys_once_a_minute(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    peer.down = True
    for _ in range(3):
        assert code_of(ask("GET", ME, peer.token(ana))) == (503, "service_busy")
    peer.down = False
    later(61)

    answer = ask("GET", ME, peer.token(ana))

    assert answer.status_code == 200
    assert peer.calls.count(KEYS) == 2


def test_a_known_key_goes_on_while_supabase_is_away(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    ask("GET", ME, peer.token(ana))
    peer.down = True
    later(601)

    answers = [ask("GET", ME, peer.token(ana)) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert peer.calls.count(KEYS) == 2


def test_who_is_known_does_not_wait_for_a_fetch(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    ask("GET", ME, peer.token(ana))
    later(601)

    with supabase.published_keys._fetching:  # which somebody else holds for seconds
        answer = ask("GET", ME, peer.token(ana))

    assert answer.status_code == 200


def test_guesses_count_against_the_limits_while_supabase_is_away(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    peer.down = True

    answer = ask("GET", ME, peer.token(ana))

    assert answer["X-RateLimit-Remaining"] == str(int(answer["X-RateLimit-Limit"]) - 1)


def test_a_confirmed_address_is_linked_to_its_account(peer: SupabasePeer) -> None:
    user = make.user("ana@example.com", password=PASSWORD)
    ana = peer.add_person("ana@example.com")

    answer = ask("GET", ME, peer.token(ana))

    user.refresh_from_db()
    assert answer.json()["id"] == str(user.pk)
    assert user.check_password(PASSWORD)


def test_an_address_that_is_not_confirmed_opens_no_account(peer: SupabasePeer) -> None:
    user = make.user("ana@example.com")
    mallory = peer.add_person("ana@example.com", confirmed=False)

    answer = ask("GET", ME, peer.token(mallory))

    user.refresh_from_db()
    assert code_of(answer) == REFUSED
    assert user.supabase_id is None


def test_an_account_that_was_never_verified_loses_what_its_maker_left(peer: SupabasePeer) -> None:
    squatted = User.objects.create_user("ana@example.com", PASSWORD)
    session = tokens.open_session(squatted)
    _key, text = make_key(squatted, name="Left behind")
    ana = peer.add_person("ana@example.com")

    answer = ask("GET", ME, peer.token(ana))

    squatted.refresh_from_db()
    assert answer.json()["id"] == str(squatted.pk)
    assert not squatted.has_usable_password()
    assert code_of(ask("GET", ME, session.access_token)) == REFUSED
    assert code_of(ask("GET", ME, text)) == REFUSED


def test_an_account_of_staff_is_never_linked(peer: SupabasePeer) -> None:
    User.objects.create_superuser("boss@example.com", PASSWORD)
    boss = peer.add_person("boss@example.com")

    assert code_of(ask("GET", ME, peer.token(boss))) == REFUSED


def test_another_person_of_supabase_does_not_take_over_a_linked_account(peer: SupabasePeer) -> None:
    ask("GET", ME, peer.token(peer.add_person("ana@example.com")))

    other = peer.add_person("ana@example.com")

    assert code_of(ask("GET", ME, peer.token(other))) == REFUSED


def test_a_deactivated_person_stays_out(peer: SupabasePeer) -> None:
    ana = peer.add_person("ana@example.com")
    ask("GET", ME, peer.token(ana))
    User.objects.update(is_active=False)

    assert code_of(ask("GET", ME, peer.token(ana))) == REFUSED


def test_without_a_project_no_token_of_supabase_is_good(peer: SupabasePeer, settings: Any) -> None:
    token = peer.token(peer.add_person("ana@example.com"))
    settings.SUPABASE_URL = ""

    assert code_of(ask("GET", ME, token)) == REFUSED
