"""How somebody uses a page: with a mouse, or with nothing but the keyboard."""

from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Error, Locator, Page, expect

MOST_TABS = 150
MOST_TRIES = 3
TRY_MS = 5_000

SEEN = """(element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return element.matches(":focus-visible")
        && (element.contains(top) || element.labels?.[0]?.contains(top) || top?.contains(element));
}"""
"""Whether what has the focus shows it, and nothing lies over it."""


class Hand(Protocol):
    """What somebody does to a page."""

    def press(self, target: Locator) -> None:
        """Use a button or follow a link."""

    def tick(self, target: Locator) -> None:
        """Choose a box."""

    def write(self, target: Locator, text: str) -> None:
        """Put a text into a field, in the place of what it has."""

    def give(self, target: Locator, file: Path) -> None:
        """Choose a file."""


class Mouse:
    """A hand that points."""

    def __init__(self, page: Page) -> None:
        """Use a page."""

    def press(self, target: Locator) -> None:
        """Click."""
        target.click()

    def tick(self, target: Locator) -> None:
        """Click into the box."""
        target.check()

    def write(self, target: Locator, text: str) -> None:
        """Fill the field."""
        target.fill(text)

    def give(self, target: Locator, file: Path) -> None:
        """Give it the file."""
        target.set_input_files(file)


class Keyboard:
    """A hand that has only keys: it gets everywhere with Tab, or not at all."""

    def __init__(self, page: Page) -> None:
        """Use a page."""
        self.page = page
        self.keys = page.keyboard

    def press(self, target: Locator) -> None:
        """Go there and press Enter."""
        self.reach(target)
        self.keys.press("Enter")

    def tick(self, target: Locator) -> None:
        """Go there and press Space."""
        self.reach(target)
        self.keys.press(" ")
        expect(target).to_be_checked()

    def write(self, target: Locator, text: str) -> None:
        """Go there and type over what is there."""
        self.reach(target)
        self.keys.press("Control+a")
        self.keys.type(text)

    def give(self, target: Locator, file: Path) -> None:
        """Go there and open the dialog of the system; a page that just loads may let a key pass."""
        for _ in range(MOST_TRIES):
            self.reach(target)
            try:
                with self.page.expect_file_chooser(timeout=TRY_MS) as chooser:
                    self.keys.press("Enter")
            except Error:
                continue
            chooser.value.set_files(file)
            return
        raise AssertionError(f"Enter on {target} opens no dialog.")

    def reach(self, target: Locator) -> None:
        """Press Tab until it has the focus; fails where that can't be seen."""
        target.wait_for(state="attached")
        for _ in range(MOST_TABS):
            if target.evaluate("(element) => element === document.activeElement"):
                assert target.evaluate(SEEN), f"The focus on {target} can't be seen."
                return
            self.keys.press("Tab")
        raise AssertionError(f"The Tab key doesn't lead to {target}.")


in_both_ways = pytest.mark.parametrize(
    ("hand_of", "width", "theme"),
    [(Mouse, 1280, "light"), (Keyboard, 360, "dark")],
    ids=["mouse-1280-light", "keyboard-360-dark"],
)
"""Runs a test with a mouse on a wide light page, and by keyboard alone on a narrow dark one."""
