"""A front end on another origin, which has nothing but the API: the whole way from file to dub."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import User
from jobs.models import Artifact
from tests.browser.conftest import PASSWORD, Opened
from tests.browser.site import Site, free_port, serving, working
from tests.e2e.vendors import recording
from tests.peers.server import VendorPeer

pytestmark = [pytest.mark.browser, pytest.mark.ffmpeg]

PORT = 3000  # the one origin that a site allows unless told otherwise
PAGES = Path(__file__).parent / "other_origin"
LOG = "#log li[data-what={}]"
WHOLE_WAY_MS = 120_000


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The front end's own server."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), partial(Quiet, directory=str(PAGES)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://localhost:{PORT}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def vendors() -> Iterator[VendorPeer]:
    with VendorPeer() as running:
        yield running


@pytest.fixture(scope="module")
def studio(vendors: VendorPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose dubs vendors make."""
    log = tmp_path_factory.mktemp("studio") / "site.log"
    with serving(log, port=free_port(), **vendors.environment) as site:
        yield site


@pytest.fixture
def front_end(opened: Opened, origin: str, studio: Site) -> Page:
    """The page on the other origin."""
    page = opened(base_url=origin)
    page.goto(f"/index.html?site={studio.url}")
    return page


def logged(page: Page, what: str) -> Any:
    """What the page wrote down, when it has."""
    return json.loads(page.locator(LOG.format(what)).inner_text())


def ask(page: Page, method: str, path: str, body: object = None, **headers: str) -> Any:
    """Let the page's script ask; what it could see of the answer."""
    script = "([m, p, b, h]) => frontEnd.ask(m, p, b ?? undefined, h)"
    return page.evaluate(script, [method, path, body, headers])


def sign_in(page: Page, person: User, password: str = PASSWORD) -> Any:
    script = "([email, password]) => frontEnd.signIn(email, password)"
    return page.evaluate(script, [person.email, password])


def is_envelope(answer: Any, status: int, code: str) -> bool:
    """Say whether a script could read an error as the API tells it."""
    body = answer["body"]
    return (answer["status"], body["error"], body["status_code"]) == (status, code, status) and (
        body["request_id"] == answer["headers"]["X-Request-ID"]
    )


def test_a_front_end_elsewhere_goes_the_whole_way_from_file_to_dub(
    front_end: Page, studio: Site, person: User, tmp_path: Path
) -> None:
    talk = tmp_path / "talk.wav"
    talk.write_bytes(recording(8.0).read())
    front_end.get_by_label("E-mail").fill(person.email)
    front_end.get_by_label("Password").fill(PASSWORD)
    front_end.get_by_label("Recording").set_input_files(talk)

    with working(studio, tmp_path / "worker.log"):
        front_end.get_by_role("button", name="Dub").click()
        front_end.locator(f"#result:visible, {LOG.format('failed')}").first.wait_for(
            timeout=WHOLE_WAY_MS
        )

    assert front_end.locator(LOG.format("failed")).all_inner_texts() == []
    ordered, ended, listed = (logged(front_end, what) for what in ("order", "job", "list"))
    assert logged(front_end, "login") == 200
    assert logged(front_end, "upload") == [202, 100_000, 200]
    assert ordered["status"] == 201
    assert ordered["headers"]["Location"] == f"/api/jobs/{ordered['body']['job_id']}"
    assert ended["status"] == "complete"
    assert ended["unchanged"] >= 1
    assert listed["headers"]["X-Total-Count"] == "1"
    assert logged(front_end, "bytes") == Artifact.objects.get(kind="full_mp3").bytes
    with front_end.expect_download() as saved:
        front_end.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == "talk.es.mp3"


@pytest.mark.parametrize("slash", ["", "/"])
def test_both_forms_of_a_path_answer_a_preflight(
    front_end: Page, person: User, slash: str, complaints: list[str]
) -> None:
    sign_in(front_end, person)

    found = ask(front_end, "GET", f"/api/jobs{slash}", **{"If-None-Match": '"x"'})
    refused = ask(front_end, "POST", f"/api/jobs{slash}", {}, **{"Idempotency-Key": "a-key"})

    assert (found["status"], found["body"]) == (200, [])
    assert int(found["headers"]["X-RateLimit-Remaining"]) > 0
    assert is_envelope(refused, 400, "validation_error")
    assert all("status of 400" in said for said in complaints)
    complaints.clear()


def test_refusals_can_be_read(
    front_end: Page, person: User, complaints: list[str], tmp_path: Path
) -> None:
    stranger = ask(front_end, "GET", "/api/jobs")
    wrong = sign_in(front_end, person, "not-the-password")
    sign_in(front_end, person)
    names = {"languages": ["es"], "voice_track_name": "a.wav"}
    answers = [ask(front_end, "POST", "/api/jobs/upload-urls", names) for _ in range(21)]

    assert is_envelope(stranger, 401, "authentication_required")
    assert is_envelope(wrong, 401, "authentication_required")
    assert [one["status"] for one in answers[:20]] == [200] * 20
    assert is_envelope(answers[20], 429, "rate_limit_exceeded")
    assert int(answers[20]["headers"]["Retry-After"]) >= 1
    told = [said for said in complaints if "status of 4" in said]
    assert len(told) == len(complaints) == 3
    complaints.clear()


def test_who_can_not_pay_reads_what_is_missing(
    front_end: Page, person: User, complaints: list[str]
) -> None:
    from billing import ledger

    ledger.charge(person, credits=1000, reference="all of it", description="Spent")
    sign_in(front_end, person)
    content = list(recording(8.0).read())

    answer = front_end.evaluate(
        "(bytes) => frontEnd.order(new File([new Uint8Array(bytes)], 'talk.wav'), 'es')", content
    )

    assert is_envelope(answer, 402, "insufficient_credits")
    assert answer["body"]["details"] == {"required": 1, "balance": 0, "shortfall": 1}
    assert all("status of 402" in said for said in complaints)
    complaints.clear()


def test_an_origin_that_is_not_allowed_reads_nothing(
    opened: Opened, studio: Site, origin: str, person: User, complaints: list[str]
) -> None:
    page = opened(base_url=origin.replace("localhost", "127.0.0.1"))
    page.goto(f"/index.html?site={studio.url}")

    failed = page.evaluate("() => frontEnd.ask('GET', '/api/languages').catch(String)")

    assert failed == "TypeError: Failed to fetch"
    assert any("blocked by CORS policy" in said for said in complaints)
    complaints.clear()
