"""A new dub, from the file to the launch, as people make it."""

import json
import re
import wave
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from jobs.models import DubbingJob, Upload
from tests import make
from tests.browser.cable import Cable, cable
from tests.browser.conftest import Opened, sign_in, with_password
from tests.browser.hands import Keyboard, Mouse, in_both_ways
from tests.browser.site import Site, serving

pytestmark = [pytest.mark.browser, pytest.mark.models]

RATE = 48_000
Recording = Callable[..., str]

WATCH_THE_BAR = """() => {
    const seen = { coins: 0, balances: [] };
    new MutationObserver((changes) => {
        const added = changes.flatMap((change) => [...change.addedNodes]);
        seen.coins += added.filter((node) => node.className === "coin").length;
        if (changes.some((change) => change.target.matches(".balance b"))) {
            seen.balances.push(document.querySelector(".balance b").textContent);
        }
        sessionStorage.setItem("seen", JSON.stringify(seen));
    }).observe(document.body, { childList: true, subtree: true });
}"""
"""Writes down the coins that fly and what the balance in the bar becomes, past the page's end."""


DROPPED = """(sound) => {
    const bytes = Uint8Array.from(atob(sound), (one) => one.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "My talk.wav", { type: "audio/wav" }));
    return transfer;
}"""
"""What a browser gives with a file that is dragged into its window."""


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Writes a recording of silence: nobody listens to it here."""

    def write(name: str = "My talk.wav", *, seconds: int = 61) -> str:
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, RATE, 0, "NONE", "not compressed"))
            file.writeframes(bytes(4 * RATE * seconds))
        return str(path)

    return write


def arrived(page: Page, role: str = "voice") -> None:
    """Wait until a file is here and was looked into."""
    expect(page.locator(f"#file-{role}")).to_contain_text("ready")


def launched(page: Page) -> DubbingJob:
    """Wait until the page of the dub is there; the dub."""
    page.wait_for_url("**/jobs/job_*")
    return DubbingJob.objects.get(public_id=page.url.rpartition("/")[2])


@pytest.fixture
def slow(site: Site) -> Iterator[Cable]:
    """A slow connection to the site."""
    with cable(site.url, bytes_a_second=4_000_000) as one:
        yield one


def test_a_recording_is_sent_priced_and_launched(
    page: Page, person: User, recording: Recording
) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")

    page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
    arrived(page)
    page.get_by_role("checkbox", name="Spanish").check()
    expect(page.get_by_role("row", name="You pay")).to_contain_text("7")
    expect(page.get_by_role("row", name="After launch")).to_contain_text("993")
    page.get_by_role("button", name="Launch").click()

    job = launched(page)
    assert job.title == "My talk"
    assert [task.language for task in job.tasks.all()] == ["es"]
    expect(page.locator(".balance b")).to_have_text("993")


@pytest.mark.parametrize(("motion", "coins"), [("no-preference", 1), ("reduce", 0)])
def test_credits_leave_the_balance_in_the_bar_when_a_dub_is_launched(
    opened: Opened, person: User, recording: Recording, motion: str, coins: int
) -> None:
    page = opened(reduced_motion=motion)
    sign_in(page, person)
    page.goto("/jobs/new")
    page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
    arrived(page)
    page.get_by_role("checkbox", name="Spanish").check()
    expect(page.locator("#quote [data-line]")).to_have_count(1)
    page.evaluate(WATCH_THE_BAR)

    page.get_by_role("button", name="Launch").click()

    launched(page)
    seen = json.loads(page.evaluate("sessionStorage.getItem('seen')"))
    assert seen == {"coins": coins, "balances": ["993"]}


def test_a_file_is_dropped_on_its_place(page: Page, person: User, recording: Recording) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")
    sound = b64encode(Path(recording(seconds=2)).read_bytes()).decode()

    dropped = page.evaluate_handle(DROPPED, sound)
    place = page.locator(".drop[data-role=voice]")
    place.dispatch_event("dragover", {"dataTransfer": dropped})
    expect(place).to_have_class(re.compile("over"))
    place.dispatch_event("drop", {"dataTransfer": dropped})

    arrived(page)
    expect(page.locator("#file-voice")).to_contain_text("My talk.wav")


def test_a_file_that_is_chosen_before_the_script_is_there_is_sent(
    page: Page, person: User, recording: Recording
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/files.js", hold)
    sign_in(page, person)
    page.goto("/jobs/new", wait_until="commit")

    page.get_by_label("Drop a video or a voice track here").set_input_files(recording(seconds=2))
    held[0].continue_()

    arrived(page)


@in_both_ways
def test_a_lost_connection_loses_nothing(
    opened: Opened,
    person: User,
    recording: Recording,
    slow: Cable,
    complaints: list[str],
    hand_of: type[Mouse | Keyboard],
    width: int,
    theme: str,
) -> None:
    page = opened(base_url=slow.url, width=width, color_scheme=theme)
    hand = hand_of(page)
    sign_in(page, person)
    page.goto("/jobs/new")
    path = Path(recording(seconds=90))
    with page.expect_request(lambda one: one.method == "PUT"):
        hand.give(page.get_by_label("Drop a video or a voice track"), path)
    expect(page.locator("[data-figures]").first).to_have_text(re.compile(r"[2-9]\d %"))

    slow.cut()
    page.context.set_offline(True)
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    hand.tick(page.get_by_role("checkbox", name="Spanish"))
    hand.write(page.get_by_label("Title"), "Written offline")
    expect(page.get_by_text("We can’t reach the site.")).to_be_visible()
    slow.mend()
    with page.expect_request(lambda one: "bytes */" not in one.headers.get("content-range", "*/")):
        page.context.set_offline(False)
    arrived(page)

    expect(page.get_by_role("row", name="You pay")).to_contain_text("9")
    assert Upload.objects.get().size == 4 * RATE * 90 + 44
    hand.press(page.get_by_role("button", name="Launch"))
    assert launched(page).title == "Written offline"
    page.close()  # the page of the dub goes on asking, and may still meet a dead connection
    assert all("Failed to load resource: net::ERR_" in one for one in complaints)
    complaints.clear()


def test_what_came_of_a_file_stays_when_the_page_is_loaded_again(
    opened: Opened, person: User, recording: Recording, slow: Cable
) -> None:
    path = recording(seconds=90)
    page = opened(base_url=slow.url)
    sign_in(page, person)
    page.goto("/jobs/new")
    page.get_by_label("Drop a video or a voice track here").set_input_files(path)
    page.get_by_role("checkbox", name="Spanish").check()
    expect(page.locator("[data-figures]").first).to_have_text(re.compile(r"[2-9]\d %"))
    page.on("dialog", lambda dialog: dialog.accept())

    page.reload()

    expect(page.get_by_text("Choose the same file again to go on.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Spanish")).to_be_checked()
    slow.mend()
    with page.expect_request(lambda one: one.method == "PUT") as put:
        page.get_by_label("Drop a video or a voice track here").set_input_files(path)
    assert not put.value.headers["content-range"].startswith("bytes 0-")
    arrived(page)


def test_a_new_dub_fits_a_small_dark_screen(
    opened: Opened, person: User, recording: Recording
) -> None:
    page = opened(width=360, height=740, color_scheme="dark", reduced_motion="reduce")
    sign_in(page, person)
    page.goto("/jobs/new")

    page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
    arrived(page)
    page.get_by_role("checkbox", name="Spanish").check()
    expect(page.locator("#sum")).to_contain_text("7 credits")

    expect(page.get_by_role("button", name="Launch")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Launch").click()
    launched(page)


def test_a_background_of_another_length_is_refused_before_it_is_sent(
    page: Page, person: User, recording: Recording
) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")
    page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
    arrived(page)

    other = recording("music.wav", seconds=70)
    page.get_by_label("Drop the background here").set_input_files(other)

    expect(page.get_by_text("Voice (61.0 s) and background (70.0 s) differ")).to_be_visible()
    assert Upload.objects.count() == 1


def test_a_dub_is_not_launched_without_the_background_that_was_refused_until_one_says_so(
    page: Page, person: User, recording: Recording
) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")
    page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
    arrived(page)
    page.get_by_role("checkbox", name="Spanish").check()
    expect(page.locator("#sum")).to_contain_text("credits")
    other = recording("music.wav", seconds=70)
    page.get_by_label("Drop the background here").set_input_files(other)
    expect(page.get_by_text("differ by more than one second")).to_be_visible()

    page.get_by_role("button", name="Launch").dblclick()

    expect(page.get_by_text("launch again to go on without it")).to_be_visible()
    assert DubbingJob.objects.count() == 0
    page.wait_for_timeout(1_000)  # no longer a double click
    page.get_by_role("button", name="Launch").click()
    launched(page)


def test_a_language_is_found_by_the_name_that_its_speakers_give_it(
    page: Page, person: User
) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")

    page.get_by_label("Search languages").fill("Espanol")

    expect(page.get_by_role("checkbox", name="Spanish")).to_be_visible()
    expect(page.get_by_role("checkbox", name="French")).to_be_hidden()


def test_a_file_that_is_no_recording_is_refused_before_it_is_sent(
    page: Page, person: User, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("Dear diary")
    sign_in(page, person)
    page.goto("/jobs/new")

    page.get_by_label("Drop a video or a voice track here").set_input_files(str(notes))

    expect(page.get_by_text("This isn’t a video or sound file that we can read.")).to_be_visible()
    assert not Upload.objects.exists()


def test_a_refused_launch_leads_the_focus_to_what_is_wrong(page: Page, person: User) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")

    page.get_by_role("button", name="Launch").press("Enter")

    expect(page.get_by_text("Choose a video or a voice track.")).to_be_focused()


def test_what_one_can_afford_is_chosen_once_there_are_prices(
    page: Page, person: User, recording: Recording
) -> None:
    sign_in(page, person)
    page.goto("/jobs/new")
    affordable = page.get_by_role("button", name="All I can afford")
    expect(affordable).to_be_disabled()
    expect(affordable).to_have_accessible_description("Add a recording first")

    page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
    arrived(page)
    affordable.click()

    expect(page.get_by_role("checkbox", name="Spanish")).to_be_checked()


def test_what_is_probably_spoken_is_the_last_that_one_can_afford(
    opened: Opened, recording: Recording, tmp_path: Path, transactional_db: None
) -> None:
    person = with_password(make.user(credits=20))
    with serving(tmp_path / "site.log", OPENAI_BASE_URL="http://127.0.0.1:9/v1") as site:
        page = opened(base_url=site.url)
        sign_in(page, person)
        page.goto("/jobs/new")
        page.get_by_label("Drop a video or a voice track here").set_input_files(recording())
        arrived(page)

        page.get_by_role("button", name="All I can afford").click()

        expect(page.locator("[name=languages]:checked")).to_have_count(2)
        expect(page.get_by_role("checkbox", name="English")).not_to_be_checked()
        page.goto("about:blank")  # nothing of it asks a site that has ended
