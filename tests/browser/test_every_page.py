"""Every page in both themes, wide and narrow: nothing complains, axe finds nothing, little is sent.

What it sees it keeps as pictures in var/screenshots: `make screenshots` is this file.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page, Response, Route

from accounts.models import User
from tests import make
from tests.browser.conftest import Opened
from tests.browser.dubs import Shelf
from tests.browser.pages import ERRORS, PAGES, PageOf, World, build
from tests.browser.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg]

FOLDER = settings.BASE_DIR / "var" / "screenshots"
WIDTHS = (1280, 360)
THEMES = ("light", "dark")
MOST_BYTES = 150 * 1024
MOST_SHIFT = 0.05
MOST_QUERIES = 12

SHIFT = """() => new Promise((resolve) => {
    let sum = 0;
    const moved = new Set();
    const name = (node) => node ? [node.nodeName, node.id, node.className].join(" ").trim() : "?";
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            sum += entry.hadRecentInput ? 0 : entry.value;
            entry.sources.forEach((source) => moved.add(name(source.node)));
        }
    }).observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(
        () => requestAnimationFrame(() => resolve([sum, [...moved].join(", ")]))
    );
})"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def world(shelf: Shelf, person: User) -> World:
    """What the pages show."""
    return build(shelf, person)


def enter(page: Page, site: Site, world: World, who: str) -> None:
    """Sign in by a session of the tests: to type a password 100 times would take minutes."""
    if not who:
        return
    client = Client()
    make.sign_in(client, getattr(world, who))
    value = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": value, "url": site.url}])


def address(one: PageOf, world: World) -> str:
    return one.where if isinstance(one.where, str) else one.where(world)


def compressed(response: Response) -> int:
    """Bytes that a text takes on its way; media are not counted."""
    kind = response.headers.get("content-type", "")
    if not kind.startswith(("text/", "application/javascript", "image/svg")):
        return 0
    return len(zlib.compress(response.body(), 6))


def faults(page: Page, url: str, *, name: str, status: int) -> Iterator[str]:
    """Whatever is wrong with a page as it is opened at this width and in this theme."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    response = page.goto(url, wait_until="load")
    assert response is not None
    if response.status != status:
        yield f"{name} answered {response.status}"
    shift, moved = page.evaluate(SHIFT)
    if (wider := page.evaluate(WIDER)) > 0:
        yield f"{name} is {wider} px wider than its window"
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
    sent = sum(compressed(answer) for answer in answers)
    if sent > MOST_BYTES:
        yield f"{name} takes {sent / 1024:.0f} KB"
    if shift > MOST_SHIFT:
        yield f"{name} shifts by {shift:.3f}: {moved}"


def violations(page: Page, name: str) -> Iterator[str]:
    """What axe finds on the page that is open."""
    found: dict[str, Any] = Axe().run(page).response
    for one in found["violations"]:
        places = [node["target"] for node in one["nodes"]][:3]
        yield f"{name} {one['id']}: {one['help']} {places}"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("group", sorted(PAGES))
def test_every_page_is_in_order(
    opened: Opened, site: Site, world: World, group: str, theme: str
) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []

    for one in PAGES[group]:
        url = address(one, world)
        for width in WIDTHS:
            page = opened(width=width, color_scheme=theme)
            enter(page, site, world, one.who)
            name = f"{one.name}-{width}-{theme}"
            wrong += faults(page, url, name=name, status=200)
            wrong += violations(page, name) if width == WIDTHS[0] else ()
            page.context.close()

    assert wrong == []


@pytest.mark.parametrize("theme", THEMES)
def test_every_error_is_in_order(
    opened: Opened, complaints: list[str], world: World, theme: str
) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []

    for error, made in ERRORS.items():
        response = made(world)
        for width in WIDTHS:
            page = opened(width=width, color_scheme=theme)
            page.route("**/wrong", answering(response))
            name = f"error-{error}-{width}-{theme}"
            wrong += faults(page, "/wrong", name=name, status=response.status_code)
            wrong += violations(page, name) if width == WIDTHS[0] else ()
            page.context.close()

    # The console says of every such answer that it is none.
    complaints[:] = [said for said in complaints if "responded with a status of" not in said]
    assert wrong == []


def answering(response: HttpResponse) -> Callable[[Route], None]:
    """Give the browser that answer, under the policy of all pages."""
    policy = settings.SECURITY_HEADERS["Content-Security-Policy"]
    headers = {"Content-Type": "text/html", "Content-Security-Policy": policy}

    def answer(route: Route) -> None:
        route.fulfill(status=response.status_code, headers=headers, body=response.content.decode())

    return answer


@pytest.mark.parametrize("group", sorted(PAGES))
def test_no_page_asks_the_database_often(world: World, group: str) -> None:
    asked = {}

    for one in PAGES[group]:
        client = Client(headers={"accept": "text/html"})
        if one.who:
            make.sign_in(client, getattr(world, one.who))
        url = address(one, world)
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        asked[one.name] = len(captured)

    assert {name: count for name, count in asked.items() if count > MOST_QUERIES} == {}
