"""What stands around every page."""

import pytest
from django.test import Client
from django.utils import timezone

from tests import make

pytestmark = pytest.mark.django_db


def test_the_chosen_theme_is_there_from_the_first_paint(client: Client) -> None:
    client.cookies["theme"] = "dark"

    assert b'data-theme="dark"' in client.get("/", headers={"Accept": "text/html"}).content


def test_a_theme_that_does_not_exist_is_not_written_into_the_page(client: Client) -> None:
    client.cookies["theme"] = 'x" onload="alert(1)'

    page = client.get("/", headers={"Accept": "text/html"}).content

    assert b"data-theme" not in page
    assert b"onload" not in page


def test_the_page_one_is_on_is_marked(client: Client) -> None:
    client.force_login(make.user())

    bar, _, _ = client.get("/jobs").content.decode().partition("</header>")

    assert bar.count('aria-current="page"') == 1
    assert '<a href="/jobs" aria-current="page">' in bar


def test_visitors_get_no_cookie(client: Client) -> None:
    response = client.get("/", headers={"Accept": "text/html"})

    assert not response.cookies


def test_what_htmx_sends_carries_the_token(client: Client) -> None:
    client.force_login(make.user())

    assert b"X-CSRFToken" in client.get("/jobs").content


def test_times_are_shown_where_one_lives(client: Client) -> None:
    person = make.professional()
    client.force_login(person)
    make.job(person, languages=["es"])
    assert "UTC" in client.get("/jobs").content.decode()

    client.post("/account/profile", {"timezone": "Asia/Tokyo", "full_name": "Ana"})

    page = client.get("/jobs").content.decode()
    assert "JST" in page
    assert "UTC" not in page


def test_the_next_person_gets_times_of_their_own(client: Client) -> None:
    traveller = make.user()
    traveller.timezone = "Asia/Tokyo"
    traveller.save()
    client.force_login(traveller)

    client.get("/jobs")

    assert timezone.get_current_timezone_name() == "UTC"


def test_a_time_zone_that_is_gone_is_taken_as_none(client: Client) -> None:
    person = make.user()
    person.timezone = "Atlantis/Capital"
    person.save()
    client.force_login(person)

    assert client.get("/jobs").status_code == 200


def test_the_api_tells_utc_wherever_one_lives(client: Client) -> None:
    person = make.user()
    person.timezone = "Asia/Tokyo"
    person.save()
    client.force_login(person)

    assert client.get("/api/users/me").json()["createdAt"].endswith("Z")


def test_a_profile_is_kept(client: Client) -> None:
    person = make.user()
    client.force_login(person)

    client.post("/account/profile", {"timezone": "Europe/Madrid", "full_name": "Ana"})

    person.refresh_from_db()
    assert (person.full_name, person.timezone) == ("Ana", "Europe/Madrid")
    assert not person.mail_when_done


def test_a_time_zone_must_exist(client: Client) -> None:
    client.force_login(make.user())

    response = client.post("/account/profile", {"timezone": "Atlantis/Capital"})

    assert response.status_code == 400
    assert b"Choose a time zone of the list." in response.content
