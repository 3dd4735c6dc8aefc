"""Everything that a newcomer does, from the first page to the last, with real engines."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from jobs import wiring
from jobs.models import DubbingJob
from jobs.sample import Sample, make_sample
from tests.browser.conftest import PASSWORD, Opened
from tests.browser.hands import Hand, Keyboard, Mouse, in_both_ways
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


def sign_up(page: Page, hand: Hand) -> str:
    """Create an account, confirm its address by the mail, and take the free credits."""
    address = f"anna-{uuid4().hex[:8]}@example.com"
    page.goto("/")
    hand.press(page.get_by_role("link", name="Create an account").first)
    hand.write(page.get_by_label("E-mail"), address)
    hand.write(page.get_by_label("Password"), PASSWORD)
    hand.press(page.get_by_role("button", name="Create an account"))
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    page.goto(mailed_link(address, "/verify-email/"))
    if page.get_by_label("Password").count():
        hand.write(page.get_by_label("Password"), PASSWORD)
    hand.press(page.get_by_role("button", name="Confirm"))
    hand.press(page.get_by_role("button", name="Take 20 free credits"))
    expect(page.locator(".balance b")).to_have_text("20")
    return address


def launch(page: Page, hand: Hand, film: Path) -> DubbingJob:
    """Send the film, read the quote, and launch its Spanish dub."""
    hand.press(page.get_by_role("link", name="New dub").first)
    hand.give(page.get_by_label("Drop a video or a voice track here"), film)
    expect(page.locator("#file-voice")).to_contain_text("ready")
    hand.tick(page.get_by_role("checkbox", name="Spanish"))
    expect(page.get_by_role("row", name="You pay")).to_contain_text("6")
    hand.press(page.get_by_role("button", name="Launch"))
    page.wait_for_url("**/jobs/job_*")
    return DubbingJob.objects.get(public_id=page.url.rpartition("/")[2])


def watch(page: Page, hand: Hand) -> None:
    """Play the dub, and change what is heard."""
    hand.press(page.get_by_role("button", name="Play"))
    for name in ("Spanish", "Original"):
        hand.press(page.get_by_role("button", name=name, exact=True))
        expect(page.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")


def spoken(job: DubbingJob) -> dict[int, str]:
    """The wording that every line was spoken in."""
    lines = job.tasks.get().lines.order_by("segment__index")
    return dict(enumerate(lines.values_list("spoken", flat=True), start=1))


def edit_first_line(page: Page, hand: Hand, text: str) -> None:
    """Say the first line in other words and make just that line anew."""
    hand.press(page.get_by_role("link", name="Edit").first)
    hand.write(page.get_by_label("Line 1", exact=True), text)
    expect(page.get_by_text("Changed lines: 1")).to_be_visible()
    expect(page.get_by_text("All changes are saved")).to_be_visible()
    hand.press(page.get_by_role("link", name="Update the dub"))
    hand.press(page.get_by_role("button", name="Make them for 1 credit"))
    expect(page.get_by_text("Updating the changed lines.")).to_be_visible()


def captions(page: Page, hand: Hand) -> str:
    """Download the captions and read them."""
    with page.expect_download() as saved:
        hand.press(page.locator("#files-es").get_by_role("link", name="Captions (VTT)"))
    return saved.value.path().read_text()


def leave(page: Page, hand: Hand) -> None:
    """Delete the account."""
    hand.press(page.locator(".menu summary"))
    hand.press(page.locator(".menu").get_by_role("link", name="Account"))
    hand.press(page.get_by_role("link", name="Delete the account"))
    hand.write(page.get_by_label("Write DELETE MY ACCOUNT"), "DELETE MY ACCOUNT")
    hand.press(page.get_by_role("button", name="Delete everything"))


@pytest.mark.usefixtures("worker")
@in_both_ways
def test_a_newcomer_dubs_watches_edits_downloads_and_leaves(
    opened: Opened, sample: Sample, hand_of: type[Mouse | Keyboard], width: int, theme: str
) -> None:
    page = opened(width=width, color_scheme=theme)
    hand = hand_of(page)
    address = sign_up(page, hand)

    job = launch(page, hand, sample.talk)
    expect(page.get_by_text("none overlaps").first).to_be_visible(timeout=DUBBED_MS)
    expect(page.locator(".balance b")).to_have_text("14")
    watch(page, hand)
    before = spoken(job)
    edit_first_line(page, hand, "Hola a todos, amigos.")
    expect(page.locator("#language-es")).to_contain_text("ready", timeout=RENDERED_MS)
    after = spoken(job)
    written = captions(page, hand)
    leave(page, hand)

    assert {number for number in before if before[number] != after[number]} == {1}
    assert "Hola a todos, amigos." in written
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert not User.objects.filter(email=address).exists()
