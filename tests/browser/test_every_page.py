"""Every page in both themes, wide and narrow: nothing complains, axe finds nothing, little is sent.

A page is loaded twice, wide and light, and narrow and dark. With PICTURES set, which is what
`make screenshots` does, it keeps what it sees in var/screenshots, and changes the theme of each for
two more pictures.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page, Response, Route, expect

from accounts.models import User
from tests import make
from tests.browser.conftest import Opened
from tests.browser.dubs import Shelf
from tests.browser.pages import ERRORS, PAGES, PageOf, World, build
from tests.browser.site import Site, free_port, serving
from tests.peers.server import VendorPeer
from tests.peers.stripe import StripePeer

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg]

PICTURES = "PICTURES" in os.environ
FOLDER = settings.BASE_DIR / "var" / "screenshots"
Faults = Iterator[str]

LOOKS = ((1280, "light", "dark"), (360, "dark", "light"))
"""A width, the theme in which a page is loaded, and the one that it changes to."""

WITH_VENDORS = frozenset(
    {
        *{"pricing", "languages", "privacy", "billing", "billing-new"},
        *{"new-dub", "new-dub-prepared", "new-dub-unaffordable", "add-languages"},
    }
)
"""Pages that show more where vendors and Stripe are set up."""

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
# What is painted only when it is scrolled to would be missing from the picture of a whole page.
SHOWN = """() => {
    for (const line of document.querySelectorAll(".line")) line.style.contentVisibility = "visible";
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def world(shelf: Shelf, person: User) -> World:
    """What the pages show."""
    return build(shelf, person)


class Windows:
    """A browser for each person and width: a context costs as much as loading a page."""

    def __init__(self, opened: Opened, site: Site, world: World) -> None:
        """Open none yet."""
        self.opened, self.site, self.world = opened, site, world
        self.pages: dict[tuple[str, int], Page] = {}

    def of(self, who: str, width: int) -> Page:
        """The page of somebody, signed in; nothing of it is cached."""
        if (who, width) not in self.pages:
            page = self.opened(base_url=self.site.url, width=width)
            # So that every page is loaded as by somebody who was never here.
            cdp = page.context.new_cdp_session(page)
            cdp.send("Network.enable")
            cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
            self._enter(page, who)
            self.pages[who, width] = page
        return self.pages[who, width]

    def _enter(self, page: Page, who: str) -> None:
        """Sign in by a session of the tests: to type a password takes long."""
        if who:
            client = Client()
            make.sign_in(client, getattr(self.world, who))
            value = client.cookies["sessionid"].value
            page.context.add_cookies([{"name": "sessionid", "value": value, "url": self.site.url}])


@pytest.fixture
def equipped(transactional_db: None, tmp_path: Path) -> Iterator[Site]:
    """A site with all vendors and with Stripe."""
    with VendorPeer() as vendors, StripePeer() as bank:
        environment = {**vendors.environment, **bank.environment}
        with serving(tmp_path / "site.log", port=free_port(), **environment) as site:
            yield site


@pytest.fixture
def windows(opened: Opened, site: Site, world: World) -> Windows:
    """Browsers of everybody in the world."""
    return Windows(opened, site, world)


def address(one: PageOf, world: World) -> str:
    return one.where if isinstance(one.where, str) else one.where(world)


def compressed(response: Response) -> int:
    """Bytes that a text takes on its way; media are not counted."""
    kind = response.headers.get("content-type", "")
    if not kind.startswith(("text/", "application/javascript", "image/svg")):
        return 0
    return len(zlib.compress(response.body(), 6))


def faults(page: Page, url: str, *, name: str, status: int = 200) -> Faults:
    """Whatever is wrong with a page as it is opened in a window of this width."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.goto("about:blank")  # what the page before still asks for isn't this one's
    page.on("response", note)
    response = page.goto(url, wait_until="load")
    assert response is not None
    if response.status != status:
        yield f"{name} answered {response.status}"
    shift, moved = page.evaluate(SHIFT)
    page.remove_listener("response", note)
    sent = sum(compressed(answer) for answer in answers)
    if sent > MOST_BYTES:
        yield f"{name} takes {sent / 1024:.0f} KB"
    if shift > MOST_SHIFT:
        yield f"{name} shifts by {shift:.3f}: {moved}"
    if (wider := page.evaluate(WIDER)) > 0:
        yield f"{name} is {wider} px wider than its window"


def seen(
    page: Page, url: str, *, name: str, look: tuple[int, str, str], status: int = 200
) -> Faults:
    """Open a page, take its two pictures, and say what is wrong with it."""
    width, theme, other = look
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    yield from faults(page, url, name=f"{name}-{width}-{theme}", status=status)
    yield from violations(page, f"{name}-{width}-{theme}")
    if PICTURES:
        picture(page, f"{name}-{width}-{theme}")
        page.emulate_media(color_scheme=other)  # type: ignore[arg-type]
        picture(page, f"{name}-{width}-{other}")


def picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Take a picture of a page; what is on its way from one colour to another is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.evaluate(SHOWN)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=whole, animations="disabled")


def violations(page: Page, name: str) -> Faults:
    """What axe finds on the page that is open."""
    found: dict[str, Any] = Axe().run(page).response
    for one in found["violations"]:
        places = [node["target"] for node in one["nodes"]][:3]
        yield f"{name} {one['id']}: {one['help']} {places}"


@pytest.mark.parametrize("group", sorted(PAGES))
def test_every_page_is_in_order(windows: Windows, world: World, group: str) -> None:
    wrong: list[str] = []

    for one in PAGES[group]:
        url = address(one, world)
        for look in LOOKS:
            wrong += seen(windows.of(one.who, look[0]), url, name=one.name, look=look)

    assert wrong == []


def test_a_question_over_its_page_is_in_order(windows: Windows, world: World) -> None:
    wrong: list[str] = []

    for width, theme, _ in LOOKS:
        page = windows.of("owner", width)
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(world.dub("ready"))
        page.get_by_role("link", name="Delete the files now").click()
        expect(page.get_by_role("dialog").locator("#question")).to_be_focused()
        wrong += violations(page, f"question-{width}-{theme}")
        if PICTURES:
            picture(page, f"question-{width}-{theme}", whole=False)

    assert wrong == []


@pytest.mark.usefixtures("sample_dub")
def test_the_home_page_with_a_sample_is_in_order(windows: Windows, world: World) -> None:
    wrong: list[str] = []

    for look in LOOKS:
        wrong += seen(windows.of("", look[0]), "/", name="home-with-sample", look=look)

    assert wrong == []


def test_what_a_site_with_vendors_shows_is_in_order(
    opened: Opened, equipped: Site, world: World
) -> None:
    windows = Windows(opened, equipped, world)
    wrong: list[str] = []

    for one in chain.from_iterable(PAGES.values()):
        if one.name in WITH_VENDORS:
            url, name = address(one, world), f"vendors-{one.name}"
            for look in LOOKS:
                wrong += seen(windows.of(one.who, look[0]), url, name=name, look=look)

    assert wrong == []


def test_every_error_is_in_order(windows: Windows, complaints: list[str], world: World) -> None:
    wrong: list[str] = []

    for error, made in ERRORS.items():
        response = made(world)
        for look in LOOKS:
            page = windows.of("", look[0])
            page.route("**/wrong", answering(response))
            name, status = f"error-{error}", response.status_code
            wrong += seen(page, "/wrong", name=name, look=look, status=status)
            page.unroute("**/wrong")

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


def test_no_page_asks_the_database_often(world: World) -> None:
    asked = {}

    for one in chain.from_iterable(PAGES.values()):
        client = Client(headers={"accept": "text/html"})
        if one.who:
            make.sign_in(client, getattr(world, one.who))
        url = address(one, world)
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        asked[one.name] = len(captured)

    assert {name: count for name, count in asked.items() if count > MOST_QUERIES} == {}
