"""The frame of every page, and the timeline, in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs import example
from tests.browser.conftest import Opened, sign_in

pytestmark = pytest.mark.browser

GIVEN = """() => {
    window.given = [];
    document.addEventListener("line", (event) => window.given.push(event.detail));
}"""
DRAWN = """() => [...document.querySelectorAll(".timeline svg > g *")].map((one) => [
    one.tagName,
    one.children.length ? "" : one.textContent.trim(),
    ...[...one.attributes].map(({ name, value }) => `${name}=${value}`).sort(),
])"""
REDRAW = """() => {
    const figure = document.querySelector("figure.timeline");
    const lines = JSON.parse(document.getElementById(`${figure.id}-lines`).textContent);
    for (const line of lines) { delete line.tint; }
    figure.dispatchEvent(new CustomEvent("lines", { detail: { lines } }));
}"""


def test_a_theme_is_kept_over_pages_and_given_up_again(opened: Opened) -> None:
    page = opened(color_scheme="light")
    page.goto("/")

    page.get_by_role("button", name="Dark").click()
    page.goto("/help")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Match device").click()
    page.goto("/help")
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_the_account_menu_closes_with_escape_and_gives_the_focus_back(
    page: Page, person: User
) -> None:
    sign_in(page, person)
    menu = page.locator(".menu summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.keyboard.press("Tab")
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu).to_be_focused()


def test_the_first_tab_leads_to_the_content(page: Page) -> None:
    page.goto("/help")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_be_focused()


def test_a_lost_network_is_said_until_it_is_back(page: Page, complaints: list[str]) -> None:
    page.goto("/help")

    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.context.set_offline(False)

    expect(page.get_by_text("You are offline.")).to_be_hidden()
    complaints.clear()  # the browser itself writes down that it was offline


def test_the_calculator_answers_while_one_types(page: Page) -> None:
    page.goto("/pricing")

    page.get_by_label("Minutes of voice").fill("10")

    expect(page.get_by_role("heading", name="132 credits")).to_be_visible()
    assert "minutes=10" in page.url


@pytest.fixture
def timeline(page: Page) -> Page:
    """The home page, whose timeline is made one that can be played."""
    page.route(
        "**/",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=answer.text()
            .replace('data-seconds="', 'data-playable data-seconds="')
            .replace("</head>", '<script src="/static/timeline.js" defer></script></head>'),
        ),
    )
    page.goto("/")
    page.evaluate(GIVEN)
    return page


def test_a_line_is_chosen_by_click_and_by_keyboard(timeline: Page) -> None:
    pane = timeline.get_by_role("slider")

    timeline.locator(".now [data-line]").nth(1).click()
    pane.focus()
    timeline.keyboard.press("ArrowRight")
    timeline.keyboard.press("Enter")
    timeline.keyboard.press("End")
    timeline.keyboard.press(" ")

    given = [one["id"] for one in timeline.evaluate("() => window.given")]
    last = str(len(example.LINES))
    assert given == ["2", "3", last]
    expect(pane).to_have_attribute("aria-valuenow", last)


def test_what_the_script_draws_is_what_the_server_drew(timeline: Page) -> None:
    before = timeline.evaluate(DRAWN)

    timeline.evaluate(REDRAW)

    assert len(before) > 60
    assert timeline.evaluate(DRAWN) == before


def test_the_window_follows_the_playhead(opened: Opened) -> None:
    page = opened(width=360)
    page.route(
        "**/",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=answer.text().replace(
                "</head>", '<script src="/static/timeline.js" defer></script></head>'
            ),
        ),
    )
    page.goto("/")

    page.evaluate(
        "() => document.querySelector('figure.timeline').dispatchEvent("
        "new CustomEvent('time', { detail: { seconds: 40 } }))"
    )

    assert page.evaluate("() => document.querySelector('.timeline-window').scrollLeft") > 300
    expect(page.locator(".playhead")).to_have_attribute("visibility", "visible")


def test_a_double_click_and_a_reload_make_one_key(page: Page, person: User) -> None:
    sign_in(page, person)
    page.goto("/account")
    page.get_by_label("Name of a new key").fill("A script")

    page.get_by_role("button", name="Make a key").dblclick()

    expect(page.get_by_text("Copy this key now")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/account$"))
    page.reload()
    expect(page.get_by_text("Copy this key now")).to_have_count(0)
    assert person.api_keys.count() == 1


def test_without_javascript_a_new_dub_fits_a_small_screen(opened: Opened, person: User) -> None:
    page = opened(java_script_enabled=False, width=360)
    sign_in(page, person)
    page.goto("/jobs/new")

    name = page.get_by_role("checkbox", name="Spanish").locator("xpath=ancestor::li").bounding_box()

    assert name is not None
    assert name["x"] + name["width"] <= 360
