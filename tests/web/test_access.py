"""Who gets in where: one case for every address of the dubbing pages."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from jobs.urls import urlpatterns
from tests import make
from tests.web.delivered import delivered

pytestmark = pytest.mark.django_db

PUBLIC = {"home"}
ONES_OWN = {"job_list", "new_job"}
POSTED = {"cancel_job", "retry"}
SIGNED = {"put_upload", "get_file"}  # whoever has the address may use it: see their own tests
NAMES = [
    pattern.name or ""
    for pattern in urlpatterns
    if pattern.name not in SIGNED and not str(pattern.name).startswith("api_")
]
OF_A_JOB = [name for name in NAMES if name not in PUBLIC | ONES_OWN]


def address(pattern_name: str, public_id: str) -> str:
    pattern = next(one for one in urlpatterns if one.name == pattern_name)
    values = {"public_id": public_id, "language": "es", "kind": "full_mp3"}
    return reverse(pattern_name, kwargs={name: values[name] for name in _arguments(pattern)})


def _arguments(pattern: URLPattern) -> list[str]:
    return list(pattern.pattern.converters)


def send(client: Client, name: str, public_id: str) -> int:
    method = client.post if name in POSTED else client.get
    response = method(address(name, public_id))
    response.close()
    return response.status_code


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_everybody_may_see(client: Client, name: str) -> None:
    assert send(client, name, "") == 200


@pytest.mark.parametrize("name", sorted(set(NAMES) - PUBLIC))
def test_nobody_is_sent_to_the_sign_in_page(client: Client, name: str) -> None:
    url = address(name, "job_abcdefghijkl")
    response = client.post(url) if name in POSTED else client.get(url)

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("name", sorted(ONES_OWN))
def test_whoever_is_signed_in_may_see(client: Client, name: str) -> None:
    client.force_login(make.user())

    assert send(client, name, "") == 200


@pytest.mark.parametrize("name", OF_A_JOB)
def test_a_stranger_finds_nothing(client: Client, tmp_path: Path, name: str) -> None:
    job = delivered(make.professional(), tmp_path)
    client.force_login(make.user())

    assert send(client, name, job.public_id) == 404


@pytest.mark.parametrize("name", OF_A_JOB)
def test_the_owner_gets_in(client: Client, tmp_path: Path, name: str) -> None:
    person = make.professional()
    job = delivered(person, tmp_path)
    client.force_login(person)

    assert send(client, name, job.public_id) == (302 if name in POSTED else 200)


@pytest.mark.parametrize("name", sorted(POSTED))
def test_what_changes_something_is_never_done_by_a_link(client: Client, name: str) -> None:
    client.force_login(make.user())

    assert client.get(address(name, "job_abcdefghijkl")).status_code == 405


@pytest.mark.parametrize("name", sorted(POSTED | {"new_job"}))
def test_a_form_without_its_token_is_refused(tmp_path: Path, name: str) -> None:
    person = make.professional()
    job = delivered(person, tmp_path)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)

    assert client.post(address(name, job.public_id)).status_code == 403
