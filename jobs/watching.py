"""What the page of a dub shows beside its progress: a player, receipts, and lines to look at."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.media import ORIGINAL
from jobs.models import Artifact, DubbingJob, Line
from jobs.pipeline.languages import LANGUAGES
from jobs.queries import JobView, LanguageView
from jobs.receipts import line_sentences, sentences
from jobs.results import MADE_ON_DEMAND
from jobs.states import Stage

SOUNDS = ("full_m4a", "full_mp3")
"""The kinds of file that are a whole dub to listen to, the best first."""


@dataclass(frozen=True, slots=True)
class Track:
    """One sound to choose in the player: the original, or a dub.

    sources are addresses of the same sound, the best first; beside is what belongs under it;
    captions is the address of its WebVTT; each is empty where there is none.
    """

    code: str
    name: str
    tag: str
    sources: Sequence[str]
    beside: str = ""
    captions: str = ""


@dataclass(frozen=True, slots=True)
class Player:
    """Everything that can be played of a dub. pictures are addresses of the same picture."""

    pictures: Sequence[str]
    tracks: Sequence[Track]
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A line that somebody should look at: its place in the video, and why."""

    index: int
    start_ms: int
    text: str
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class Finished:
    """A language that can be heard: its receipt in words, what to look at, what to download.

    changed is how many of its lines were changed since and aren't heard in it yet.
    """

    view: LanguageView
    sentences: Sequence[str]
    looks: Sequence[LookedAt]
    on_demand: Sequence[str]
    changed: int


def player_of(dub: JobView) -> Player | None:
    """What can be played now; nothing of a job whose files are gone, or that came to nothing."""
    if dub.job.files_expired or (dub.ended and not dub.ready):
        return None
    tracks = [_original(dub.job), *(_dubbed(one) for one in dub.ready)]
    picture = dub.job.voice.source.get("picture") or {}
    return Player(
        pictures=_pictures(dub),
        tracks=[track for track in tracks if track.sources],
        width=picture.get("width", 0),
        height=picture.get("height", 0),
    )


def finished_of(dub: JobView) -> list[Finished]:
    """The languages that can be heard, with what was measured on them."""
    if dub.job.files_expired or not dub.ready:
        return []
    looks, changed = _looks(dub.job), _changed(dub.job)
    picture = bool(dub.job.voice.source.get("picture"))
    return [
        Finished(
            view=one,
            sentences=sentences(one.task.receipt, picture=picture),
            looks=looks.get(one.task.pk, ()),
            on_demand=[
                kind for kind in MADE_ON_DEMAND if all(file.kind != kind for file in one.files)
            ],
            changed=changed.get(one.task.pk, 0),
        )
        for one in dub.ready
    ]


def _original(job: DubbingJob) -> Track:
    background = job.background if job.background and not has_picture(job) else None
    code = job.heard_language or job.source_language
    language = LANGUAGES.get(code.partition("-")[0])
    there = job.voice.gone_at is None
    return Track(
        code=ORIGINAL,
        name=_("Original"),
        tag=language.code if language else "",
        sources=[media_url(job, ORIGINAL, "voice")] if there else [],
        # A recording of the voice alone is heard with its background; a video has its own sound.
        beside=media_url(job, ORIGINAL, "background") if there and background else "",
    )


def has_picture(job: DubbingJob) -> bool:
    """Say whether the customer sent a video."""
    return bool(job.voice.source.get("picture"))


def media_url(job: DubbingJob, language: str, kind: str) -> str:
    """Where a player finds a file."""
    return reverse("media", args=[job.public_id, language, kind])


def _dubbed(one: LanguageView) -> Track:
    job, code = one.task.job, one.task.language
    kinds = {file.kind for file in one.files}
    return Track(
        code=code,
        name=one.language.name,
        tag=one.task.variant or code,
        sources=[_versioned(one, kind) for kind in SOUNDS if kind in kinds],
        captions=media_url(job, code, "vtt") if "vtt" in kinds else "",
    )


def _versioned(one: LanguageView, kind: str) -> str:
    """The address of a sound, another one for every time that it was made anew."""
    file = next(file for file in one.files if file.kind == kind)
    return f"{media_url(one.task.job, one.task.language, kind)}?v={file.sha256[:12]}"


def _pictures(dub: JobView) -> list[str]:
    """The same picture in every container that has it: a browser takes the first that it can."""
    job = dub.job
    if not has_picture(job):
        return []
    sent = [media_url(job, ORIGINAL, "voice")] if job.voice.gone_at is None else []
    made = [
        media_url(job, one.task.language, "video") for one in dub.ready if _film(one) is not None
    ]
    return sent + made[:1]


def _film(one: LanguageView) -> Artifact | None:
    return next((file for file in one.files if _is_mp4_film(file)), None)


def _is_mp4_film(file: Artifact) -> bool:
    return file.kind == "video" and PurePosixPath(file.name).suffix == ".mp4"


def _looks(job: DubbingJob) -> Mapping[int, Sequence[LookedAt]]:
    """The lines to look at, by the id of their language."""
    found: dict[int, list[LookedAt]] = defaultdict(list)
    lines = Line.objects.filter(task__job=job).exclude(flags=[], chosen_voice="")
    lines = lines.select_related("segment")
    for line in lines.order_by("task_id", "segment__index"):
        reasons = line_sentences(line)
        if reasons:
            start = line.segment.start_ms if line.start_ms is None else line.start_ms
            text = line.spoken or line.text
            found[line.task_id].append(LookedAt(line.segment.index, start, text, reasons))
    return found


def _changed(job: DubbingJob) -> Mapping[int, int]:
    """How many lines were changed and not made anew, by the id of their language."""
    stale = Line.objects.filter(task__job=job, task__stage=Stage.COMPLETE, stale=True)
    return dict(stale.order_by().values_list("task_id").annotate(Count("pk")))
