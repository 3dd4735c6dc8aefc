"""The page of one dub in a browser: watch, switch languages, follow the work, act."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from billing.queries import balance_of
from jobs.models import DubbingJob
from tests.browser import dubs
from tests.browser.conftest import PATIENCE_MS, Opened, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg]

HEARD = "[...document.querySelectorAll('.sound audio')].find((one) => !one.paused && !one.muted)"
IN_STEP = f"""() => {{
    const heard = {HEARD};
    const picture = document.getElementById('picture');
    return heard && heard.currentTime > 1 && !picture.paused
        && Math.abs(heard.currentTime - picture.currentTime) < 0.1;
}}"""


NOTE_LIFTS = """
    window.lifts = [];
    const { animate } = Element.prototype;
    Element.prototype.animate = function (frames, choices) {
        window.lifts.push([this.id, choices.duration]);
        return animate.call(this, frames, choices);
    };
"""


CAPTIONS_WHEN_A_LANGUAGE_IS_ADDED = """async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    page.querySelector("[data-choose=fr]").dataset.choose = "it";
    page.querySelector("[data-track=fr]").dataset.track = "it";
    page.getElementById("captions-fr").id = "captions-it";
    const { textTracks } = document.getElementById("picture");
    const chosen = new Promise((resolve) => { textTracks.onchange = resolve; }); // by the browser
    const tracks = new CustomEvent("tracks", { detail: { page } });
    document.getElementById("player").dispatchEvent(tracks);
    await chosen;
    return [...textTracks].map((one) => one.mode);
}"""


def show(page: Page, person: User, job: DubbingJob) -> None:
    sign_in(page, person)
    page.goto(f"/jobs/{job.public_id}")


def place(page: Page) -> float:
    seconds: float = page.evaluate("Number(document.getElementById('seek').value)")
    return seconds


def sound(page: Page, language: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """(code) => {
            const one = document.querySelector(`[data-track="${code}"] audio`);
            return { at: one.currentTime, paused: one.paused };
        }""",
        language,
    )
    return found


def ask_for_all_files(page: Page) -> None:
    """Ask for the ZIP, which then waits for a worker."""
    with page.expect_response("**/download/es/bundle"):
        page.locator(".result:visible").get_by_role("link", name="All files in one").click()
    expect(page.get_by_text("being made, a few seconds")).to_be_visible()


def until(page: Page, fact: str) -> None:
    """Wait until an expression is true; as a function, because the policy forbids `eval`."""
    page.wait_for_function(fact if fact.startswith("() =>") else f"() => ({fact})")


def test_another_language_goes_on_at_the_same_place(
    page: Page, person: User, dub: DubbingJob
) -> None:
    show(page, person, dub)
    page.get_by_role("button", name="Play").click()
    until(page, IN_STEP)

    before = place(page)
    page.get_by_role("button", name="French").click()
    expect(page.get_by_role("button", name="French")).to_have_attribute("aria-pressed", "true")
    until(page, IN_STEP)

    assert sound(page, "es")["paused"]
    assert not sound(page, "fr")["paused"]
    assert before <= sound(page, "fr")["at"] < before + 6


def test_the_original_is_one_of_the_languages(page: Page, person: User, dub: DubbingJob) -> None:
    show(page, person, dub)

    page.get_by_role("button", name="Original").click()
    page.get_by_role("button", name="Play").click()
    until(page, IN_STEP)

    assert not sound(page, "original")["paused"]


def test_a_paused_player_keeps_its_place_too(page: Page, person: User, dub: DubbingJob) -> None:
    show(page, person, dub)
    page.locator("#seek").fill("12")
    until(page, "document.getElementById('time').textContent.startsWith('0:12')")

    page.get_by_role("button", name="French").click()
    until(page, "document.querySelector('[data-track=fr] audio').currentTime > 11.9")

    assert sound(page, "fr")["paused"]
    assert place(page) == pytest.approx(12, abs=0.1)


def test_a_line_of_the_timeline_is_heard_and_shown_in_both_languages(
    page: Page, person: User, dub: DubbingJob
) -> None:
    show(page, person, dub)

    page.locator(".timeline .now [data-line]").nth(2).locator("rect").first.click()
    until(page, IN_STEP)

    assert 7.9 <= place(page) < 14
    expect(page.locator("#line-said")).to_contain_text("The old bridge is closed.")
    expect(page.locator("#line-now")).to_contain_text("The old bridge is closed. Olé")


def test_the_player_obeys_the_keyboard(page: Page, person: User, dub: DubbingJob) -> None:
    show(page, person, dub)
    page.get_by_role("button", name="Play").focus()

    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('time').textContent.startsWith('0:05')")
    page.keyboard.press("n")
    until(page, "document.getElementById('line-said').textContent.startsWith('The old')")
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="French")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_captions_are_on_in_the_language_that_is_heard(
    page: Page, person: User, dub: DubbingJob
) -> None:
    show(page, person, dub)
    modes = "[...document.querySelectorAll('track')].map((one) => one.track.mode).join()"

    until(page, f"{modes} === 'showing,disabled'")
    page.get_by_role("button", name="French").click()
    until(page, f"{modes} === 'disabled,showing'")
    until(page, "document.getElementById('captions-fr').track.cues?.length > 3")
    page.get_by_role("button", name="Captions").click()

    assert page.evaluate(modes) == "disabled,disabled"


def test_a_language_that_becomes_ready_does_not_put_its_captions_over_those_that_show(
    page: Page, person: User, dub: DubbingJob
) -> None:
    show(page, person, dub)
    until(page, "document.getElementById('captions-es').track.mode === 'showing'")

    modes = page.evaluate(CAPTIONS_WHEN_A_LANGUAGE_IS_ADDED)

    assert modes == ["showing", "disabled", "disabled"]


def test_a_line_to_look_at_leads_there(page: Page, person: User, dub: DubbingJob) -> None:
    show(page, person, dub)

    page.locator(".result:visible .looks a").first.click()
    until(page, f"({HEARD})?.currentTime > 3.9")

    assert 3.9 < place(page) < 9


def test_the_receipt_follows_the_language(page: Page, person: User, dub: DubbingJob) -> None:
    show(page, person, dub)
    expect(page.get_by_text("5 lines, none overlaps.")).to_have_count(2)

    page.get_by_role("button", name="French").click()

    expect(page.locator("#result-fr")).to_be_visible()
    expect(page.locator("#result-es")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_small_screen(
    opened: Opened, person: User, dub: DubbingJob, scheme: str
) -> None:
    page = opened(width=360, color_scheme=scheme)
    show(page, person, dub)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_language_that_becomes_ready_lifts_once_and_can_be_heard_at_once(
    page: Page, person: User, shelf: dubs.Shelf
) -> None:
    job = dubs.ordered(person, shelf.film, languages=["es"])
    page.add_init_script(NOTE_LIFTS)
    show(page, person, job)
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()

    dubs.work(2)
    expect(page.locator(".timeline .waiting")).to_have_count(5)
    dubs.work()
    expect(page.get_by_role("button", name="Spanish")).to_be_visible()
    page.get_by_role("button", name="Spanish").click()
    page.get_by_role("button", name="Play").click()
    until(page, IN_STEP)

    expect(page.get_by_text("5 lines, none overlaps.")).to_be_visible()
    expect(page.locator(".timeline .waiting")).to_have_count(0)
    assert page.evaluate("window.lifts") == [["language-es", 200]]


def test_a_lost_connection_is_said_and_recovers(
    page: Page, person: User, shelf: dubs.Shelf, complaints: list[str]
) -> None:
    job = dubs.ordered(person, shelf.film, languages=["es"])
    show(page, person, job)

    page.context.set_offline(True)
    expect(page.get_by_text("No connection. The page reconnects")).to_be_visible()
    dubs.work(1)
    page.context.set_offline(False)

    expect(page.get_by_text("No connection. The page reconnects")).to_be_hidden()
    expect(page.get_by_text("Waiting to go on")).to_be_visible()
    complaints.clear()  # the browser itself writes down that it was offline


def test_cancelling_asks_first(page: Page, person: User, shelf: dubs.Shelf) -> None:
    job = dubs.ordered(person, shelf.film)
    show(page, person, job)

    page.get_by_role("link", name="Cancel and get 4 credits back").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("4 credits come back to your balance at once.")
    expect(dialog.get_by_role("heading")).to_be_focused()  # so that Enter twice cancels nothing
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Cancel and get 4 credits back").click()
    dialog.get_by_role("button", name="Cancel and get 4 credits back").click()

    expect(page.get_by_text("Cancelled, 4 credits returned.")).to_be_visible()
    assert balance_of(person) == 1000


def test_a_dialog_begins_on_its_question(page: Page, person: User, dub: DubbingJob) -> None:
    sign_in(page, person)
    page.goto(f"/jobs/{dub.public_id}")

    page.get_by_role("link", name="Delete the files now").press("Enter")

    expect(page.get_by_role("dialog").locator("#question")).to_be_focused()


def test_silence_is_shown(page: Page, person: User, dub: DubbingJob) -> None:
    sign_in(page, person)
    page.goto(f"/jobs/{dub.public_id}")
    muted = page.get_by_text("Muted", exact=True)
    expect(muted).to_be_hidden()

    page.locator("#play").press("m")

    expect(muted).to_be_visible()


def test_cancelling_asks_without_javascript_too(
    opened: Opened, person: User, shelf: dubs.Shelf
) -> None:
    page = opened(java_script_enabled=False)
    show(page, person, dubs.ordered(person, shelf.film))

    page.get_by_role("link", name="Cancel and get 4 credits back").click()
    page.get_by_role("button", name="Cancel and get 4 credits back").click()

    expect(page.get_by_text("Cancelled, 4 credits returned.")).to_be_visible()


def test_a_file_made_on_demand_comes_by_itself(page: Page, person: User, dub: DubbingJob) -> None:
    show(page, person, dub)

    ask_for_all_files(page)
    with page.expect_download(timeout=4 * PATIENCE_MS) as saved:
        dubs.work()

    assert saved.value.suggested_filename.endswith(".zip")


def test_waiting_for_a_file_survives_a_lost_connection(
    page: Page, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    show(page, person, dub)
    ask_for_all_files(page)

    with page.expect_event("requestfailed"):
        page.context.set_offline(True)
    page.context.set_offline(False)
    with page.expect_download(timeout=4 * PATIENCE_MS) as saved:
        dubs.work()

    assert saved.value.suggested_filename.endswith(".zip")
    complaints.clear()  # the browser itself writes down that it was offline
