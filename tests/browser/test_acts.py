"""What people do to a dub that ended: add a language, try one again, delete it, and find it."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from billing.queries import balance_of
from jobs import outcomes
from jobs.pipeline.errors import PipelineError
from tests import make
from tests.browser import dubs
from tests.browser.conftest import Opened, sign_in
from tests.browser.hands import Keyboard, Mouse, in_both_ways

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg, pytest.mark.models]


@in_both_ways
def test_a_language_is_added_and_then_everything_is_deleted(
    opened: Opened,
    person: User,
    shelf: dubs.Shelf,
    hand_of: type[Mouse | Keyboard],
    width: int,
    theme: str,
) -> None:
    job = dubs.ordered(person, shelf.film, languages=["fr"])
    dubs.work()
    page = opened(width=width, color_scheme=theme)
    hand, dialog = hand_of(page), page.get_by_role("dialog")
    sign_in(page, person)
    page.goto(f"/jobs/{job.public_id}")

    hand.press(page.get_by_role("link", name="Add languages"))
    expect(dialog.get_by_role("button", name="Add and pay")).to_be_visible()
    hand.tick(dialog.get_by_role("checkbox", name="Spanish"))
    price = balance_of(person) - int(page.locator("#adding-sum").inner_text())
    hand.press(dialog.get_by_role("button", name="Add and pay"))

    expect(page.locator("#language-es")).to_contain_text("Waiting to go on")
    expect(page.locator(".balance b")).to_have_text(str(price))
    assert balance_of(person) == price

    hand.press(page.get_by_role("link", name="Delete the files now"))
    expect(dialog).to_contain_text("What is being made is cancelled; 2 credits come back.")
    hand.press(dialog.get_by_role("button", name="Delete the files"))

    expect(page.get_by_role("heading", name="The files of this dub are gone")).to_be_visible()
    expect(page.locator(".balance b")).to_have_text(str(price + 2))


def test_no_more_languages_are_added_than_the_plan_has_room_for(
    page: Page, person: User, shelf: dubs.Shelf
) -> None:
    job = dubs.ordered(person, shelf.film, languages=["fr"])
    dubs.work()
    sign_in(page, person)
    page.goto(f"/jobs/{job.public_id}/languages")
    add = page.get_by_role("button", name="Add and pay")

    page.get_by_role("checkbox", name="Spanish").check()
    expect(add).to_be_enabled()
    page.get_by_role("checkbox", name="Spanish").uncheck()
    page.locator(".adding").evaluate("(box) => { box.dataset.room = 0; }")  # as if all were taken
    page.get_by_role("checkbox", name="Spanish").check()

    expect(add).to_be_disabled()
    expect(page.get_by_text("untick the others")).to_be_visible()


def test_a_language_that_failed_is_tried_again(page: Page, person: User) -> None:
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("ENGINE_FAILED", engine="Vosk"))
    sign_in(page, person)
    page.goto(f"/jobs/{job.public_id}")
    price = job.tasks.get().price

    page.get_by_role("link", name="Try again for").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Your balance is {1000 - price} afterwards.")
    dialog.get_by_role("button", name="Try again for").click()

    expect(page.locator("#language-es")).to_contain_text("Waiting for its turn")
    expect(page.locator(".balance b")).to_have_text(str(1000 - price))


def test_a_dub_is_found_while_one_types(page: Page, person: User) -> None:
    for title in ("How bread is made", "A walk"):
        make.job(person, languages=["es"], title=title)
    sign_in(page, person)
    page.goto("/jobs")
    expect(page.locator(".dubs > li")).to_have_count(2)

    page.get_by_role("searchbox", name="Search titles").press_sequentially("bread")

    expect(page.locator(".dubs > li")).to_have_count(1)
    expect(page.locator(".dubs")).to_contain_text("How bread is made")
    expect(page).to_have_url(re.compile("search=bread"))
