"""The border between rows and the pipeline's values: milliseconds here, seconds there.

Everything that a step reads from rows or leaves in them passes through this file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db.models import F, Q

from jobs.models import DubbingJob, LanguageTask, Line, Segment, Step
from jobs.pipeline import timeline
from jobs.pipeline.dub import Engines, Options, Route
from jobs.pipeline.ports import Tone
from jobs.pipeline.receipt import Receipt
from jobs.pipeline.timeline import (
    Chapter,
    Dub,
    Flag,
    Picture,
    PlacedLine,
    Source,
    Transcript,
    Translation,
)
from jobs.states import OF_ONE_LINE

TEXT_FLAGS = frozenset({Flag.UNTRANSLATED})
"""Flags of a translation; all others say how a line was spoken."""

WORDING_FLAGS = TEXT_FLAGS | {Flag.REWORDED, Flag.SHORTENED}
"""The same of the wording that was spoken."""


def to_ms(seconds: float) -> int:
    """Seconds as whole milliseconds."""
    return round(seconds * 1000)


def source_to_json(source: Source) -> dict[str, Any]:
    """What was found in a file, without where the file was."""
    values = asdict(source)
    del values["path"]
    return values


def source_from_json(values: Mapping[str, Any], path: Path) -> Source:
    """What was found in a file that is now at `path`."""
    picture = values.get("picture")
    chapters = tuple(Chapter(**chapter) for chapter in values.get("chapters", ()))
    rest = {name: value for name, value in values.items() if name not in {"picture", "chapters"}}
    return Source(
        path=path, picture=Picture(**picture) if picture else None, chapters=chapters, **rest
    )


def route_of(task: LanguageTask, engines: Engines) -> Route:
    """The engines that make a language, as the customer chose. Raises PipelineError as Routes."""
    heard = task.job.heard_language or None
    return engines.route(heard, task.variant, task.speech, task.translation)


def options_of(task: LanguageTask) -> Options:
    """What the customer chose for one language, and for single lines of it."""
    lines = list(task.lines.select_related("segment"))
    chosen = task.job.options
    voices = chosen.get("voices", {}).get(task.language, {})
    return Options(
        loudness=None if chosen.get("loudness") == "source" else -14.0,
        keep_original_db=chosen.get("keep_original_db", -20.0),
        voices={int(speaker): voice for speaker, voice in voices.items()},
        usual_voices={int(speaker): voice for speaker, voice in task.cast.items()},
        terms=_terms(chosen.get("glossary", ()), task.language),
        tone=Tone(chosen.get("tone", Tone.NEUTRAL)),
        # what is made anew is as somebody wrote it
        fuller=not task.render_price and not any(row.stale for row in lines),
        wav=bool(chosen.get("wav", False)),
        line_voices={row.segment.index: row.chosen_voice for row in lines if row.chosen_voice},
        kept=frozenset(row.segment.index for row in lines if row.keep_original),
        muted=frozenset(row.segment.index for row in lines if row.mute),
        captions=chosen.get("translations_srt", {}).get(task.language, ""),
    )


def _terms(glossary: Iterable[Mapping[str, str | None]], language: str) -> dict[str, str]:
    """How a language says the terms of a glossary: as it tells, or as they are."""
    return {
        str(entry["source"]): entry["target"] or str(entry["source"])
        for entry in sorted(glossary, key=lambda entry: bool(entry.get("language")))
        if entry.get("language") in {None, language}
    }


def save_transcript(job: DubbingJob, transcript: Transcript) -> None:
    """Write the segments of a job in place of any earlier ones, in the caller's transaction."""
    Segment.objects.filter(job=job).delete()
    Segment.objects.bulk_create(
        Segment(
            job=job,
            index=part.index,
            start_ms=to_ms(part.start),
            end_ms=max(to_ms(part.end), to_ms(part.start) + 1),
            speaker=part.speaker,
            text=part.text,
        )
        for part in transcript.segments
    )
    DubbingJob.objects.filter(pk=job.pk).update(
        heard_language=transcript.language,
        recognizer=transcript.engine,
        pitches={str(speaker): round(pitch, 1) for speaker, pitch in transcript.pitches.items()},
    )


def transcript_of(job: DubbingJob) -> Transcript:
    """The segments of a job."""
    return Transcript(
        language=job.heard_language,
        segments=tuple(segment_of(row) for row in job.segments.order_by("index")),
        engine=job.recognizer,
        pitches={int(speaker): pitch for speaker, pitch in job.pitches.items()},
    )


def span_of(line: Line) -> tuple[float, float]:
    """Where a line is spoken; before that, where it was in the recording."""
    if line.start_ms is None or line.end_ms is None:
        return line.segment.start_ms / 1000, line.segment.end_ms / 1000
    return line.start_ms / 1000, line.end_ms / 1000


def segment_of(row: Segment) -> timeline.Segment:
    """One segment."""
    return timeline.Segment(
        index=row.index,
        start=row.start_ms / 1000,
        end=row.end_ms / 1000,
        speaker=row.speaker,
        text=row.text,
    )


def save_translation(task: LanguageTask, transcript: Transcript, translation: Translation) -> None:
    """Write the lines of a language in place of any earlier ones, in the caller's transaction."""
    segments = dict(Segment.objects.filter(job_id=task.job_id).values_list("index", "pk"))
    Line.objects.filter(task=task).delete()
    Line.objects.bulk_create(
        Line(
            task=task,
            segment_id=segments[part.index],
            text=text,
            flags=[str(flag) for flag in translation.flags.get(part.index, ())],
        )
        for part, text in zip(transcript.segments, translation.texts, strict=True)
    )
    LanguageTask.objects.filter(pk=task.pk).update(translator=translation.engine)


def save_translated_again(task: LanguageTask, said: Mapping[int, str | None]) -> None:
    """Write new translations by segment index, in the caller's transaction."""
    lines = list(task.lines.filter(segment__index__in=said).select_related("segment"))
    for line in lines:
        line.text = said[line.segment.index] or line.segment.text
        line.flags = [] if said[line.segment.index] else [str(Flag.UNTRANSLATED)]
        line.outdated = False
    Line.objects.bulk_update(lines, ["text", "flags", "outdated"], batch_size=200)


def outdated_lines(task: LanguageTask) -> frozenset[int]:
    """The indexes of the segments that were corrected after they were translated."""
    return frozenset(task.lines.filter(outdated=True).values_list("segment__index", flat=True))


def translation_of(task: LanguageTask) -> Translation:
    """The texts of a language, as translated or as corrected since.

    Where changed lines are made anew, all others keep the wording that fitted: nothing about them
    is asked for again.
    """
    lines = list(task.lines.select_related("segment").order_by("segment__index"))
    fitted = {line.pk for line in lines if task.render_price and line.spoken and not line.stale}
    kept = {
        line.segment.index: _flags(line, WORDING_FLAGS if line.pk in fitted else TEXT_FLAGS)
        for line in lines
    }
    return Translation(
        language=task.variant,
        texts=tuple(
            "" if line.mute else line.spoken if line.pk in fitted else line.text for line in lines
        ),
        engine=task.translator,
        flags={index: flags for index, flags in kept.items() if flags},
    )


def save_dub(task: LanguageTask, dub: Dub) -> None:
    """Write where every line stands, in the caller's transaction."""
    placed = {line.segment: line for line in dub.lines}
    rows = list(task.lines.select_related("segment"))
    chosen = {row.segment.index for row in rows if row.chosen_voice}
    for row in rows:
        _place(row, placed.get(row.segment.index))
    Line.objects.bulk_update(rows, PLACED_COLUMNS, batch_size=200)
    own = [line for line in dub.lines if line.segment not in chosen]
    cast = {**task.cast, **{str(line.speaker): line.voice for line in own}}
    LanguageTask.objects.filter(pk=task.pk).update(speaker=dub.engine, cast=cast)


def placement_of(dub: Dub) -> dict[str, object]:
    """Where every line of a dub stands, as JSON beside its track: what `put_back` reads."""
    lines = {}
    for line in dub.lines:
        row = Line()
        _place(row, line)
        lines[str(line.segment)] = {name: getattr(row, name) for name in PLACED_COLUMNS}
    return {"lines": lines}


def put_back(task: LanguageTask, placement: Mapping[str, Mapping[str, object]]) -> None:
    """Say of every line what is said in an earlier dub, in the caller's transaction.

    What was changed since stays changed: those lines are still stale, with their new text.
    """
    misheard = set(task.receipt.get("misheard", ()))
    rows = list(task.lines.select_related("segment"))
    for row in rows:
        _place(row, None)
        for name, value in placement.get(str(row.segment.index), {}).items():
            setattr(row, name, value)
        if row.segment.index in misheard:
            row.flags = sorted({*row.flags, str(Flag.MISHEARD)})
        if row.stale:  # they spoke of other words
            row.flags = []
    Line.objects.bulk_update(rows, PLACED_COLUMNS, batch_size=200)
    own = {
        str(one.segment.speaker): one.voice for one in rows if one.voice and not one.chosen_voice
    }
    LanguageTask.objects.filter(pk=task.pk).update(cast={**task.cast, **own})


SOUNDLESS_MS = 1
"""How long a line is that has no sound: a caption has to have a time."""

PLACED_COLUMNS = [
    "spoken",
    "voice",
    "start_ms",
    "end_ms",
    "speed_permille",
    "borrowed_ms",
    "early_ms",
    "late_ms",
    "flags",
]


def _place(row: Line, line: PlacedLine | None) -> None:
    if line is None:
        row.start_ms = row.end_ms = row.speed_permille = None
        row.borrowed_ms = row.early_ms = row.late_ms = 0
        row.spoken = row.voice = ""
        row.flags = [str(flag) for flag in _flags(row, TEXT_FLAGS)]
        return
    row.spoken, row.voice = line.text, line.voice
    row.start_ms = to_ms(line.start)
    row.end_ms = max(to_ms(line.end), row.start_ms + SOUNDLESS_MS)
    row.speed_permille = to_ms(line.speed)
    row.borrowed_ms, row.early_ms = to_ms(line.borrowed), to_ms(line.early)
    row.late_ms = to_ms(line.late)
    row.flags = [str(flag) for flag in line.flags]


def dub_of(task: LanguageTask, voice: Path) -> Dub:
    """The placed lines of a language, and the track at `voice` that holds them."""
    rows = task.lines.filter(start_ms__isnull=False).select_related("segment")
    return Dub(
        language=task.variant,
        lines=tuple(_placed(row) for row in rows.order_by("start_ms", "segment__index")),
        voice=voice,
        engine=task.speaker,
    )


def _placed(row: Line) -> PlacedLine:
    return PlacedLine(
        segment=row.segment.index,
        start=(row.start_ms or 0) / 1000,
        end=(row.end_ms or 0) / 1000,
        text=row.spoken,
        speaker=row.segment.speaker,
        voice=row.voice,
        speed=(row.speed_permille or 0) / 1000,
        borrowed=row.borrowed_ms / 1000,
        early=row.early_ms / 1000,
        late=row.late_ms / 1000,
        flags=_flags(row, frozenset(Flag)),
    )


def _flags(row: Line, wanted: frozenset[Flag]) -> tuple[Flag, ...]:
    return tuple(flag for flag in map(Flag, row.flags) if flag in wanted)


def cast_of(job: DubbingJob, task: LanguageTask) -> dict[int, str]:
    """The voice of every speaker in one language: as it was cast, or as it was chosen since."""
    chosen = job.options.get("voices", {}).get(task.language, {})
    return {int(speaker): voice for speaker, voice in {**task.cast, **chosen}.items()}


def mark_unchanged(job: DubbingJob, task: LanguageTask, lines: Iterable[int]) -> None:
    """Let those of these lines be unchanged that are back at what the dub says, and in whose voice.

    One that was made without a sound of its own stays stale: why it has none isn't kept.
    """
    same_voice = Q(chosen_voice=F("voice"))
    for speaker, voice in cast_of(job, task).items():
        same_voice |= Q(chosen_voice="", voice=voice, segment__speaker=speaker)
    back = Q(text=F("spoken"), outdated=False, mute=False, keep_original=False)
    sounds = Q(end_ms__gt=F("start_ms") + SOUNDLESS_MS)
    task.lines.filter(same_voice, back, sounds, pk__in=lines, stale=True).update(stale=False)


def save_receipt(task: LanguageTask, receipt: Receipt) -> None:
    """Write what was measured on a finished language, and mark the lines that were misheard."""
    values = {name: getattr(receipt, name) for name in receipt.__slots__}
    missed = list(receipt.missed)
    LanguageTask.objects.filter(pk=task.pk).update(receipt={**values, "missed": missed})
    task.lines.filter(stale=True).update(stale=False)
    misheard = list(task.lines.filter(segment__index__in=receipt.misheard))
    for line in misheard:
        line.flags = sorted({*line.flags, str(Flag.MISHEARD)})
    Line.objects.bulk_update(misheard, ["flags"], batch_size=200)


def reading_of(step: Step) -> int:
    """How many bytes a step reads from storage: the uploads, or what earlier steps made."""
    job = step.job
    if step.kind in OF_ONE_LINE:
        return 0
    if step.kind == "ingest":
        uploads = [job.voice, job.background]
        return sum(upload.size or 0 for upload in uploads if upload)
    earlier = job.artifacts.filter(working=True, current=True)
    return sum(artifact.bytes for artifact in earlier if artifact.task_id in {None, step.task_id})


def receipt_of(task: LanguageTask) -> Receipt:
    """What was measured on a finished language."""
    values = {name: task.receipt[name] for name in Receipt.__slots__}
    return Receipt(**{**values, "misheard": tuple(values["misheard"])})
