"""How soon pages show something, and how smooth the editor is: `python -m tests.bench.pages`.

Chromium opens every main page of the site as `make run` serves it, with nothing in its cache, and
the editor of a recording of an hour with 1000 lines, which it scrolls through to its end. Prints
JSON: milliseconds, and the share of the processors that others used right before or after.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.site import Site

LINES, EVERY = 1000, 3.6
ROUNDS = 3
PATIENCE_MS = 60_000
QUIET_SECONDS = 3.0
PUBLIC = ("/", "/how-it-works", "/pricing", "/languages", "/help", "/login", "/sign-up")
OWN = ("/jobs", "/jobs/new", "/downloads", "/billing", "/account")

WATCH = """
    window.longTasks = [];
    new PerformanceObserver((list) => {
        window.longTasks.push(...list.getEntries().map((entry) => entry.duration));
    }).observe({ type: "longtask", buffered: true });
"""
PAINTED = """() => new Promise((resolve) => {
    new PerformanceObserver((list) => {
        for (const entry of list.getEntriesByName("first-contentful-paint")) {
            resolve(entry.startTime);
        }
    }).observe({ type: "paint", buffered: true });
})"""
# Deferred scripts have run by then: every line can be written in, and is kept.
USABLE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def fill() -> tuple[str, Mapping[str, str]]:
    """Write a dub of an hour; its address, and the cookie of whom it belongs to."""
    from django.test import Client

    from tests import make
    from tests.web.spoken import spoken_lines

    person = make.professional(credits=1000)
    job = spoken_lines(person, count=LINES, every=EVERY)
    client = Client()
    make.sign_in(client, person)
    return f"/jobs/{job.public_id}", {"sessionid": client.cookies["sessionid"].value}


@contextmanager
def opened(browser: "Browser", site: "Site", cookies: Mapping[str, str]) -> Iterator["Page"]:
    """A page of a browser that was never here."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(WATCH)
    context.add_cookies(
        [{"name": name, "value": value, "url": site.url} for name, value in cookies.items()]
    )
    yield context.new_page()
    context.close()


def first_paint(page: "Page", path: str) -> float:
    """When something of a page was there to be read, counted from when it was asked for."""
    answer = page.goto(path)
    if answer is None or answer.status != 200:
        raise SystemExit(f"{path} was answered by {answer and answer.status}")
    return float(page.evaluate(PAINTED))


def scroll(page: "Page") -> None:
    """Go down until every line is there."""
    count = page.locator("[data-line]").count()
    while count < LINES:
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        page.locator("[data-line]").nth(count).wait_for(state="attached")
        count = page.locator("[data-line]").count()


def editor(
    browser: "Browser", site: "Site", path: str, cookies: Mapping[str, str]
) -> dict[str, float]:
    """When the editor can be used, and its longest task on the way to its end."""
    with opened(browser, site, cookies) as page:
        first_paint(page, path)
        usable = float(page.evaluate(USABLE))
        scroll(page)
        return {"usable": usable, "longest_task": max(page.evaluate("longTasks"), default=0.0)}


def measure(site: "Site", dub: str, cookies: Mapping[str, str]) -> dict[str, object]:
    """Open everything, in some rounds; medians of the times, and the worst of all tasks."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS

    nobody: Mapping[str, str] = {}
    paths = dict.fromkeys(PUBLIC, nobody) | dict.fromkeys(
        [*OWN, dub, f"{dub}/transcript", f"{dub}/edit/es"], cookies
    )
    paints: dict[str, list[float]] = {path: [] for path in paths}
    editors: list[dict[str, float]] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with opened(browser, site, cookies) as page:
            for path in paths:  # the site itself reads its templates once
                first_paint(page, path)
        for _ in range(ROUNDS):
            for path, of_whom in paths.items():
                with opened(browser, site, of_whom) as page:
                    paints[path].append(first_paint(page, path))
            editors.append(editor(browser, site, f"{dub}/edit/es", cookies))
        browser.close()
    return {
        "first_paint_ms": {
            path.replace(dub, "/jobs/…"): round(statistics.median(times))
            for path, times in paints.items()
        },
        "editor_usable_ms": round(statistics.median(one["usable"] for one in editors)),
        "longest_task_ms": round(max(one["longest_task"] for one in editors)),
    }


def main() -> None:
    """Set up a database and storage of its own, measure, print."""
    from tests.bench.memory import set_up
    from tests.conftest import set_environment
    from tests.database import copy_sqlite

    with tempfile.TemporaryDirectory(prefix="dubber-bench-") as scratch:
        folder = Path(scratch)
        set_environment(folder)
        os.environ["DATABASE_URL"] = copy_sqlite(folder)
        set_up()
        from tests.browser.site import serving

        dub, cookies = fill()
        with serving(folder / "site.log") as site:
            before = psutil.cpu_percent(QUIET_SECONDS)
            figures = measure(site, dub, cookies)
            after = psutil.cpu_percent(QUIET_SECONDS)
        others = round(max(before, after) / 100, 2)
        sys.stdout.write(json.dumps({**figures, "used_by_others": others}) + "\n")


if __name__ == "__main__":
    main()
