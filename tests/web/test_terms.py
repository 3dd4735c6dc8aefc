"""The glossary of a dub that is there already."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from jobs import rows, terms
from jobs.glossary import glossary_of, replace_glossary
from jobs.models import DubbingJob, LanguageTask, Line, Segment
from jobs.states import JobStatus
from tests import make
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client: Client) -> User:
    someone = make.professional(credits=100)
    client.force_login(someone)
    return someone


@pytest.fixture
def task(person: User) -> LanguageTask:
    """Return Spanish of a finished dub in which one line says “Art”, another “party”."""
    job = spoken(person)
    for index, text in enumerate(("The ART of war.", "A party.", "Nothing.")):
        Segment.objects.filter(job=job, index=index).update(text=text)
    return job.tasks.select_related("job").get()


def send(client: Client, task: LanguageTask, **fields: str) -> Any:
    path = f"/jobs/{task.job.public_id}/edit/es/glossary"
    return client.post(path, fields, follow=True).content.decode()


def told(task: LanguageTask) -> dict[str, str]:
    """What a translator of this language is told now."""
    fresh = LanguageTask.objects.select_related("job").get(pk=task.pk)
    return dict(rows.options_of(fresh).terms)


def test_a_term_counts_for_what_is_translated_next_and_its_lines_are_listed(
    client: Client, task: LanguageTask
) -> None:
    page = send(client, task, act="add", source="art", target="arte")

    assert told(task) == {"art": "arte"}
    assert "The ART of war." in page
    assert "A party." not in page
    assert not Line.objects.filter(stale=True).exists()
    assert glossary_of(task.job.user) == []


def test_lines_with_a_term_are_translated_anew_when_that_is_asked_for(
    client: Client, task: LanguageTask
) -> None:
    page = send(client, task, act="anew", source="art")

    assert "1 line will be translated anew" in page
    assert rows.outdated_lines(task) == {0}
    assert list(Line.objects.filter(stale=True).values_list("revision", flat=True)) == [2]


def test_a_term_takes_the_place_of_an_earlier_one(client: Client, task: LanguageTask) -> None:
    send(client, task, act="add", source="Art", target="arte")
    send(client, task, act="add", source="art", target="")

    assert told(task) == {"art": "art"}


def test_a_term_may_be_for_all_later_dubs(client: Client, task: LanguageTask) -> None:
    other = {"source": "Ada", "target": None, "language": None}
    replace_glossary(task.job.user, terms=[other])

    send(client, task, act="add", source="art", target="arte", always="on")

    term = {"source": "art", "target": "arte", "language": "es"}
    assert glossary_of(task.job.user) == [other, term]
    assert told(task) == {"art": "arte"}


def test_a_term_is_removed_where_it_stands(client: Client, task: LanguageTask) -> None:
    send(client, task, act="add", source="art", target="arte", always="on")

    send(client, task, act="remove", source="art")
    assert told(task) == {}
    assert len(glossary_of(task.job.user)) == 1
    send(client, task, act="remove", source="art", always="on")

    assert glossary_of(task.job.user) == []
    assert "We can&#x27;t find this term." in send(client, task, act="remove", source="art")


@pytest.mark.parametrize("source", ["", "x" * 101, "\x00"])
def test_what_is_no_term_is_refused(client: Client, task: LanguageTask, source: str) -> None:
    page = send(client, task, act="add", source=source, target="x")

    assert "A term has 1 to 100 characters" in page
    assert told(task) == {}


def test_nothing_is_changed_while_the_dub_is_made(client: Client, task: LanguageTask) -> None:
    DubbingJob.objects.update(status=JobStatus.PROCESSING, finished_at=None)

    page = send(client, task, act="anew", source="art")

    assert "This is being made." in page
    assert not Line.objects.filter(outdated=True).exists()


def test_words_are_found_whole_but_not_in_what_is_written_without_spaces(
    task: LanguageTask,
) -> None:
    Segment.objects.filter(index=2).update(text="東京都に行く。")

    assert [line.segment.index for line in terms.lines_with(task, "war")] == [0]
    assert [line.segment.index for line in terms.lines_with(task, "東京")] == [2]
    assert terms.lines_with(task, "wa") == []
