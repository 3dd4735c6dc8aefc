"""A dub by vendors, from upload to files: how often they are called, and what that costs."""

from collections import Counter
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from jobs import editing
from jobs.models import DubbingJob, Line, Take, VendorCall
from jobs.previews import preview_line
from jobs.providers import cards
from jobs.states import JobStatus, StepKind
from tests.e2e.vendors import Worker, configure, order
from tests.peers.server import VendorPeer

pytestmark = [
    pytest.mark.worker,
    pytest.mark.ffmpeg,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]


@pytest.fixture
def peer(settings: Settings) -> Iterator[VendorPeer]:
    with VendorPeer() as running:
        configure(settings, running)
        yield running


def test_three_languages_are_made_and_nothing_is_bought_twice(peer: VendorPeer) -> None:
    job = order(["es", "fr", "ko"], seconds=30)

    Worker().work()

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert peer.count("deepgram", "recognition") == 1
    spoken = Counter(call.sha256 for call in peer.calls if call.kind == "speech")
    assert set(spoken.values()) == {1}
    translated = Counter(call.sha256 for call in peer.calls if call.kind == "translation")
    assert set(translated.values()) == {1}
    assert peer.count("deepgram", "speech") + peer.count("polly", "speech") == (
        Take.objects.filter(job=job, kind=StepKind.DUB, object_key__gt="").count() - rewordings(job)
    )


def rewordings(job: DubbingJob) -> int:
    """Takes of dub steps that are no speech but the translator's answers."""
    return VendorCall.objects.filter(job=job, step__kind=StepKind.DUB, vendor="openai").count()


def test_every_call_is_on_the_jobs_account_with_its_cost(peer: VendorPeer) -> None:
    job = order(["es", "ko"], seconds=30)

    Worker().work()

    calls = VendorCall.objects.filter(job=job)
    counted = Counter((call.vendor, call.unit) for call in calls)
    assert counted == {
        ("deepgram", "ms"): 1,
        ("deepgram", "characters"): peer.count("deepgram", "speech"),
        ("openai", "tokens"): peer.count("openai", "translation"),
        ("polly", "characters"): peer.count("polly", "speech"),
    }
    assert all(call.cost_microdollars > 0 and call.request_id for call in calls)
    heard = calls.get(unit="ms")
    assert (heard.units, heard.step.kind) == (30_000, StepKind.TRANSCRIBE)
    assert heard.cost_microdollars == round(30 * (9200 + 2000) / 60)


def test_speakers_have_voices_of_their_own_that_fit_them(peer: VendorPeer) -> None:
    job = order(["es"], seconds=30)

    Worker().work()

    lines = job.tasks.get().lines.select_related("segment")
    cast = {(line.segment.speaker, line.voice) for line in lines}
    genders = {voice.id: voice.gender for voice in cards.aura(paced=True).voices}
    assert sorted((speaker, genders[voice]) for speaker, voice in cast) == [
        (0, "male"),  # at 120 Hz
        (1, "female"),  # at 210 Hz
    ]
    assert job.tasks.get().cast == {str(speaker): voice for speaker, voice in cast}


def test_a_glossary_reaches_the_translator(peer: VendorPeer) -> None:
    glossary = [{"source": "harbour", "target": "muelle"}, {"source": "film", "target": None}]
    order(["es"], seconds=30, options={"glossary": glossary})

    Worker().work(until=StepKind.DUB)

    [asked] = [call.asked for call in peer.calls if call.kind == "translation"]
    assert '"harbour": "muelle"' in asked["input"]
    assert '"film": "film"' in asked["input"]


def test_a_line_is_listened_to_before_it_is_made_anew_and_bought_once(peer: VendorPeer) -> None:
    job = order(["es"], seconds=12)
    Worker().work()
    line = Line.objects.filter(task__job=job).order_by("segment__index")[0]
    change = editing.Change(line.pk, revision=1, text="Otra cosa.")
    job.refresh_from_db()
    editing.edit_lines(job, language="es", changes=[change])
    before = peer.count("deepgram", "speech")

    waiting = preview_line(job, language="es", line_id=line.pk)
    Worker().work()
    heard = preview_line(job, language="es", line_id=line.pk)
    editing.render(job, by=job.user)
    Worker().work()

    job.refresh_from_db()
    assert waiting is None
    assert heard is not None
    assert job.status == JobStatus.COMPLETE
    assert peer.count("deepgram", "speech") == before + 1
    assert VendorCall.objects.filter(job=job, step__kind=StepKind.PREVIEW).count() == 1
