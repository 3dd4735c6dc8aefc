"""Every route of the site is in a table, and lets in whom its table says."""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import cast

import pytest
from django.contrib import admin
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import tokens
from accounts.models import User
from dubber.api import ApiView
from tests import make
from tests.access import accounts, billing, dubber, jobs
from tests.access.table import ROLES, Outcome, Route, World
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db

ROUTES = [*accounts.ROUTES, *billing.ROUTES, *dubber.ROUTES, *jobs.ROUTES]
WITHOUT_COOKIE = {
    "put_upload", "stripe_webhook", "stripe_webhook_slash", "api_signup", "api_login",
    "api_refresh", "api_password_reset", "api_password_update", "api_resend_verification",
    "mail_off",
}  # fmt: skip
"""What reads no cookie, so none can be misused: a signature, a token or a password decides."""

OTHERS = {"admin", "djstripe"}
"""Namespaces of libraries, whose routes are tried by themselves below and in billing."""


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            yield one
        elif one.namespace not in OTHERS:
            yield from patterns(one)


PATTERNS = {pattern.name: pattern for pattern in patterns(get_resolver())}


def methods_of(world: World, route: Route, clients: Iterable[Client]) -> set[str]:
    """The methods that an address takes, as it says itself to who comes with one that none takes.

    One client may be led elsewhere before it is told; then another is.
    """
    url = reverse(route.name, kwargs=dict(route.arguments(world)))
    told = [client.generic("TRACE", url).get("Allow", "") for client in clients]
    return set(", ".join(filter(None, told)).split(", ")) - {"HEAD", "OPTIONS", ""}


@pytest.fixture
def people() -> dict[str, User]:
    people = {role: make.user() for role in ROLES if role not in {"nobody", "owner"}}
    people["owner"] = make.professional()
    people["unverified"].email_verified_at = None
    people["deactivated"].is_active = False
    for role in ("clerk", "staff"):
        people[role].is_staff = True
    people["staff"].is_superuser = True
    for person in people.values():
        person.save()
    return people


@pytest.fixture
def world(people: dict[str, User], tmp_path: Path) -> World:
    world = World(people, delivered(people["owner"], tmp_path))
    world.remember_files()
    return world


def client_of(people: Mapping[str, User], role: str, *, bearer: bool) -> Client:
    """A browser, or a program, that signs in."""
    if role == "nobody":
        return Client()
    person = people[role]
    if bearer and not person.is_staff:
        token = tokens.open_session(person).access_token
        return Client(headers={"authorization": f"Bearer {token}"})
    client = Client()
    make.sign_in(client, person)
    return client


def is_api(route: Route) -> bool:
    return hasattr(PATTERNS[route.name].callback, "cls")


def ask(client: Client, route: Route, world: World) -> HttpResponseBase:
    url = reverse(route.name, kwargs=dict(route.arguments(world))) + route.query
    kind = {"content_type": "application/json"} if is_api(route) and route.method != "GET" else {}
    send = getattr(client, route.method.lower())
    return cast(HttpResponseBase, send(url, route.body(world), **kind))


def outcome(response: HttpResponseBase) -> Outcome:
    if response.streaming:
        b"".join(response)
    return response.get("Location") or response.status_code


def seen(found: Outcome, expected: Outcome) -> Outcome:
    """What was found, in the words of what was expected where that is right."""
    if isinstance(found, str) and (
        expected == 302 or (str(expected) != "/" and found.startswith(str(expected)))
    ):
        return expected
    return found


def again(signed_in: Client) -> Client:
    """The same session as it was, whatever became of it in another client."""
    client = Client()
    client.defaults = dict(signed_in.defaults)
    client.cookies = deepcopy(signed_in.cookies)
    return client


def wrong(world: World, route: Route, clients: Mapping[str, Client]) -> dict[str, Outcome]:
    """What some roles get from a route though its table says otherwise; then nothing happened."""
    # The owner comes last: what they do may use up what the others must not find.
    order = sorted(ROLES, key=lambda role: role == "owner")
    with transaction.atomic():
        found = {role: outcome(ask(again(clients[role]), route, world)) for role in order}
        transaction.set_rollback(True)
    world.put_files_back()
    return {
        role: found[role]
        for role in ROLES
        if seen(found[role], route.expect[role]) != route.expect[role]
    }


def test_every_route_lets_in_whom_its_table_says(world: World) -> None:
    # One world for all of them: to make it takes longer than to ask.
    programs = {role: client_of(world.people, role, bearer=True) for role in ROLES}
    browsers = {role: client_of(world.people, role, bearer=False) for role in ROLES}

    differing = {
        str(route): wrong(world, route, programs if is_api(route) else browsers) for route in ROUTES
    }

    assert {route: roles for route, roles in differing.items() if roles} == {}


def test_no_route_is_missing_from_the_tables(world: World) -> None:
    clients = [client_of(world.people, role, bearer=False) for role in ("nobody", "owner")]
    told: dict[str, set[str]] = {}
    for route in ROUTES:
        told.setdefault(route.name, set()).add(route.method)

    there = {route.name: methods_of(world, route, clients) for route in ROUTES}

    assert set(told) == set(PATTERNS)
    assert there == told


def test_a_change_by_cookie_needs_its_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    routes = [one for one in ROUTES if one.method != "GET" and one.name not in WITHOUT_COOKIE]

    told = {str(route): outcome(ask(client, route, world)) for route in routes}

    assert told
    assert set(told.values()) == {403}, told


def test_what_only_changes_something_is_never_done_by_a_link(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    shown = {one.name for one in ROUTES if one.method == "GET"}
    posted = [one for one in ROUTES if one.method == "POST" and one.name not in shown]

    told = {
        route.name: client.get(reverse(route.name, kwargs=dict(route.arguments(world)))).status_code
        for route in posted
    }

    assert told
    assert set(told.values()) == {405}, told


def test_every_route_has_a_name_of_its_own() -> None:
    names = [pattern.name for pattern in patterns(get_resolver())]

    assert None not in names
    assert len(set(names)) == len(names)


def test_every_address_of_the_api_is_counted_and_written_without_its_slash() -> None:
    for pattern in PATTERNS.values():
        if str(pattern.pattern).startswith("api/"):
            assert not str(pattern.pattern).endswith("/")
            view = getattr(pattern.callback, "cls", None)
            assert view is not None, pattern.name
            assert issubclass(view, ApiView), pattern.name


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("nobody", "/login"),
        ("deactivated", "/login"),
        ("unverified", "/verify-email"),
        ("stranger", 403),
        ("owner", 403),
        ("clerk", 403),
        ("staff", 200),
    ],
)
def test_the_admin_lets_in_staff_with_permission_only(
    people: dict[str, User], role: str, expected: Outcome
) -> None:
    client = client_of(people, role, bearer=False)

    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
        found = outcome(client.get(address))
        if isinstance(found, str) and "/admin/login" in found:
            found = outcome(client.get(found))

        assert seen(found, expected) == expected, model
