"""A person's own glossary, and what a job makes of it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from dubber.errors import UserError
from jobs import rows
from jobs.glossary import glossary_of, replace_glossary
from jobs.models import GlossaryEntry
from jobs.options import MOST_TERMS
from tests import make

pytestmark = pytest.mark.django_db

HARBOUR = {"source": "harbour", "target": "puerto", "language": "es"}
DUBBER = {"source": "Dubber", "target": None, "language": None}


def test_terms_come_back_in_their_order_and_replace_earlier_ones() -> None:
    person = make.user()
    replace_glossary(person, terms=[{"source": "old", "target": "viejo"}])

    replace_glossary(person, terms=[HARBOUR, DUBBER])

    assert glossary_of(person) == [HARBOUR, DUBBER]


@pytest.mark.parametrize(
    "terms",
    [
        [HARBOUR, {**HARBOUR, "source": "Harbour"}],
        [{"source": " ", "target": None}],
        [{"source": "x", "target": "y", "language": "xx"}],
        [{"source": str(number), "target": None} for number in range(MOST_TERMS + 1)],
    ],
)
def test_what_is_no_glossary_changes_nothing(terms: list[dict[str, Any]]) -> None:
    person = make.user()
    replace_glossary(person, terms=[HARBOUR])

    with pytest.raises(UserError):
        replace_glossary(person, terms=terms)

    assert glossary_of(person) == [HARBOUR]


def test_the_database_holds_a_term_once_for_a_language() -> None:
    person = make.user()
    replace_glossary(person, terms=[HARBOUR])

    with pytest.raises(IntegrityError), transaction.atomic():
        GlossaryEntry.objects.create(user=person, source="HARBOUR", target="x", language="es")


def test_a_job_takes_its_owners_terms_as_they_were_when_it_was_ordered() -> None:
    person = make.professional()
    replace_glossary(person, terms=[HARBOUR, DUBBER])
    replace_glossary(make.user(), terms=[{"source": "sea", "target": "mar"}])

    job = make.job(person, languages=["es", "fr"])
    replace_glossary(person, terms=[])

    terms = {task.language: rows.options_of(task).terms for task in job.tasks.all()}
    assert terms == {
        "es": {"harbour": "puerto", "Dubber": "Dubber"},
        "fr": {"Dubber": "Dubber"},
    }


@pytest.mark.parametrize("language", [None, "es"])
def test_what_the_job_says_of_a_word_wins(language: str | None) -> None:
    person = make.professional()
    replace_glossary(person, terms=[HARBOUR, DUBBER])
    own = {"source": "Harbour", "target": "muelle", "language": language}

    job = make.job(person, languages=["es"], options={"glossary": [own]})

    assert rows.options_of(job.tasks.get()).terms == {"Harbour": "muelle", "Dubber": "Dubber"}
