"""Buying, dubbing and getting back what was not delivered, in a browser."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opened, sign_in, with_password
from tests.browser.hands import Hand, Keyboard, Mouse, in_both_ways
from tests.browser.site import Site, free_port, serving, working
from tests.peers import openai_wire
from tests.peers.openai_wire import Call, Reply
from tests.peers.server import VendorPeer
from tests.peers.stripe import StripePeer

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.ffmpeg]

SECONDS = 20.0
DUBBED_MS = 120_000


def no_french(call: Call) -> Reply:
    """A model that refuses to translate into one language."""
    if str(call.asked["target_language"]).startswith("fr"):
        return Reply(refusal="I can't help with that.")
    return openai_wire.by_rule(call)


@pytest.fixture
def bank() -> Iterator[StripePeer]:
    """Stripe, which tells the site by itself what happened."""
    with StripePeer() as peer:
        peer.deliver_by_itself(slow_seconds=1.0)
        yield peer


@pytest.fixture
def shop(bank: StripePeer, transactional_db: None, tmp_path: Path) -> Iterator[Site]:
    """The site with a worker, with vendors and a Stripe of our own."""
    with VendorPeer() as vendors:
        vendors.model = no_french
        with serving(
            tmp_path / "site.log", port=free_port(), **vendors.environment, **bank.environment
        ) as site:
            connect(site)
            with working(site, tmp_path / "worker.log"):
                yield site


@pytest.fixture
def newcomer(transactional_db: None) -> "User":
    """Somebody without any credits."""
    from tests import make

    return with_password(make.user())


def connect(site: Site) -> None:
    """Let Stripe send its messages to the site, as its owner does once."""
    command = [sys.executable, "manage.py", "connect_stripe"]
    subprocess.run(
        command, cwd=settings.BASE_DIR, env=dict(site.environment), check=True, capture_output=True
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A voice track."""
    from tests.e2e.vendors import recording

    file = tmp_path / "talk.wav"
    file.write_bytes(recording(SECONDS).getvalue())
    return file


def buy(page: Page, hand: Hand, button: str) -> None:
    """Choose the Creator pack, and press a button of Stripe's page."""
    page.goto("/billing?next=/jobs/new")
    hand.press(page.get_by_role("button", name="Get 50 credits for $29"))
    hand.press(page.get_by_role("button", name=button, exact=True))


@in_both_ways
def test_a_pack_is_bought_and_what_is_not_delivered_comes_back(
    opened: Opened,
    shop: Site,
    newcomer: "User",
    recording: Path,
    hand_of: type[Mouse | Keyboard],
    width: int,
    theme: str,
) -> None:
    page = opened(base_url=shop.url, width=width, color_scheme=theme)
    hand = hand_of(page)
    sign_in(page, newcomer)

    buy(page, hand, "Pay")
    expect(page.get_by_role("heading", name="50 credits are there")).to_be_visible()
    hand.press(page.get_by_role("link", name="Continue where you were"))
    order(page, hand, recording)

    expect(page.get_by_text("2 credits were returned.")).to_be_visible(timeout=DUBBED_MS)
    expect(page.get_by_text("Timing receipt")).to_be_visible(timeout=DUBBED_MS)
    expect(page.locator(".balance b")).to_have_text("48")
    hand.press(page.locator(".balance"))
    rows = page.locator(".entries tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.filter(has_text="Refund: French")).to_contain_text("+2")
    assert booked(newcomer) == [
        ("job_consumption", -2),
        ("job_consumption", -2),
        ("purchase", 50),
        ("refund", 2),
    ]
    assert unexplained() == []


def test_a_refused_card_is_explained_and_a_slow_bank_is_waited_for(
    opened: Opened, shop: Site, newcomer: "User"
) -> None:
    page = opened(base_url=shop.url)
    sign_in(page, newcomer)

    buy(page, Mouse(page), "Pay with an empty card")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("There isn't enough money on this card.")
    page.get_by_role("button", name="Pay $29 for 50 credits").click()
    page.get_by_role("button", name="Pay with a card whose bank asks").click()
    page.get_by_role("button", name="It isn’t me").click()
    page.get_by_role("button", name="Pay through a slow bank").click()

    expect(page.get_by_role("heading", name="Your payment is on its way")).to_be_visible()
    expect(page.get_by_role("heading", name="50 credits are there")).to_be_visible()
    assert booked(newcomer) == [("purchase", 50)]


def order(page: Page, hand: Hand, recording: Path) -> None:
    """Order a dub into Spanish and French."""
    hand.give(page.get_by_label("Drop a video or a voice track here"), recording)
    for language in ("Spanish", "French"):
        hand.tick(page.get_by_role("checkbox", name=language))
    expect(page.get_by_role("row", name="You pay")).to_contain_text("4")
    hand.press(page.get_by_role("button", name="Launch"))
    page.wait_for_url("**/jobs/job_*")


def booked(user: "User") -> list[tuple[str, int]]:
    """The person's ledger, by kind."""
    from billing.models import CreditTransaction

    return sorted(CreditTransaction.objects.filter(user=user).values_list("kind", "amount"))


def unexplained() -> list[str]:
    """What doesn't add up."""
    from dubber.reconcile import differences_found

    return [str(found) for found in differences_found(strict=True)]
