"""Everything that a newcomer does, from the first page to the last, with real engines."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs import wiring
from jobs.models import DubbingJob
from jobs.sample import Sample, make_sample
from tests.browser.conftest import PASSWORD
from tests.browser.site import mailed_link

pytestmark = [
    pytest.mark.browser,
    pytest.mark.worker,
    pytest.mark.models,
    pytest.mark.ffmpeg,
]
DUBBED_MS = 180_000
RENDERED_MS = 90_000


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The recording that the demo dubs."""
    return make_sample(tmp_path_factory.mktemp("sample"), narrator=wiring.narrator())


def sign_up(page: Page) -> str:
    """Make an account, confirm its address by the mail, and take the free credits."""
    address = f"anna-{uuid4().hex[:8]}@example.com"
    page.goto("/")
    page.get_by_role("link", name="Make an account").first.click()
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.goto(mailed_link(address, "/verify-email/"))
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".balance")).to_be_visible()
    page.locator(".balance").click()
    page.get_by_role("button", name="Take 20 free credits").click()
    expect(page.locator(".balance b")).to_have_text("20")
    return address


def launch(page: Page, film: Path) -> DubbingJob:
    """Send the film, read the quote, and launch its Spanish dub."""
    page.get_by_role("link", name="New dub").first.click()
    page.get_by_label("Drop a video or a voice track here").set_input_files(film)
    expect(page.locator("#file-voice")).to_contain_text("ready")
    page.get_by_role("checkbox", name="Spanish").check()
    expect(page.get_by_role("row", name="You pay")).to_contain_text("6")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/jobs/job_*")
    return DubbingJob.objects.get(public_id=page.url.rpartition("/")[2])


def spoken(job: DubbingJob) -> dict[int, str]:
    """The wording that every line was spoken in."""
    lines = job.tasks.get().lines.order_by("segment__index")
    return dict(enumerate(lines.values_list("spoken", flat=True), start=1))


def edit_first_line(page: Page, text: str) -> None:
    """Say the first line in other words and make just that line anew."""
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("Line 1", exact=True).fill(text)
    expect(page.get_by_text("Changed lines: 1")).to_be_visible()
    expect(page.get_by_text("Everything is kept")).to_be_visible()
    page.get_by_role("link", name="Make the changes").click()
    page.get_by_role("button", name="Make them for 1 credit").click()
    expect(page.get_by_text("The changed lines are made anew.")).to_be_visible()


@pytest.mark.usefixtures("worker")
def test_a_newcomer_dubs_watches_edits_downloads_and_leaves(page: Page, sample: Sample) -> None:
    address = sign_up(page)

    job = launch(page, sample.talk)
    expect(page.get_by_text("none overlaps").first).to_be_visible(timeout=DUBBED_MS)
    expect(page.locator(".balance b")).to_have_text("14")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Spanish").click()
    expect(page.get_by_role("button", name="Spanish")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Original").click()
    expect(page.get_by_role("button", name="Original")).to_have_attribute("aria-pressed", "true")
    before = spoken(job)
    edit_first_line(page, "Hola a todos, amigos.")
    expect(page.locator("#language-es")).to_contain_text("ready", timeout=RENDERED_MS)
    after = spoken(job)
    with page.expect_download() as saved:
        page.locator("#files-es").get_by_role("link", name="Captions (VTT)").click()
    page.goto("/account/delete")
    page.get_by_label("Write DELETE MY ACCOUNT").fill("DELETE MY ACCOUNT")
    page.get_by_role("button", name="Delete everything").click()

    assert {number for number in before if before[number] != after[number]} == {1}
    assert "Hola a todos, amigos." in saved.value.path().read_text()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert not User.objects.filter(email=address).exists()
