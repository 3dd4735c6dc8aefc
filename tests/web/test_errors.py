"""What a person sees when a page can't be shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client, RequestFactory

from dubber.error_pages import WORDS, ErrorPages
from dubber.errors import UserError
from dubber.rate_limits import Spent, TooMany
from jobs import downloads, links
from jobs.models import Artifact
from tests import make
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db

BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def request_of_a_page(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/jobs")
    request.user = make.user()
    return request


def shown(request: HttpRequest, error: Exception) -> tuple[int, str]:
    pages = ErrorPages(lambda _: pytest.fail("no view is asked"))
    response = pages.process_exception(request, error)
    assert response is not None
    return response.status_code, response.content.decode()


@pytest.mark.parametrize("status", sorted(WORDS))
def test_every_error_has_a_title_its_sentence_and_a_next_step(
    request_of_a_page: HttpRequest, status: int
) -> None:
    error = UserError("some_code", "This is what happened.", status=status)

    found, page = shown(request_of_a_page, error)

    assert found == status
    assert str(WORDS[status].title) in page
    assert "This is what happened." in page
    assert 'class="button"' in page


def test_too_many_requests_say_when_to_come_back(request_of_a_page: HttpRequest) -> None:
    error = TooMany(Spent(most=1, hits=2, ends=0))
    pages = ErrorPages(lambda _: pytest.fail("no view is asked"))

    response = pages.process_exception(request_of_a_page, error)

    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (429, "1")


def test_more_than_a_form_takes_is_said_kindly(request_of_a_page: HttpRequest) -> None:
    assert shown(request_of_a_page, RequestDataTooBig())[0] == 413


def test_a_database_that_is_gone_is_not_asked_again_for_the_page_that_says_so(
    request_of_a_page: HttpRequest, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        status, page = shown(request_of_a_page, OperationalError("no connection"))

    assert status == 503
    assert "Nothing is lost" in page
    assert "no connection" not in page


@pytest.fixture
def database_is_gone(client: Client) -> Iterator[None]:
    """Somebody is signed in, and every question to the database fails."""

    def fail(*_: object) -> None:
        raise OperationalError("no connection")

    client.force_login(make.user())
    with connection.execute_wrapper(fail):
        yield


@pytest.mark.usefixtures("database_is_gone")
@pytest.mark.parametrize("path", ["/jobs", "/pricing", "/account", "/admin/"])
def test_who_is_signed_in_reads_that_the_database_is_gone(client: Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Nothing is lost" in answer.content.decode()


@pytest.mark.usefixtures("database_is_gone")
@pytest.mark.parametrize("path", ["/api/jobs", "/api/users/me"])
def test_programs_with_a_session_are_told_that_the_database_is_gone(
    client: Client, path: str
) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "service_busy"


@pytest.mark.usefixtures("database_is_gone")
def test_health_says_unhealthy_to_who_is_signed_in_too(client: Client) -> None:
    answer = client.get("/health")

    assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")


def test_bugs_are_left_to_django(request_of_a_page: HttpRequest) -> None:
    pages = ErrorPages(lambda _: pytest.fail("no view is asked"))

    assert pages.process_exception(request_of_a_page, ValueError()) is None


def test_a_used_link_is_a_page_to_people_and_json_to_programs(
    client: Client, tmp_path: Path
) -> None:
    delivered(make.professional(), tmp_path)
    file = Artifact.objects.get(kind="full_mp3")
    url = links.link_of(file)
    downloads.use_link(file, number=file.link, client="somebody else")

    page = client.get(url, headers=BROWSER)
    answer = client.get(url)

    assert (page.status_code, answer.status_code) == (410, 410)
    assert "To your dubs" in page.content.decode()
    assert answer.json()["error"] == "link_used"


def test_a_missing_page_leads_on(client: Client) -> None:
    nobody = client.get("/nowhere").content.decode()
    client.force_login(make.user())
    somebody = client.get("/nowhere").content.decode()

    assert "To the home page" in nobody
    assert "To your dubs" in somebody


def test_a_form_without_its_token_says_that_nothing_was_sent() -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post("/login", {"username": "a", "password": "b"})

    assert response.status_code == 403
    assert "Nothing was sent." in response.content.decode()


SCRIPT = {"Accept": "application/json"}


def test_a_script_hears_that_its_person_is_signed_out() -> None:
    client = Client(headers=SCRIPT)

    response = client.post("/jobs/new/job_abc/choices")

    assert (response.status_code, response.json()["error"]) == (401, "authentication_required")
    assert "Load this page again to sign in" in response.json()["message"]


def test_a_browser_is_led_to_sign_in() -> None:
    response = Client(headers=BROWSER).get("/jobs")

    assert response.headers["Location"] == "/login?next=/jobs"


def test_a_script_hears_that_its_page_is_of_an_earlier_session() -> None:
    client = Client(enforce_csrf_checks=True, headers=SCRIPT)

    response = client.post("/jobs/new/job_abc/choices")

    assert (response.status_code, response.json()["error"]) == (403, "permission_denied")
    assert "Load this page again" in response.json()["message"]


def sent_much(path: str, kind: str) -> Any:
    """Say that ten gigabytes come."""
    told: dict[str, Any] = {"CONTENT_LENGTH": str(10 * 1024**3), "wsgi.input": Unread()}
    return Client(headers=BROWSER).generic("POST", path, content_type=kind, **told)


@pytest.mark.parametrize("path", ["/login", "/contact", "/jobs/job_of_nobody/edit/es/captions"])
def test_a_page_takes_no_body_that_fills_the_disk(path: str) -> None:
    answer = sent_much(path, "multipart/form-data; boundary=x")

    assert answer.status_code == 413
    assert "Send less of it." in answer.content.decode()


def test_the_api_takes_no_such_body_either() -> None:
    answer = sent_much("/api/jobs/upload-urls", "application/json")

    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


class Unread:
    """A body of which nobody may read a byte."""

    def read(self, *_: object) -> bytes:
        """Fail."""
        pytest.fail("the body is read")

    readline = read
