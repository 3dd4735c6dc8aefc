"""Captions of the original: what was heard, as it was corrected, to be shown or edited."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from dubber.errors import NotFound
from jobs import rows
from jobs.models import DubbingJob
from jobs.pipeline import captions
from jobs.pipeline.timeline import Cue, Dub, PlacedLine
from jobs.refusals import refuse_expired
from jobs.results import stem_of

WRITERS: Mapping[str, Callable[[Sequence[Cue]], str]] = {"srt": captions.srt, "vtt": captions.vtt}


def heard_captions(job: DubbingJob, *, kind: str) -> str:
    """The transcript of a job as `srt` or `vtt`, in cues that can be read.

    Raises NotFound for another kind and while nothing was heard, UserError files_expired.
    """
    refuse_expired(job)
    transcript = rows.transcript_of(job)
    if kind not in WRITERS or not transcript.segments:
        raise NotFound(_("file"))
    said = tuple(
        PlacedLine(
            segment=part.index,
            start=part.start,
            end=part.end,
            text=part.text,
            speaker=part.speaker,
            voice="",
            speed=1.0,
            borrowed=0.0,
            early=0.0,
            late=0.0,
        )
        for part in transcript.segments
    )
    original = Dub(transcript.language, said, Path(), transcript.engine)
    cues = captions.cues(original, language=transcript.language, duration=job.duration_ms / 1000)
    return WRITERS[kind](cues)


def captions_name(job: DubbingJob, kind: str) -> str:
    """What the file is called: after the job, with the language that was heard."""
    return f"{stem_of(job.title)}.{job.heard_language or 'und'}.{kind}"
