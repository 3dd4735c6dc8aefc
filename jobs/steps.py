"""One step, from claim to done: load what it needs, call the recipe, keep what came out.

Each function here is one kind of step. It returns files and a way to write its rows; `run` stores
the files first and then marks the step done, with the rows, in one transaction.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.db import close_old_connections, connection

from billing.plans import Limits as PlanLimits
from billing.queries import plan_of
from jobs import claims, extras, outcomes, rows, scratch, storage
from jobs.claims import Claim
from jobs.deadlines import allowed_seconds
from jobs.desk import WorkerDesk
from jobs.heartbeat import Heartbeat
from jobs.models import DubbingJob, LanguageTask, Shortening, Step, Upload
from jobs.pipeline import dub as recipe
from jobs.pipeline.dub import Engines
from jobs.pipeline.errors import PipelineError, Stopped
from jobs.pipeline.export import wavs
from jobs.pipeline.ingest import tolerance
from jobs.pipeline.probe import Limits
from jobs.pipeline.program import Stop
from jobs.pipeline.subtitles import Captions
from jobs.pipeline.timeline import Loudness, Mix, Source, Stems
from jobs.results import DELIVERED
from jobs.states import StepKind
from jobs.storage import Kept
from jobs.workers import processor_seconds

PATIENT = 2
"""How often a step is put off before a line at which an engine fails for now stays silent."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything around one step while it is worked on."""

    step: Step
    claim: Claim
    engines: Engines
    desk: WorkerDesk
    folder: Path

    @property
    def job(self) -> DubbingJob:
        """The step's job."""
        return self.step.job

    @property
    def task(self) -> LanguageTask:
        """The step's language. Only steps of a language ask."""
        task = self.step.task
        if task is None:
            raise ValueError(f"{self.step.kind} has no language")
        return task

    def route(self) -> recipe.Route:
        """The engines of the step's language, now that the source's language is known."""
        return rows.route_of(self.task, self.engines)

    def upload(self, upload: Upload) -> Path:
        """A file of the customer, as it was when the job was made."""
        into = self.folder / f"upload-{upload.role}{Path(upload.key).suffix}"
        return scratch.fetch(upload.key, sha256=upload.sha256, etag=upload.etag, into=into)

    def working(self, kind: str, *, shared: bool) -> Path:
        """A file that an earlier step made for us, of the whole job or of this language."""
        artifact = storage.current(self.job, None if shared else self.task, kind)
        into = self.folder / f"{kind}{Path(artifact.object_key).suffix}"
        return scratch.fetch(artifact.object_key, sha256=artifact.sha256, into=into)

    def stems(self) -> Stems:
        """The decoded sound of the source."""
        background = self.working("background", shared=True) if self.job.background_id else None
        return Stems(
            voice=self.working("voice", shared=True),
            speech=self.working("speech", shared=True),
            samples=self.job.samples or 0,
            background=background,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What a step made: files by kind, and how to write its rows once they are stored."""

    files: Mapping[str, Path] = field(default_factory=dict)
    write: Callable[[], None] = lambda: None
    working: bool = True
    details: Mapping[str, dict[str, object]] = field(default_factory=dict)


def run(
    claim: Claim,
    *,
    engines: Callable[[], Engines],
    obey: Callable[[Stop], None] = lambda _stop: None,
) -> None:
    """Work on a claimed step and settle what becomes of it.

    `engines` gives what hears, translates and speaks, or raises a PipelineError of its own. `obey`
    takes what raises as soon as the step is no longer wanted, for whoever makes calls meanwhile.
    Anything but a PipelineError or Stopped is a bug and comes out; the attempt then counts as died.
    """
    try:
        if claim.poisoned:
            outcomes.fail(claim, PipelineError("STEP_DIED"))
            return
        try:
            _work(claim, engines(), obey)
        except PipelineError as error:
            _refresh_connection()
            outcomes.after_error(claim, error)
    except Stopped:
        return
    except BaseException:
        _refresh_connection()
        claims.give_up(claim)
        raise


def _work(claim: Claim, engines: Engines, obey: Callable[[Stop], None]) -> None:
    used = processor_seconds()
    step = outcomes.begin(claim)
    deadline = time.monotonic() + allowed_seconds(step)
    with (
        Heartbeat(claim, deadline=deadline) as beat,
        WorkerDesk(claim, step.job, beat) as desk,
        scratch.folder(reading=rows.reading_of(step)) as folder,
    ):
        obey(desk.stop)
        out = folder / "out"
        out.mkdir()
        bench = Bench(step=step, claim=claim, engines=engines, desk=desk, folder=folder)
        result = WORK[claim.kind](bench, out)
        desk.stop()
        _refresh_connection()
        kept = _keep(bench, result)
        processor_ms = round((processor_seconds() - used) * 1000)
        try:
            outcomes.finish(claim, kept=kept, write=result.write, processor_ms=processor_ms)
        except Stopped:
            storage.drop([one.object_key for one in kept])
            raise


def _refresh_connection() -> None:
    """Drop a database connection that may be gone after hours of work."""
    if not connection.in_atomic_block:
        close_old_connections()


def _keep(bench: Bench, result: Result) -> list[Kept]:
    return [
        storage.keep_file(
            path,
            job=bench.job,
            task=bench.step.task,
            kind=kind,
            attempt=bench.claim.attempt,
            working=result.working,
            details=result.details.get(kind),
        )
        for kind, path in result.files.items()
    ]


def limits_of(plan: PlanLimits) -> Limits:
    """What a plan allows, as the pipeline asks for it."""
    return Limits(longest_seconds=plan.longest_ms / 1000, largest_bytes=plan.largest_bytes)


def _ingest(bench: Bench, out: Path) -> Result:
    job = bench.job
    voice = bench.upload(job.voice)
    background = bench.upload(job.background) if job.background else None
    source, stems = recipe.ingest(
        voice,
        background,
        limits=limits_of(plan_of(job.user).limits),
        folder=out,
        desk=bench.desk,
    )
    refuse_other_length(paid_ms=job.duration_ms, seconds=source.duration)
    files = {"voice": stems.voice, "speech": stems.speech}
    if stems.background:
        files["background"] = stems.background
    # What went straight to S3 was never read by us before: from now on its bytes are known.
    pairs = ((job.voice, voice), (job.background, background))
    digests = {
        upload.pk: scratch.digest(path)
        for upload, path in pairs
        if upload and path and not upload.sha256
    }

    def write() -> None:
        DubbingJob.objects.filter(pk=job.pk).update(samples=stems.samples)
        Upload.objects.filter(pk=job.voice_id).update(source=rows.source_to_json(source))
        for pk, sha256 in digests.items():
            Upload.objects.filter(pk=pk).update(sha256=sha256)

    return Result(files, write)


def refuse_other_length(*, paid_ms: int, seconds: float) -> None:
    """Raise LENGTH_CHANGED when the sound, as it was decoded, isn't as long as what was paid for.

    The stems may be longer: they last as long as the picture.
    """
    paid = paid_ms / 1000
    if abs(seconds - paid) > tolerance(paid):
        raise PipelineError(
            "LENGTH_CHANGED", actual=f"{seconds:.1f} seconds", claimed=f"{paid:.1f} seconds"
        )


def _transcribe(bench: Bench, _out: Path) -> Result:
    captions = bench.job.options.get("transcript_srt")
    language = bench.job.source_language
    transcript = recipe.transcribe(
        bench.stems(),
        transcriber=Captions(captions, language) if captions else bench.engines.transcriber,
        hint=language or None,
        desk=bench.desk,
    )
    return Result(write=lambda: rows.save_transcript(bench.job, transcript))


def _translate(bench: Bench, _out: Path) -> Result:
    transcript = rows.transcript_of(bench.job)
    if bench.task.lines.exists():  # translated before: only what was corrected since is asked for
        said = recipe.translate_again(
            transcript,
            rows.outdated_lines(bench.task),
            route=bench.route(),
            target=bench.task.variant,
            options=rows.options_of(bench.task),
            desk=bench.desk,
        )
        return Result(write=lambda: rows.save_translated_again(bench.task, said))
    translation = recipe.translate(
        transcript,
        route=bench.route(),
        target=bench.task.variant,
        options=rows.options_of(bench.task),
        desk=bench.desk,
    )
    return Result(write=lambda: rows.save_translation(bench.task, transcript, translation))


def _dub(bench: Bench, out: Path) -> Result:
    options = rows.options_of(bench.task)
    dub = recipe.dub(
        bench.stems(),
        rows.transcript_of(bench.job),
        rows.translation_of(bench.task),
        route=bench.route(),
        options=replace(options, may_be_silent=bench.step.errors >= PATIENT),
        desk=bench.desk,
        folder=out,
    )
    return Result(
        {"dub": dub.voice},
        lambda: rows.save_dub(bench.task, dub),
        details={"dub": rows.placement_of(dub)},
    )


def _mix(bench: Bench, out: Path) -> Result:
    mix = recipe.mix(
        bench.stems(),
        rows.transcript_of(bench.job),
        rows.dub_of(bench.task, bench.working("dub", shared=False)),
        options=rows.options_of(bench.task),
        desk=bench.desk,
        folder=out,
    )
    loudness = mix.loudness
    measured: dict[str, object] = {
        "integrated": loudness.integrated,
        "true_peak": loudness.true_peak,
        "gain": loudness.gain,
    }
    return Result({"mix": mix.full}, details={"mix": measured})


def _export(bench: Bench, out: Path) -> Result:
    mixed = storage.current(bench.job, bench.task, "mix")
    made = recipe.export(
        _source(bench),
        bench.stems(),
        rows.transcript_of(bench.job),
        rows.dub_of(bench.task, bench.working("dub", shared=False)),
        Mix(bench.working("mix", shared=False), Loudness(**mixed.details)),
        route=bench.route(),
        options=rows.options_of(bench.task),
        hearing=bench.engines.hearing,
        desk=bench.desk,
        folder=out,
    )
    return Result(made.files, lambda: rows.save_receipt(bench.task, made.receipt), working=False)


def _wav(bench: Bench, out: Path) -> Result:
    mixed = storage.current(bench.job, bench.task, "mix")
    files = wavs(
        Mix(bench.working("mix", shared=False), Loudness(**mixed.details)),
        rows.dub_of(bench.task, bench.working("dub", shared=False)),
        folder=out,
        stop=bench.desk.stop,
    )
    return Result(files, working=False)


def _bundle(bench: Bench, out: Path) -> Result:
    files = bench.task.artifacts.filter(current=True, working=False, kind__in=DELIVERED)
    return Result({"bundle": extras.pack(list(files.order_by("pk")), out)}, working=False)


def _preview(bench: Bench, _out: Path) -> Result:
    asked = bench.step.preview
    recipe.preview(
        asked.text,
        route=bench.route(),
        target=bench.task.variant,
        voice=asked.voice,
        desk=bench.desk,
    )
    return Result()


def _shorten(bench: Bench, _out: Path) -> Result:
    asked = bench.step.shortening
    proposal = recipe.shorten(
        rows.transcript_of(bench.job),
        index=asked.line.segment.index,
        text=asked.text,
        spoken=asked.spoken_ms / 1000,
        duration=bench.job.duration_ms / 1000,
        route=bench.route(),
        target=bench.task.variant,
        options=rows.options_of(bench.task),
        desk=bench.desk,
    )

    def write() -> None:
        Shortening.objects.filter(pk=asked.pk).update(proposal=proposal)

    return Result(write=write)


def _source(bench: Bench) -> Source:
    voice = bench.job.voice
    return rows.source_from_json(voice.source, bench.upload(voice))


WORK: Mapping[StepKind, Callable[[Bench, Path], Result]] = {
    StepKind.INGEST: _ingest,
    StepKind.TRANSCRIBE: _transcribe,
    StepKind.TRANSLATE: _translate,
    StepKind.DUB: _dub,
    StepKind.MIX: _mix,
    StepKind.EXPORT: _export,
    StepKind.WAV: _wav,
    StepKind.BUNDLE: _bundle,
    StepKind.PREVIEW: _preview,
    StepKind.SHORTEN: _shorten,
}
