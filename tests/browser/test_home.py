"""The home page where a sample was dubbed: before and after, to be heard."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_dub_page import IN_STEP, place, sound, until

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg, pytest.mark.usefixtures("sample_dub")]


def test_the_sample_is_heard_before_and_after_at_the_same_place(page: Page) -> None:
    page.goto("/")

    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="English")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Play").click()
    until(page, IN_STEP)
    before = place(page)
    page.get_by_role("button", name="Spanish").click()
    expect(page.get_by_role("button", name="Spanish")).to_have_attribute("aria-pressed", "true")
    until(page, IN_STEP)

    assert sound(page, "original")["paused"]
    assert before <= sound(page, "es")["at"] < before + 6


def test_a_line_of_the_sample_is_heard_when_it_is_clicked(page: Page) -> None:
    page.goto("/")

    page.locator(".timeline .now [data-line]").nth(2).locator("rect").first.click()
    until(page, IN_STEP)

    expect(page.locator("#line-said")).to_contain_text("The old bridge is closed.")
    expect(page.locator("#line-now")).to_contain_text("The old bridge is closed. Olé")
