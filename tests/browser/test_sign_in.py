"""Signing in and out, in a browser."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import sign_in

pytestmark = pytest.mark.browser


def test_a_person_signs_in_and_out(page: Page, person: User) -> None:
    sign_in(page, person)
    expect(page.get_by_text("1000")).to_be_visible()

    page.locator(".menu summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
