"""Previews that many ask for at once."""

import pytest

from dubber.errors import Conflict
from jobs import editing
from jobs.models import DubbingJob, Line, Preview, Step
from jobs.previews import preview_line
from jobs.states import MOST_PREVIEWS_OF_JOB, StepKind
from tests import make
from tests.engines import engines
from tests.jobs.test_races import at_once
from tests.web.spoken import spoken

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]


def changed() -> DubbingJob:
    """A job of three lines, all of them changed."""
    job = spoken(make.professional())
    changes = [
        editing.Change(line.pk, revision=line.revision, text=f"Otra cosa {line.pk}.")
        for line in Line.objects.all()
    ]
    editing.edit_lines(job, language="es", changes=changes, engines=engines)
    return job


def test_twenty_who_ask_for_one_line_have_it_spoken_once() -> None:
    job = changed()
    line = Line.objects.order_by("pk")[0]

    at_once(20, lambda _: preview_line(job, language="es", line_id=line.pk, engines=engines))

    line.refresh_from_db()
    job.refresh_from_db()
    assert Step.objects.filter(kind=StepKind.PREVIEW).count() == Preview.objects.count() == 1
    assert (line.previews, job.previews) == (1, 1)


def test_the_last_preview_of_a_job_is_given_once() -> None:
    job = changed()
    DubbingJob.objects.update(previews=MOST_PREVIEWS_OF_JOB - 1)
    lines = list(Line.objects.order_by("pk"))

    answers = at_once(
        18, lambda n: preview_line(job, language="es", line_id=lines[n % 3].pk, engines=engines)
    )

    refused = [one for one in answers if isinstance(one, Conflict)]
    job.refresh_from_db()
    assert job.previews == MOST_PREVIEWS_OF_JOB
    assert Preview.objects.count() == 1
    assert len(refused) == 12
    assert {one.code for one in refused} == {"preview_limit"}
