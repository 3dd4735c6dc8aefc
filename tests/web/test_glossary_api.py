"""A person's glossary over the API."""

import pytest

from tests import make
from tests.web.api import Api

pytestmark = pytest.mark.django_db

PATH = "/api/users/me/glossary"


def test_a_glossary_is_empty_at_first_and_then_what_was_put() -> None:
    api = Api(make.user())

    first = api.get(PATH)
    put = api.put(PATH, {"terms": [{"source": "harbour", "target": "puerto", "language": "es"}]})
    api.put(PATH, {"terms": [{"source": "Dubber"}]})

    assert first.json() == {"terms": []}
    assert put.json()["terms"][0]["target"] == "puerto"
    assert api.get(PATH).json() == {
        "terms": [{"source": "Dubber", "target": None, "language": None}]
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"terms": [{"target": "puerto"}]},
        {"terms": [{"source": "a", "language": "xx"}]},
        {"terms": [{"source": "a"}, {"source": "A"}]},
        {"terms": [{"source": "two\nlines"}]},
    ],
)
def test_what_is_no_glossary_is_refused_with_a_sentence(body: object) -> None:
    answer = Api(make.user()).put(PATH, body)

    assert answer.status_code == 400
    assert answer.json()["error"] == "validation_error"


def test_nobody_sees_anothers_glossary() -> None:
    Api(make.user()).put(PATH, {"terms": [{"source": "secret"}]})

    assert Api(make.user()).get(PATH).json() == {"terms": []}
