"""Chromium, the site and a worker: a test asks for `page`, and for `worker` where it dubs.

Every page is watched: what its console or the content security policy complains of fails the test
when it ends, unless the test took it out of `complaints`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.files.storage import default_storage
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.site import Site, serving, working

if TYPE_CHECKING:  # pytest may load this file before there are settings, so models come later
    from accounts.models import User
    from jobs.models import DubbingJob
    from tests.browser.dubs import Shelf

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PASSWORD = "a-password-of-the-tests"
PATIENCE_MS = 15_000

Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests."""
    # Playwright's own event loop runs in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver:
        expect.set_options(timeout=PATIENCE_MS)
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, without any key of a vendor."""
    folder = tmp_path_factory.mktemp("site")
    with serving(folder / "site.log") as one:
        yield one


@pytest.fixture
def worker(site: Site, tmp_path: Path) -> Iterator[None]:
    """A worker beside the site."""
    with working(site, tmp_path / "worker.log"):
        yield


@pytest.fixture
def complaints() -> list[str]:
    """What console and policy complained of in this test's pages."""
    return []


@pytest.fixture
def opened(
    browser: Browser, site: Site, transactional_db: None, complaints: list[str]
) -> Iterator[Opened]:
    """Open a page in a browser of its own: `opened(width=360, color_scheme="dark")`."""
    with ExitStack() as contexts:

        def open_page(
            *, base_url: str = "", width: int = 1280, height: int = 900, **choices: object
        ) -> Page:
            context = browser.new_context(
                base_url=base_url or site.url,
                viewport={"width": width, "height": height},
                **choices,  # type: ignore[arg-type]
            )
            contexts.callback(context.close)
            return watched(context, complaints)

        yield open_page
    assert complaints == []


@pytest.fixture
def page(opened: Opened) -> Page:
    """A page 1280 px wide."""
    return opened()


def watched(context: BrowserContext, complaints: list[str]) -> Page:
    """A new page whose complaints are collected; those of the policy come by the console too."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: (
            complaints.append(f"{page.url}: {said.text}")
            if said.type in {"error", "warning"}
            else None
        ),
    )
    return page


@pytest.fixture
def person(transactional_db: None) -> "User":
    """Somebody with the best plan and 1000 credits, who can sign in with PASSWORD."""
    from tests import make

    return with_password(make.professional(credits=1000))


def with_password(user: "User") -> "User":
    """Let somebody sign in with PASSWORD."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    # As the site does it; the tests' own process hashes in a faster way.
    hasher = Argon2PasswordHasher()
    user.password = hasher.encode(PASSWORD, hasher.salt())
    user.save()
    return user


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> "Shelf":
    """A finished dub, made once for all tests."""
    from tests.browser.dubs import Shelf

    return Shelf(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def dub(shelf: "Shelf", person: "User") -> "DubbingJob":
    """A finished dub of the person, in Spanish and French, with all its files."""
    return shelf.dub(person)


@pytest.fixture
def sample_dub(site: Site, shelf: "Shelf", dub: "DubbingJob") -> Iterator[None]:
    """A sample dub for the home page of the site, as the demo leaves it."""
    from dubber.public.sample import FILES, MANIFEST

    folder = Path(site.environment["DUBBER_SAMPLE"])
    folder.mkdir()
    shutil.copyfile(shelf.film, folder / FILES["original"])
    names = {"full_m4a": FILES["dub"], "vtt": FILES["captions"], "manifest": MANIFEST}
    for file in dub.artifacts.filter(task__language="es", kind__in=names, current=True):
        with default_storage.open(file.object_key) as kept:
            (folder / names[file.kind]).write_bytes(kept.read())
    yield
    shutil.rmtree(folder)


def sign_in(page: Page, user: "User") -> None:
    """Sign somebody in as they do it."""
    page.goto("/login")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
