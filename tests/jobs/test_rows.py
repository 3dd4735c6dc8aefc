from dataclasses import replace
from pathlib import Path

import pytest

from jobs import rows
from jobs.models import DubbingJob, LanguageTask
from jobs.pipeline.dub import Options
from jobs.pipeline.timeline import (
    Chapter,
    Dub,
    Flag,
    Picture,
    PlacedLine,
    Segment,
    Source,
    Transcript,
    Translation,
)
from jobs.states import Stage
from tests import make

pytestmark = pytest.mark.django_db

TRANSCRIPT = Transcript(
    "en",
    (Segment(0, 0.25, 1.5, 0, "Hello there."), Segment(1, 2.0, 3.125, 1, "Good bye.")),
    "whisper",
    {0: 118.5},
)
TRANSLATION = Translation("es", ("Hola.", "Good bye."), "apertium", {1: (Flag.UNTRANSLATED,)})
DUB = Dub(
    language="es",
    lines=(
        PlacedLine(0, 0.25, 1.0, "Hola.", 0, "hum", 1.0, 0.0, 0.0, 0.0),
        PlacedLine(1, 2.2, 3.5, "Bye.", 1, "hum", 1.15, 0.375, 0.0, 0.2, (Flag.LATE,)),
    ),
    voice=Path("dub.flac"),
    engine="pico",
)


def saved() -> DubbingJob:
    """A job with transcript and translation."""
    job = make.job(languages=["es"])
    rows.save_transcript(job, TRANSCRIPT)
    rows.save_translation(job.tasks.get(), TRANSCRIPT, TRANSLATION)
    job.refresh_from_db()
    return job


def test_a_transcript_comes_back_as_it_was() -> None:
    job = saved()

    assert rows.transcript_of(job) == TRANSCRIPT


def test_a_translation_comes_back_as_it_was() -> None:
    task = saved().tasks.get()

    assert rows.translation_of(task) == TRANSLATION


def test_a_dub_comes_back_as_it_was() -> None:
    task = saved().tasks.get()

    rows.save_dub(task, DUB)

    task.refresh_from_db()
    assert rows.dub_of(task, Path("dub.flac")) == DUB


def test_how_a_line_was_spoken_does_not_change_its_translation() -> None:
    task = saved().tasks.get()

    rows.save_dub(task, DUB)

    assert rows.translation_of(task).texts == TRANSLATION.texts
    assert Flag.LATE not in rows.translation_of(task).flags.get(1, ())


def test_saving_a_transcript_again_replaces_the_first() -> None:
    job = saved()

    rows.save_transcript(job, TRANSCRIPT)

    assert job.segments.count() == 2
    assert job.tasks.get().lines.count() == 0


def test_a_source_comes_back_as_it_was() -> None:
    source = Source(
        path=Path("a.mp4"),
        container="mp4",
        duration=61.04,
        sound_stream=1,
        sound_codec="aac",
        sample_rate=44_100,
        channels=2,
        picture=Picture(0, "h264", 640, 360, 61.0),
        title="A talk",
        chapters=(Chapter(0.0, 3.0, "One"),),
    )

    again = rows.source_from_json(rows.source_to_json(source), Path("b.mp4"))

    assert again.path == Path("b.mp4")
    assert rows.source_to_json(again) == rows.source_to_json(source)
    assert again.picture == source.picture
    assert again.chapters == source.chapters


def test_options_are_those_that_the_customer_chose() -> None:
    chosen = {"loudness": "source", "keep_original_db": None, "voices": {"es": {"1": "hum"}}}

    plain = make.job(languages=["es"]).tasks.get()
    special = make.job(languages=["es"], options=chosen).tasks.get()

    assert rows.options_of(plain) == Options()
    assert rows.options_of(special) == Options(
        loudness=None, keep_original_db=None, voices={1: "hum"}
    )


def test_speakers_keep_the_voices_that_they_had() -> None:
    task = saved().tasks.get()

    rows.save_dub(task, DUB)

    task.refresh_from_db()
    assert task.cast == {"0": "hum", "1": "hum"}
    assert rows.options_of(task).usual_voices == {0: "hum", 1: "hum"}


def test_a_voice_for_one_line_is_not_the_speakers() -> None:
    task = saved().tasks.get()
    task.lines.filter(segment__index=1).update(chosen_voice="grand-hum")

    rows.save_dub(task, DUB)

    task.refresh_from_db()
    assert task.cast == {"0": "hum"}


def test_the_next_job_begins_with_the_voices_of_the_last_one() -> None:
    person = make.professional()
    first = make.job(person, languages=["es"]).tasks.get()
    make.job(languages=["es"]).tasks.update(stage=Stage.COMPLETE, cast={"0": "of another person"})
    LanguageTask.objects.filter(pk=first.pk).update(stage=Stage.COMPLETE, cast={"0": "hum"})

    second = make.job(person, languages=["es", "fr"])

    casts = {task.language: task.cast for task in second.tasks.all()}
    assert casts == {"es": {"0": "hum"}, "fr": {}}


def test_the_voices_of_another_variant_are_not_the_usual_ones() -> None:
    person = make.professional()
    make.job(person, languages=["pt-BR"]).tasks.update(stage=Stage.COMPLETE, cast={"0": "Camila"})
    make.job(person, languages=["pt-PT"]).tasks.update(stage=Stage.COMPLETE, cast={"0": "Ines"})

    casts = [
        make.job(person, languages=[target]).tasks.get().cast for target in ("pt-PT", "pt-BR", "pt")
    ]

    assert casts == [{"0": "Ines"}, {"0": "Camila"}, {}]


def test_a_line_that_is_not_spoken_any_more_says_nothing_of_how_it_was() -> None:
    task = saved().tasks.get()
    flags = (Flag.UNTRANSLATED, Flag.LATE)
    rows.save_dub(task, replace(DUB, lines=(DUB.lines[0], replace(DUB.lines[1], flags=flags))))

    rows.save_dub(task, replace(DUB, lines=DUB.lines[:1]))

    line = task.lines.get(segment__index=1)
    assert line.flags == [Flag.UNTRANSLATED]
    assert (line.borrowed_ms, line.early_ms, line.late_ms) == (0, 0, 0)
    assert (line.start_ms, line.spoken) == (None, "")
