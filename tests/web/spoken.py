"""A dub that is finished, with lines to correct."""

import hashlib
from dataclasses import replace
from pathlib import Path

from accounts.models import User
from jobs import outcomes, rows, storage
from jobs.models import DubbingJob, LanguageTask
from jobs.pipeline.timeline import Dub, PlacedLine, Segment, Transcript, Translation
from tests import make

HEARD = Transcript(
    "en",
    (
        Segment(0, 1.0, 3.0, 0, "One."),
        Segment(1, 5.0, 7.0, 0, "Two."),
        Segment(2, 9.0, 60.0, 0, "3."),
    ),
)


def spoken(person: User) -> DubbingJob:
    """Make a finished job of three lines in Spanish."""
    job = make.job(person, languages=["es"])
    task = job.tasks.get()
    make.done(1)
    outcomes.finish(make.claim(), kept=[], write=lambda: rows.save_transcript(job, HEARD))
    job.refresh_from_db()
    said = Translation("es", ("Uno.", "Dos.", "Tres."), "test")
    outcomes.finish(make.claim(), kept=[], write=lambda: rows.save_translation(task, HEARD, said))
    say(task, dub_of("{}!"))
    outcomes.finish(make.claim(), kept=kept("mix", b"mix"), write=lambda: None)
    full = replace(kept("full_mp3", b"full")[0], working=False)
    outcomes.finish(make.claim(), kept=[full], write=lambda: None)
    job.refresh_from_db()
    return job


def spoken_lines(person: User, *, count: int = 3, every: float = 2.0) -> DubbingJob:
    """Make a finished job of so many lines in Spanish, each said at 12 characters a second."""
    job = make.job(person, languages=["es"], seconds=max(61.0, every * count))
    make.done(6)
    said = tuple(Segment(n, every * n, every * n + 1.5, n % 2, f"Line {n}") for n in range(count))
    transcript = Transcript("en", said)
    rows.save_transcript(job, transcript)
    task = job.tasks.get()
    texts = tuple(f"Línea {n:06}" for n in range(count))
    rows.save_translation(task, transcript, Translation("es", texts, "test"))
    for line in task.lines.select_related("segment"):
        line.spoken, line.voice = line.text, "hum"
        line.start_ms, line.end_ms = line.segment.start_ms, line.segment.start_ms + 1000
        line.speed_permille = 1000
        line.save()
    job.refresh_from_db()
    return job


def kept(kind: str, content: bytes) -> list[storage.Kept]:
    """Store a working file, as its step does."""
    sha256 = hashlib.sha256(content).hexdigest()
    key = storage.keep_bytes(content, key=f"jobs/{kind}-{sha256}.flac")
    return [storage.Kept(kind, key, sha256, len(content), kind, working=True)]


def say(task: LanguageTask, dub: Dub) -> None:
    """Finish the step that speaks, as it does."""
    [track] = kept("dub", repr(dub).encode())
    track = replace(track, details=rows.placement_of(dub))
    outcomes.finish(make.claim(), kept=[track], write=lambda: rows.save_dub(task, dub))


def dub_of(words: str, *, late: float = 0.0, voice: str = "hum") -> Dub:
    """A dub of the three lines, each a second long and so late; {} in words is its number."""
    lines = [
        PlacedLine(
            part.index, part.start + late, part.start + late + 1, words.format(part.index), 0,
            voice, 1, 0, 0, late,
        )
        for part in HEARD.segments
    ]  # fmt: skip
    return Dub("es", tuple(lines), Path("voice.flac"), "test")
