"""Whole jobs through real rows, storage and ffmpeg; only the engines are the tests' own."""

import io
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from numpy.typing import NDArray

from dubber.errors import UserError
from jobs import claims, editing, extras, outcomes, steps
from jobs.models import Artifact, DubbingJob, Line, Take, Upload
from jobs.pipeline import analysis
from jobs.pipeline.dub import Engines, Route
from jobs.pipeline.errors import PipelineError, ProviderFailed
from jobs.pipeline.ports import Speech
from jobs.pipeline.timeline import SAMPLE_RATE, Recognition, Utterance
from jobs.previews import preview_line
from jobs.receipts import line_sentences, sentences
from jobs.services import create_job, retry_language
from jobs.states import STAGE_OF, JobStatus, Stage, StepKind
from jobs.uploads import register_upload
from tests import make
from tests.engines import Hearing, Humming, Shouting, engines
from tests.pipeline import media

pytestmark = [
    pytest.mark.ffmpeg,
    pytest.mark.django_db,
    pytest.mark.usefixtures("adds_up"),
]

SPEECH = ((0.5, 2.0), (2.6, 4.0), (5.0, 6.5))
SECONDS = 8.0
FILES = (StepKind.WAV, StepKind.BUNDLE)
HEARD = tuple(
    Utterance(start, end, 0, f"Sentence number {number}.")
    for number, (start, end) in enumerate(SPEECH)
)


def recording(*, seconds: float = SECONDS) -> io.BytesIO:
    """A WAV with something like a voice in some places."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    voice = 0.2 * np.sin(2 * np.pi * 180 * time) * (1 + np.sin(2 * np.pi * 4 * time)) / 2
    spoken = np.zeros(time.size)
    for start, end in SPEECH:
        spoken[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 1
    file = io.BytesIO()
    soundfile.write(file, voice * spoken, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    file.seek(0)
    return file


def order(made: Engines, *, languages: tuple[str, ...] = ("es",), **choices: Any) -> DubbingJob:
    """A job from a file that really is there."""
    person = make.professional(credits=100)
    voice = register_upload(person, file=recording(), name="talk.wav", role=Upload.Role.VOICE)
    return create_job(
        person,
        voice=voice,
        background=None,
        languages=languages,
        engines=lambda: made,
        **choices,
    )


def work(made: Engines, *, until: StepKind | None = None) -> list[StepKind]:
    """Work on all steps, or on those before the first of a kind; which they were."""
    worked = []
    while (claim := claims.claim()) is not None:
        worked.append(claim.kind)
        if claim.kind == until:
            claims.give_up(claim)
            break
        steps.run(claim, engines=lambda: made)
    return worked


def current(job: DubbingJob, kind: str) -> Path:
    """Where a finished file is in storage."""
    artifact = Artifact.objects.get(job=job, kind=kind, current=True)
    return Path(default_storage.path(artifact.object_key))


def test_a_job_is_made_from_upload_to_files() -> None:
    hearing = Hearing(HEARD)
    made = engines(hearing=hearing)
    job = order(made)

    worked = work(made)

    job.refresh_from_db()
    task = job.tasks.get()
    assert worked == list(STAGE_OF)
    assert (job.status, task.stage, task.error) == (JobStatus.COMPLETE, Stage.COMPLETE, "")
    assert hearing.calls == 1
    kinds = set(task.artifacts.filter(working=False).values_list("kind", flat=True))
    assert kinds == {"full_m4a", "full_mp3", "voice_mp3", "srt", "vtt", "transcript", "manifest"}
    assert soundfile.info(current(job, "mix")).frames == job.samples == SECONDS * SAMPLE_RATE
    assert task.receipt["overlap_seconds"] == 0
    assert task.receipt["speed_highest"] <= 1.25
    assert [line.spoken for line in task.lines.all()] == [
        f"Sentence number {number}. Olé" for number in range(3)
    ]


def test_lines_that_were_spoken_are_not_spoken_again_after_a_death() -> None:
    voice = Humming(dies_after=2)
    made = engines(hearing=Hearing(HEARD), voice=voice)
    order(made)
    with pytest.raises(SystemExit):
        work(made)
    spoken_before = Take.objects.filter(kind=StepKind.DUB).count()
    voice.dies_after = None

    work(made)

    assert spoken_before == 2
    assert set(voice.spoken.values()) == {1}
    assert DubbingJob.objects.get().status == JobStatus.COMPLETE


class Unreachable(Humming):
    """A voice that a text doesn't reach while it is `lost`."""

    def __init__(self, lost: str) -> None:
        super().__init__()
        self.lost = lost

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        if text == self.lost:
            raise ProviderFailed("ENGINE_FAILED", engine="test")
        return super().speak(text, language=language, voice=voice, rate=rate)


def put_off(job: DubbingJob, made: Engines, *, times: int) -> None:
    """Work on a job whose dubbing is put off so often, and let its wait be over each time."""
    for count in range(1, times + 1):
        work(made)
        step = job.steps.get(kind=StepKind.DUB)
        assert (step.errors, step.error_code) == (count, "ENGINE_FAILED")
        job.steps.update(not_before=Now())


def test_a_line_that_is_not_reached_for_a_while_is_spoken_and_nothing_is_bought_twice() -> None:
    voice = Unreachable("Sentence number 1. Olé")
    made = engines(hearing=Hearing(HEARD), voice=voice)
    job = order(made)
    put_off(job, made, times=steps.PATIENT)
    voice.lost = ""

    work(made)

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert not [line for line in Line.objects.all() if "silent" in line.flags]
    assert list(voice.spoken.values()) == [1] * len(HEARD)


def test_a_line_that_stays_out_of_reach_is_silent_in_the_end_and_fails_no_language() -> None:
    made = engines(hearing=Hearing(HEARD), voice=Unreachable("Sentence number 1. Olé"))
    job = order(made)
    put_off(job, made, times=steps.PATIENT)

    work(made)

    job.refresh_from_db()
    silent = ["silent" in line.flags for line in Line.objects.order_by("segment__index")]
    assert (job.status, silent) == (JobStatus.COMPLETE, [False, True, False])


def test_a_recording_is_heard_once_whatever_fails_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hearing = Hearing(HEARD)
    made = engines(hearing=hearing)
    job = order(made)
    with monkeypatch.context() as broken:
        broken.setattr(analysis, "MODULE", "no.such.child")
        work(made)
    assert (hearing.calls, job.steps.get(kind=StepKind.TRANSCRIBE).errors) == (1, 1)

    job.steps.update(not_before=Now())
    work(made, until=StepKind.TRANSLATE)

    assert hearing.calls == 1
    assert job.segments.count() == len(HEARD)


def test_a_dub_is_heard_again_once_whatever_fails_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hearing, again = Hearing(HEARD), Hearing(HEARD, language="es")
    made = replace(engines(hearing=hearing), hearing=again)
    job = order(made)
    with monkeypatch.context() as broken:
        broken.setattr("jobs.rows.save_receipt", lambda *_: sys.exit(9))
        with pytest.raises(SystemExit):
            work(made)

    work(made)

    job.refresh_from_db()
    assert (hearing.calls, again.calls) == (1, 1)
    assert job.status == JobStatus.COMPLETE


class Deaf(Hearing):
    """A recognizer whose vendor lets nobody in."""

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        raise ProviderFailed("VENDOR_ACCOUNT", engine="test")


def test_a_dub_that_nobody_can_hear_again_is_delivered_and_says_so() -> None:
    made = replace(engines(hearing=Hearing(HEARD)), hearing=Deaf())
    job = order(made)

    work(made)

    job.refresh_from_db()
    task = job.tasks.get()
    assert (job.status, task.refunded, task.receipt["word_error"]) == (JobStatus.COMPLETE, 0, None)
    assert "Not heard again." in sentences(task.receipt, picture=False)


def test_an_upload_that_changed_fails_the_job_with_its_credits_returned() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    Path(default_storage.path(job.voice.key)).write_bytes(b"something else")
    shutil.rmtree(settings.SCRATCH / "cache")  # so that no earlier copy is at hand

    work(made)

    task = job.tasks.get()
    assert task.error_code == "UPLOAD_CHANGED"
    assert task.refunded == task.credits


def test_a_file_may_have_whatever_name() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    Upload.objects.filter(pk=job.voice_id).update(name=f"talk.{'ж' * 195}")

    work(made)

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE


def test_a_length_that_was_not_paid_for_stops_the_job() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    DubbingJob.objects.filter(pk=job.pk).update(duration_ms=5_000)

    work(made)

    assert job.tasks.get().error_code == "LENGTH_CHANGED"


def test_a_video_whose_picture_goes_on_after_its_sound_is_dubbed_to_its_end(tmp_path: Path) -> None:
    words = (*media.tone(SECONDS), *media.picture(SECONDS + 6), "-c:v", "libx264", "-c:a", "aac")
    film = media.ffmpeg(*words, out=tmp_path / "film.mp4")
    person = make.professional(credits=100)
    with film.open("rb") as file:
        voice = register_upload(person, file=file, name="film.mp4", role=Upload.Role.VOICE)
    made = engines(hearing=Hearing(HEARD))
    job = create_job(person, voice=voice, background=None, languages=("es",), engines=lambda: made)

    work(made)

    job.refresh_from_db()
    assert (job.duration_ms, job.tasks.get().error) == (SECONDS * 1000, "")
    dubbed = soundfile.info(current(job, "full_mp3"))
    assert dubbed.duration == pytest.approx(SECONDS + 6, abs=0.05)


def test_a_pair_that_turns_out_to_be_missing_fails_that_language_only() -> None:
    hearing = Hearing(HEARD, language="pt")
    made = engines(hearing=hearing)
    job = order(made, languages=("es", "fr"))
    route = made.route

    def missing(source: str | None, target: str, speech: str = "", translation: str = "") -> Route:
        if (source, target) == ("pt", "fr"):
            raise PipelineError("PAIR_UNAVAILABLE", source="a", target="b", reason="a test")
        return route(source, target, speech, translation)

    work(Engines(hearing, missing))

    job.refresh_from_db()
    assert job.status == JobStatus.COMPLETE
    assert job.tasks.get(language="fr").error_code == "PAIR_UNAVAILABLE"


def test_a_job_is_made_by_whom_it_names_for_each_language() -> None:
    made = engines(hearing=Hearing(HEARD))
    named = {"speech": {"es": "pico"}, "translation": {"es": "apertium"}}
    order(made, languages=("es", "fr"), options=named)
    asked = set()

    def route(source: str | None, target: str, speech: str = "", translation: str = "") -> Route:
        asked.add((target, speech, translation))
        return made.route(source, target, speech, translation)

    work(Engines(made.transcriber, route))

    assert asked == {("es", "pico", "apertium"), ("fr", "", "")}


def test_a_retry_buys_only_what_is_missing() -> None:
    translator, voice, hearing = Shouting(), Humming(), Hearing(HEARD)
    made = engines(hearing=hearing, translator=translator, voice=voice)
    job = order(made)
    work(made, until=StepKind.MIX)
    claim = claims.claim()
    assert claim is not None
    outcomes.fail(claim, PipelineError("ENGINE_REFUSED", engine="it"))

    retry_language(job, language="es", by=job.user)
    worked = work(made)

    assert worked == [StepKind.MIX, StepKind.EXPORT]
    assert hearing.calls == 1
    assert set(voice.spoken.values()) == {1}


def test_a_retry_says_what_was_corrected_since_the_language_failed() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    work(made, until=StepKind.MIX)
    claim = claims.claim()
    assert claim is not None
    outcomes.fail(claim, PipelineError("ENGINE_REFUSED", engine="it"))
    heard, _, written = job.segments.order_by("index")
    editing.edit_transcript(
        job, changes=[editing.Change(id=heard.pk, revision=heard.revision, text="Heard wrongly.")]
    )
    line = Line.objects.get(segment=written)
    editing.edit_lines(
        job,
        language="es",
        changes=[editing.Change(id=line.pk, revision=line.revision, text="By hand.")],
        engines=lambda: made,
    )

    retry_language(job, language="es", by=job.user)
    work(made)

    lines = Line.objects.order_by("segment__index")
    assert job.tasks.get().stage == Stage.COMPLETE
    said = ["Heard wrongly. Olé", "Sentence number 1. Olé", "By hand."]
    assert [one.spoken for one in lines] == said
    assert not any(one.stale or one.outdated for one in lines)


def test_a_file_that_is_not_media_is_refused_before_anything_is_charged() -> None:
    person = make.professional(credits=100)
    voice = register_upload(
        person, file=io.BytesIO(b"hello " * 999), name="talk.wav", role=Upload.Role.VOICE
    )

    with pytest.raises(UserError) as refused:
        create_job(person, voice=voice, background=None, languages=["es"], engines=engines)

    assert refused.value.code == "not_media"
    assert not DubbingJob.objects.exists()


CAPTIONS = """1
00:00:00,500 --> 00:00:02,000
The first thing.

2
00:00:02,600 --> 00:00:04,000
The second thing.
"""


def test_captions_that_were_brought_along_are_not_listened_for() -> None:
    hearing = Hearing(HEARD)
    made = engines(hearing=hearing)
    job = order(made, source_language="en", options={"transcript_srt": CAPTIONS})

    work(made)

    job.refresh_from_db()
    assert hearing.calls == 0
    assert job.status == JobStatus.COMPLETE
    said = list(job.segments.values_list("text", flat=True))
    assert said == ["The first thing.", "The second thing."]


def test_what_captions_say_in_another_language_is_not_translated() -> None:
    translator, voice = Shouting(), Humming()
    made = engines(hearing=Hearing(HEARD), translator=translator, voice=voice)
    spanish = CAPTIONS.replace("The first thing.", "Lo primero.").replace(
        "The second thing.", "Lo segundo."
    )
    job = order(made, languages=("es", "fr"), options={"translations_srt": {"es": spanish}})

    work(made)

    job.refresh_from_db()
    task = job.tasks.get(language="es")
    said = list(task.lines.order_by("segment__index").values_list("spoken", flat=True))
    assert job.status == JobStatus.COMPLETE
    assert said == ["Lo primero.", "Lo segundo.", "Sentence number 2. Olé"]
    assert translator.lines == {
        "Sentence number 0.": 1,
        "Sentence number 1.": 1,
        "Sentence number 2.": 2,
    }
    assert voice.spoken["Lo primero."] == 1


def test_sound_without_loss_and_a_bundle_are_made_when_they_are_asked_for() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    work(made)
    task = job.tasks.get()
    for kind in FILES:
        extras.ask_for(job, task=task, kind=kind)

    worked = work(made)

    job.refresh_from_db()
    sound = soundfile.info(current(job, "full_wav"))
    packed = zipfile.ZipFile(current(job, "bundle"))
    assert sorted(worked) == sorted(FILES)
    assert (sound.frames, sound.channels, sound.subtype) == (job.samples, 2, "PCM_16")
    assert packed.testzip() is None
    assert {"talk.es.mp3", "talk.es.srt", "talk.es.manifest.json"} <= set(packed.namelist())
    assert job.status == JobStatus.COMPLETE


def test_something_on_demand_that_fails_harms_nothing() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    work(made)
    extras.ask_for(job, task=job.tasks.get(), kind=StepKind.WAV)
    claim = claims.claim()
    assert claim is not None
    outcomes.begin(claim)

    outcomes.fail(claim, PipelineError("CORRUPT_AUDIO"))

    task = job.tasks.get()
    assert (task.stage, task.refunded) == (Stage.COMPLETE, 0)


def test_rendering_buys_only_the_line_that_changed() -> None:
    translator, voice, hearing = Shouting(), Humming(), Hearing(HEARD)
    made = engines(hearing=hearing, translator=translator, voice=voice)
    job = order(made)
    work(made)
    before = Artifact.objects.get(job=job, kind="full_mp3", current=True)
    spoken = dict(voice.spoken)
    segment = job.segments.get(index=1)
    job.refresh_from_db()
    correction = editing.Change(segment.pk, revision=1, text="Another sentence.")
    editing.edit_transcript(job, changes=[correction])
    editing.render(job, by=job.user, engines=lambda: made)

    worked = work(made)

    job.refresh_from_db()
    after = Artifact.objects.get(job=job, kind="full_mp3", current=True)
    assert worked == [StepKind.TRANSLATE, StepKind.DUB, StepKind.MIX, StepKind.EXPORT]
    assert job.status == JobStatus.COMPLETE
    assert hearing.calls == 1
    assert translator.lines["Another sentence."] == 1
    assert dict(voice.spoken) == spoken | {"Another sentence. Olé": 1}
    assert set(translator.lines.values()) == {1}
    assert after.sha256 != before.sha256
    assert not Line.objects.filter(stale=True).exists()
    assert job.tasks.get().render_price == 0


class Choosy(Humming):
    """A voice that refuses names that it doesn't know, as vendors do."""

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        if voice not in {known.id for known in self.engine.voices}:
            raise ProviderFailed("ENGINE_REFUSED", engine="test")
        return super().speak(text, language=language, voice=voice, rate=rate)


def test_a_line_whose_voice_is_not_offered_any_more_is_said_by_its_speakers() -> None:
    made = engines(hearing=Hearing(HEARD), voice=Choosy())
    job = order(made)
    work(made)
    job.refresh_from_db()
    line = Line.objects.get(segment__index=1)
    Line.objects.filter(pk=line.pk).update(chosen_voice="of-another-engine", stale=True)
    editing.render(job, by=job.user, engines=lambda: made)

    work(made)

    line.refresh_from_db()
    assert (line.voice, line.flags) == ("hum", [])
    assert line_sentences(line) == [
        "has its speaker's voice: the one you chose isn't offered any more"
    ]
    assert job.tasks.get().render_price == 0


def test_a_line_that_was_listened_to_is_not_bought_again() -> None:
    voice = Humming()
    made = engines(hearing=Hearing(HEARD), voice=voice)
    job = order(made)
    work(made)
    job.refresh_from_db()
    line = Line.objects.get(segment__index=1)
    change = editing.Change(line.pk, revision=1, text="Otra cosa.", chosen_voice="grand-hum")
    editing.edit_lines(job, language="es", changes=[change], engines=lambda: made)
    preview_line(job, language="es", line_id=line.pk, engines=lambda: made)
    assert work(made) == [StepKind.PREVIEW]
    heard = preview_line(job, language="es", line_id=line.pk, engines=lambda: made)
    spoken = dict(voice.spoken)

    editing.render(job, by=job.user, engines=lambda: made)
    work(made)

    line.refresh_from_db()
    assert heard is not None
    assert (line.spoken, line.voice, line.stale) == ("Otra cosa.", "grand-hum", False)
    assert dict(voice.spoken) == spoken
    assert voice.spoken["Otra cosa."] == 1


def test_an_unchanged_line_is_heard_at_once() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    work(made)
    line = Line.objects.get(segment__index=1)

    heard = preview_line(job, language="es", line_id=line.pk, engines=lambda: made)

    line.refresh_from_db()
    assert heard is not None
    assert (heard.kind, line.previews) == (StepKind.DUB, 0)


def test_a_line_that_stays_as_it_was_recorded_is_heard_in_the_mix() -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    work(made)
    line = Line.objects.get(segment__index=1)
    job.refresh_from_db()
    kept = editing.Change(line.pk, revision=1, keep_original=True)
    ducked = level(job)
    editing.edit_lines(job, language="es", changes=[kept], engines=lambda: made)
    editing.render(job, by=job.user, engines=lambda: made)

    work(made)

    voice = soundfile.read(current(job, "dub"))[0]
    here = slice(round(2.8 * SAMPLE_RATE), round(3.8 * SAMPLE_RATE))
    assert np.abs(voice[here]).max() == 0
    assert level(job) != pytest.approx(ducked, rel=0.01)
    assert correlation(job) > 0.99


@pytest.mark.parametrize("without", [{"keep_original": True}, {"mute": True}])
def test_a_line_that_was_made_without_its_voice_is_made_anew_to_get_it(
    without: dict[str, Any],
) -> None:
    made = engines(hearing=Hearing(HEARD))
    job = order(made)
    work(made)
    line = Line.objects.get(segment__index=1)
    job.refresh_from_db()
    silent = editing.Change(line.pk, revision=1, **without)
    editing.edit_lines(job, language="es", changes=[silent], engines=lambda: made)
    editing.render(job, by=job.user, engines=lambda: made)
    work(made)
    line.refresh_from_db()

    columns: dict[str, Any] = dict.fromkeys(without, False)
    spoken = editing.Change(line.pk, revision=line.revision, **columns)
    editing.edit_lines(job, language="es", changes=[spoken], engines=lambda: made)

    line.refresh_from_db()
    assert line.stale


def level(job: DubbingJob) -> float:
    return float(np.sqrt(np.mean(np.square(_middle(job)))))


def correlation(job: DubbingJob) -> float:
    """How much the mix is the recording, where its second sentence is."""
    original = soundfile.read(recording())[0]
    there = original[round(2.8 * SAMPLE_RATE) : round(3.8 * SAMPLE_RATE)]
    return float(np.corrcoef(there, _middle(job))[0, 1])


def _middle(job: DubbingJob) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = soundfile.read(current(job, "mix"))[0][:, 0]
    return mixed[round(2.8 * SAMPLE_RATE) : round(3.8 * SAMPLE_RATE)]
