"""The pages that describe the API; the fixture fails a test whose console complains."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_swagger_ui_shows_the_api(page: Page) -> None:
    page.goto("/docs")

    page.get_by_text("/api/jobs/upload-urls").first.wait_for()


def test_redoc_shows_the_api_and_asks_no_other_server(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto("/redoc")

    page.get_by_role("heading", name="create_upload_urls").first.wait_for()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_alt_text("redocly logo")).to_have_count(0)
    assert [
        url
        for url in asked
        if not url.startswith((page.url.removesuffix("/redoc"), "blob:", "data:"))
    ] == []
