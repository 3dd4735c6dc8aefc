"""What the timeline of a dub shows: which language, and how much of it is spoken so far."""

from dataclasses import replace

from jobs.models import DubbingJob
from jobs.queries import JobView, LanguageView
from jobs.timeline import TimelineLine, timeline_of


def language_to_show(dub: JobView, wanted: str) -> LanguageView | None:
    """The language that was asked for, else the first that can be heard, else that is made."""
    order = [one for one in dub.languages if one.task.language == wanted]
    return next(iter([*order, *dub.ready, *dub.running]), None)


def lines_of(job: DubbingJob, shown: LanguageView | None) -> list[TimelineLine]:
    """Both lanes of the timeline; nothing of a job whose texts are gone.

    While a language is spoken nothing is placed yet: as many lines as are spoken stand where the
    original stands.
    """
    if job.files_expired:
        return []
    segments = job.segments.order_by("index")
    if shown is None:
        return timeline_of(segments)
    lines = timeline_of(segments, shown.task.lines.all())
    if shown.ended:
        return lines
    return [
        replace(line, now_start=line.start, now_end=line.end, speed=None, flags=())
        if place < shown.lines_spoken
        else replace(line, now_start=None, now_end=None, flags=())
        for place, line in enumerate(lines)
    ]
