"""The editor in a browser: no word is lost, and only what changed is made anew."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from billing.queries import balance_of
from jobs import rows
from jobs.models import DubbingJob, LanguageTask, Line
from jobs.pipeline.ports import Line as Asked
from jobs.pipeline.timeline import Segment, Transcript, Translation
from jobs.states import Stage
from tests import engines as test_engines
from tests.browser import dubs
from tests.browser.conftest import Opened, sign_in
from tests.browser.site import serving
from tests.engines import Shouting

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg, pytest.mark.models]


TOO_LONG, SHORT = "x" * 100, "Buenos días."


class Terse(Shouting):
    """Words everything as shortly as it can."""

    rewords = True

    def translate(self, lines: Sequence[Asked], **_: Any) -> dict[int, str]:
        """Give everything the same words."""
        return {line.id: SHORT for line in lines}


@pytest.fixture
def rewording(opened: Opened, tmp_path: Path) -> Iterator[Page]:
    """A page of a site whose translator can word lines anew; nobody asks it but the worker."""
    with serving(tmp_path / "site.log", OPENAI_BASE_URL="http://127.0.0.1:9/v1") as site:
        yield opened(base_url=site.url)


def edit(page: Page, person: User, job: DubbingJob) -> None:
    sign_in(page, person)
    page.goto(f"/jobs/{job.public_id}/edit/es")


def line(job: DubbingJob, number: int = 1) -> Line:
    return Line.objects.get(task__job=job, task__language="es", segment__index=number - 1)


def write(page: Page, text: str, *, number: int = 1) -> None:
    page.get_by_label(f"Line {number}", exact=True).fill(text)


def expect_kept(page: Page, text: str, *, number: int = 1) -> None:
    """Wait until the server has a wording, and the page says so."""
    row = page.locator("[data-line]").nth(number - 1)
    expect(row.locator("[data-changed]")).to_be_visible()
    expect(page.get_by_text("All changes are saved")).to_be_visible()
    expect(row.get_by_role("textbox")).to_have_value(text)


def refuse(route: Route) -> None:
    route.abort()


def holding(held: list[Route]) -> Callable[[Route], None]:
    """Keep requests back, to be let go later."""

    def hold(route: Route) -> None:
        held.append(route)

    return hold


def test_a_changed_line_is_made_anew_and_nothing_else(
    page: Page, person: User, dub: DubbingJob
) -> None:
    edit(page, person, dub)
    before = balance_of(person)

    write(page, "Hola a todos.")
    expect(
        page.get_by_text("Changed lines: 1 (Spanish 1) · credits to make them anew: 1")
    ).to_be_visible()
    page.get_by_role("link", name="Update the dub").click()
    page.get_by_role("button", name="Make them for 1 credit").click()
    expect(page.get_by_text("Updating the changed lines.")).to_be_visible()
    dubs.work()
    expect(page.locator("#language-es")).to_contain_text("ready")
    expect(page.locator("#line-now")).to_have_text("Hola a todos.")
    with page.expect_download() as saved:
        page.locator("#files-es").get_by_role("link", name="Captions (VTT)").click()

    assert "Hola a todos." in saved.value.path().read_text()
    assert balance_of(person) == before - 1
    assert [one.spoken.startswith("Hola") for one in line(dub).task.lines.all()].count(True) == 1


def test_two_people_at_one_line_lose_no_word(
    page: Page, opened: Opened, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    other = opened()
    edit(other, person, dub)

    write(page, "Hers")
    expect_kept(page, "Hers")
    write(other, "His")
    expect(other.locator(".conflict:visible")).to_contain_text(
        "There is another wording of this line"
    )
    expect(other.locator(".theirs").first).to_have_text("Hers")
    other.locator(".conflict:visible").get_by_role("button", name="Keep the one above").click()
    expect_kept(other, "His")

    assert line(dub).text == "His"
    complaints.clear()  # the browser writes down that it was answered 409


def test_a_wording_that_is_still_to_be_chosen_is_shown_before_the_dub_is_updated(
    page: Page, opened: Opened, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    other = opened()
    edit(other, person, dub)
    write(page, "Hers")
    expect_kept(page, "Hers")
    write(other, "His")
    choice = other.get_by_role("button", name="Use the other one")
    expect(choice).to_be_visible()
    write(other, "Another line", number=2)
    expect(other.locator("[data-line]").nth(1).locator("[data-changed]")).to_be_visible()

    other.get_by_role("link", name="Update the dub").click()

    expect(choice).to_be_focused()
    complaints.clear()


def test_an_editor_whose_session_has_ended_says_so_and_keeps_the_words(
    page: Page, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    page.context.clear_cookies(name="sessionid")

    write(page, "Hola a todos.")

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    sign_in(page, person)
    page.goto(f"/jobs/{dub.public_id}/edit/es")
    expect_kept(page, "Hola a todos.")
    complaints.clear()


def test_what_was_chosen_while_signed_out_is_sent_afterwards(
    page: Page, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    page.context.clear_cookies(name="sessionid")

    page.get_by_label("What plays").first.select_option("Original voice")
    page.locator("#lines select[name=voice]").nth(1).select_option(index=1)

    expect(page.get_by_text("You are signed out.")).to_have_count(2)
    sign_in(page, person)
    page.goto(f"/jobs/{dub.public_id}/edit/es")
    expect(page.locator("#lines [data-changed]:visible")).to_have_count(2)
    expect(page.get_by_text("All changes are saved")).to_be_visible()
    assert line(dub).keep_original
    assert line(dub, 2).chosen_voice
    complaints.clear()


def test_what_could_not_be_sent_is_still_there_after_the_page_was_closed(
    page: Page, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    page.route("**/lines/*", refuse)

    write(page, "Not sent yet")
    expect(page.get_by_text("Lines still to be sent, kept in this browser: 1")).to_be_visible()
    page.unroute("**/lines/*")
    page.reload()

    expect_kept(page, "Not sent yet")
    assert line(dub).text == "Not sent yet"
    complaints.clear()  # the browser writes down what it could not send


def test_an_edit_while_the_dub_is_made_is_sent_when_it_is_done(
    page: Page, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    LanguageTask.objects.filter(job=dub, language="fr").update(stage=Stage.DUBBING)
    DubbingJob.objects.update(status="processing", finished_at=None)

    write(page, "In the meantime")
    expect(page.get_by_text("This is being made.")).to_be_visible()
    LanguageTask.objects.filter(job=dub, language="fr").update(stage=Stage.COMPLETE)
    DubbingJob.objects.update(status="complete", finished_at=dub.finished_at)
    expect_kept(page, "In the meantime")

    assert line(dub).text == "In the meantime"
    complaints.clear()  # the browser writes down that it was answered 409


def test_the_estimate_follows_the_words(page: Page, person: User, dub: DubbingJob) -> None:
    edit(page, person, dub)
    badge = page.locator("[data-fit]").first

    write(page, "Hola")
    expect(badge).to_have_text("fits")
    write(page, "x" * 50)
    expect(badge).to_contain_text("× faster")
    write(page, "x" * 100)

    expect(badge).to_have_text("too long")


def test_a_line_that_can_not_be_heard_says_so(
    page: Page, person: User, dub: DubbingJob, complaints: list[str]
) -> None:
    edit(page, person, dub)
    page.route("**/hear", refuse)

    button = page.get_by_role("button", name="Hear it").first
    button.click()

    row = page.locator("[data-line]").first
    expect(row.get_by_text("That didn’t work this time.")).to_be_visible(timeout=15_000)
    expect(button).to_be_visible()
    complaints.clear()  # the browser writes down what was refused


def test_a_line_is_announced_with_how_it_fits(page: Page, person: User, dub: DubbingJob) -> None:
    edit(page, person, dub)

    write(page, TOO_LONG)

    expect(page.get_by_label("Line 1", exact=True)).to_have_accessible_description("too long")


def test_without_javascript_nothing_is_offered_that_needs_it(
    opened: Opened, person: User, dub: DubbingJob
) -> None:
    page = opened(java_script_enabled=False)
    edit(page, person, dub)

    row = page.locator("[data-line]").first
    expect(row.get_by_role("button")).to_have_text(["Keep"])
    row.get_by_role("textbox").fill("Sin guion")
    row.get_by_role("button", name="Keep").click()

    expect(page).to_have_url(re.compile(r"/edit/es\?from=0#line-\d+$"))
    expect(row.get_by_role("textbox")).to_have_value("Sin guion")


def test_a_shorter_wording_is_proposed_and_used_or_not(
    rewording: Page, person: User, dub: DubbingJob
) -> None:
    page, terse = rewording, test_engines.engines(translator=Terse())
    edit(page, person, dub)
    shorter = page.get_by_role("button", name="Suggest a shorter wording").locator("visible=true")
    proposal = page.get_by_role("group", name="A shorter wording is proposed")
    expect(shorter).to_have_count(0)

    write(page, TOO_LONG)
    expect(shorter).to_be_visible()
    with page.expect_response("**/shorten"):
        shorter.click()
    expect(page.get_by_text("Asking …")).to_be_visible()
    write(page, f"{TOO_LONG} And more.")
    dubs.work(by=terse)
    expect(proposal).to_contain_text(SHORT)
    expect(proposal).to_contain_text("fits")
    expect(proposal).to_contain_text("You changed the line since you asked")
    proposal.get_by_role("button", name="Keep mine").click()
    expect(proposal).to_have_count(0)
    expect_kept(page, f"{TOO_LONG} And more.")

    write(page, TOO_LONG)
    shorter.click()
    with page.expect_response(lambda answer: "Buenos" in (answer.request.post_data or "")):
        proposal.get_by_role("button", name="Use it").click()
    expect_kept(page, SHORT)
    assert line(dub).text == SHORT


def test_what_was_typed_before_the_script_began_is_kept(
    page: Page, person: User, dub: DubbingJob
) -> None:
    sign_in(page, person)
    held: list[Route] = []
    page.route("**/editor*.js", holding(held))
    page.goto(f"/jobs/{dub.public_id}/edit/es", wait_until="commit")

    write(page, "Typed early")
    page.get_by_label("What plays").nth(1).select_option("Nothing")
    for route in held:
        route.continue_()

    expect_kept(page, "Typed early")
    assert line(dub).text == "Typed early"
    assert line(dub, 2).mute


def test_a_choice_made_while_words_are_sent_is_sent_too(
    page: Page, person: User, dub: DubbingJob
) -> None:
    edit(page, person, dub)
    held: list[Route] = []
    page.route("**/lines/*", holding(held), times=1)

    with page.expect_request("**/lines/*"):
        write(page, "Quickly")
    page.get_by_label("What plays").first.select_option("Original voice")
    held[0].continue_()
    expect_kept(page, "Quickly")

    assert (line(dub).text, line(dub).keep_original) == ("Quickly", True)


def test_a_line_stays_in_the_original_voice(page: Page, person: User, dub: DubbingJob) -> None:
    edit(page, person, dub)

    page.get_by_label("What plays").first.select_option("Original voice")
    expect(page.get_by_text("Changed lines: 1")).to_be_visible()

    assert line(dub).keep_original


def test_a_new_speaker_can_be_chosen_at_every_line(
    page: Page, person: User, dub: DubbingJob
) -> None:
    sign_in(page, person)
    page.goto(f"/jobs/{dub.public_id}/transcript")
    who = page.get_by_label("Who speaks")

    who.first.select_option("New speaker")
    expect(page.get_by_text("Changed lines: 2")).to_be_visible()
    who.nth(1).focus()
    expect(who.nth(1).locator("option")).to_have_text(["Speaker 1", "Speaker 2", "New speaker"])
    who.nth(1).select_option("Speaker 2")
    expect(page.get_by_text("Changed lines: 4")).to_be_visible()
    who.nth(2).focus()
    who.nth(2).select_option("New speaker")
    expect(page.get_by_text("Changed lines: 6")).to_be_visible()

    assert [line(dub, number).segment.speaker for number in (1, 2, 3, 4)] == [1, 1, 2, 0]


def test_lines_come_as_they_are_scrolled_to(page: Page, person: User, dub: DubbingJob) -> None:
    said = tuple(Segment(n, 0.02 * n, 0.02 * n + 0.01, 0, f"Line {n}") for n in range(1000))
    transcript = Transcript("en", said)
    rows.save_transcript(dub, transcript)
    task = dub.tasks.get(language="es")
    texts = tuple(f"Esta es la línea {n}" for n in range(1000))
    rows.save_translation(task, transcript, Translation("es", texts, "test"))
    edit(page, person, dub)
    expect(page.locator("[data-line]")).to_have_count(50)

    page.locator("[data-more]").scroll_into_view_if_needed()

    expect(page.locator("[data-line]")).not_to_have_count(50)
    expect(page.get_by_label("Line 60", exact=True)).to_have_value("Esta es la línea 59")


def test_the_transcript_is_read_before_the_languages_are_made(
    page: Page, person: User, shelf: dubs.Shelf
) -> None:
    job = dubs.ordered(person, shelf.film, languages=["es"], options={"review": True})
    dubs.work()
    sign_in(page, person)
    page.goto(f"/jobs/{job.public_id}")

    page.get_by_role("link", name="Read the transcript").click()
    page.wait_for_url("**/transcript")
    with page.expect_response("**/transcript/lines/*"):
        write(page, "Good evening, friends.")
    expect(page.get_by_text("All changes are saved")).to_be_visible()
    page.get_by_role("link", name="Start the languages").click()
    page.get_by_role("dialog").get_by_role("button", name="Start the languages").click()
    expect(page.get_by_text("Started. The languages are made now.")).to_be_visible()
    dubs.work()

    assert line(job).text.startswith("Good evening, friends.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_fits_a_small_screen(
    opened: Opened, person: User, dub: DubbingJob, scheme: str
) -> None:
    page = opened(width=360, color_scheme=scheme)
    edit(page, person, dub)

    assert page.evaluate("document.documentElement.scrollWidth") == 360
