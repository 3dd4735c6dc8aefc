"""What a customer may choose, and what is refused before anything is charged."""

from typing import Any

import pytest

from dubber.errors import UserError
from jobs import rows
from jobs.models.glossary import LONGEST_TERM
from jobs.options import MOST_TERMS, checked
from jobs.pipeline.ports import Tone
from tests import make

GLOSSARY = [
    {"source": "Dubber", "target": None},
    {"source": "harbour", "target": "port"},
    {"source": "harbour", "target": "muelle", "language": "es"},
]


@pytest.mark.parametrize(
    "glossary",
    [
        "harbour",
        {"harbour": "muelle"},
        ["harbour"],
        [{"source": "harbour"}],
        [{"source": "", "target": "muelle"}],
        [{"source": "harbour", "target": ""}],
        [{"source": "harbour", "target": 3}],
        [{"source": "two\nlines", "target": None}],
        [{"source": "x" * (LONGEST_TERM + 1), "target": None}],
        [{"source": "harbour", "target": "Hafen", "language": "de"}],
        [{"source": "harbour", "target": "Hafen", "language": ["de"]}],
        [{"source": "harbour", "target": "Hafen", "note": "?"}],
        [{"source": str(number), "target": None} for number in range(MOST_TERMS + 1)],
    ],
)
def test_a_glossary_that_is_none_is_refused(glossary: Any) -> None:
    with pytest.raises(UserError) as refused:
        checked({"glossary": glossary}, ["es", "fr"])

    assert refused.value.code == "validation_error"


@pytest.mark.django_db
def test_terms_of_a_language_come_before_those_of_all() -> None:
    job = make.job(languages=["es", "fr"], options={"glossary": GLOSSARY})

    terms = {task.language: rows.options_of(task).terms for task in job.tasks.all()}

    assert terms == {
        "es": {"Dubber": "Dubber", "harbour": "muelle"},
        "fr": {"Dubber": "Dubber", "harbour": "port"},
    }


def test_a_tone_that_is_none_is_refused() -> None:
    with pytest.raises(UserError):
        checked({"tone": "rude"}, ["es"])


@pytest.mark.django_db
def test_a_tone_is_neutral_unless_chosen() -> None:
    plain = make.job(languages=["es"])
    formal = make.job(languages=["es"], options={"tone": "formal"})

    tones = [rows.options_of(job.tasks.get()).tone for job in (plain, formal)]

    assert tones == [Tone.NEUTRAL, Tone.FORMAL]


SRT = "1\n00:00:01,000 --> 00:00:02,000\nHola.\n"


@pytest.mark.parametrize(
    "captions", [SRT, {"de": SRT}, {"es": 3}, {"es": "nothing"}, {"es": "\x00" + SRT}]
)
def test_captions_that_are_none_of_this_job_are_refused(captions: Any) -> None:
    with pytest.raises(UserError) as refused:
        checked({"translations_srt": captions}, ["es", "fr"])

    assert refused.value.code == "validation_error"
