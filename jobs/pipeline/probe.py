"""Looks at an uploaded file: whether we accept it, and what it claims to hold.

Nothing is decoded here; whether the claims are true, `ingest` finds out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.pipeline import container, ffmpeg
from jobs.pipeline.container import Container
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.probed import Probed, ProbedStream
from jobs.pipeline.program import Stop
from jobs.pipeline.timeline import Chapter, Picture, Source

LONGEST_TITLE = 200  # characters of a title that are kept
MOST_CHAPTERS = 200
WITH_PICTURE = frozenset(("mp4", "mov", "m4a", "mkv", "webm"))
UNINDEXED = frozenset(("mp3", "aac"))  # their duration is a guess unless frames are counted
FRAME_SAMPLES = {"aac": 1024, "mp3": 1152}
LOW_RATE = 32_000  # below, an mp3 frame holds half as many samples


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may be at most: seconds, bytes, streams, pixels of the picture."""

    longest_seconds: float = 3 * 3600
    largest_bytes: int = 2 * 1024**3
    streams: int = ffmpeg.MOST_STREAMS
    pixels: int = ffmpeg.MOST_PIXELS


def probe(
    path: Path, *, limits: Limits | None = None, whole: bool = True, stop: Stop | None = None
) -> Source:
    """What a media file holds, by what it says of itself.

    whole: False for a sparse copy, of which only the headers may be read. Raises the
    PipelineErrors of a file that we refuse.
    """
    limits = limits or Limits()
    kind = _container(path, limits)
    probed = ffmpeg.probe_json(
        path,
        demuxer=container.DEMUXER[kind.name],
        count=whole and kind.name in UNINDEXED,
        stop=stop,
    )
    streams = probed.get("streams", [])
    _check_streams(streams, limits)
    sound = _default_sound(streams)
    picture = _picture(probed, streams) if kind.name in WITH_PICTURE else None
    duration = _sound_duration(probed, sound)
    _check_length(max(duration, picture.duration if picture else 0.0), limits)
    tags = {**_tags(sound.get("tags")), **_tags(probed.get("format", {}).get("tags"))}
    return Source(
        path=path,
        container=kind.name,
        duration=duration,
        sound_stream=sound["index"],
        sound_codec=sound.get("codec_name", ""),
        sample_rate=int(sound.get("sample_rate", 0)),
        channels=sound.get("channels", 0),
        sound_language=_language(sound),
        picture=picture,
        title=plain(tags.get("title", "")),
        chapters=_chapters(probed),
    )


def clock(seconds: float) -> str:
    """A length as people write it: "2:05" or "3:12:05"."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def size(count: int) -> str:
    """Bytes as people write them: "3.4 MB" or "2.0 GB"."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def plain(text: str) -> str:
    """Text metadata on one line, without control characters, at most LONGEST_TITLE long."""
    kept = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST_TITLE])
    return " ".join(kept.split())[:LONGEST_TITLE].strip()


def _container(path: Path, limits: Limits) -> Container:
    ffmpeg.local(path)
    try:
        count = path.stat().st_size
        kind = container.look(path)
    except OSError as error:
        raise PipelineError("CANNOT_READ", path=path) from error
    if count == 0:
        raise PipelineError("EMPTY_FILE")
    if count > limits.largest_bytes:
        raise PipelineError("TOO_LARGE", actual=size(count), limit=size(limits.largest_bytes))
    if kind is None:
        raise PipelineError("NOT_MEDIA", formats=", ".join(ffmpeg.ACCEPTED))
    if kind.locked:
        raise PipelineError("ENCRYPTED")
    if kind.cut:
        raise PipelineError("TRUNCATED")
    return kind


def _check_streams(streams: Sequence[ProbedStream], limits: Limits) -> None:
    if len(streams) > limits.streams:
        raise PipelineError("TOO_MANY_STREAMS", actual=len(streams), limit=limits.streams)
    if any("enc_key_id" in stream.get("tags", {}) for stream in streams):
        raise PipelineError("ENCRYPTED")
    for stream in streams:
        wide, high = stream.get("width", 0), stream.get("height", 0)
        if wide * high > limits.pixels and not _attached(stream):
            actual, limit = f"{wide} × {high}", f"{limits.pixels:,}"
            raise PipelineError("PICTURE_TOO_LARGE", actual=actual, limit=limit)


def _check_length(seconds: float, limits: Limits) -> None:
    if seconds > limits.longest_seconds:
        raise PipelineError("TOO_LONG", actual=clock(seconds), limit=clock(limits.longest_seconds))
    if seconds < 1.0:
        raise PipelineError("TOO_SHORT")


def _attached(stream: ProbedStream) -> bool:
    disposition = stream.get("disposition", {})
    return bool(disposition.get("attached_pic") or disposition.get("timed_thumbnails"))


def _default_sound(streams: Sequence[ProbedStream]) -> ProbedStream:
    sounds = [stream for stream in streams if stream.get("codec_type") == "audio"]
    if not sounds:
        raise PipelineError("NO_AUDIO")
    marked = (one for one in sounds if one.get("disposition", {}).get("default"))
    chosen = next(marked, sounds[0])
    if not int(chosen.get("sample_rate", 0)) or not chosen.get("channels"):
        raise PipelineError("CORRUPT_AUDIO", detail="the sound track has no rate or no channels")
    return chosen


def _picture(probed: Probed, streams: Sequence[ProbedStream]) -> Picture | None:
    for stream in streams:
        if stream.get("codec_type") == "video" and not _attached(stream):
            return Picture(
                stream=stream["index"],
                codec=stream.get("codec_name", ""),
                width=stream.get("width", 0),
                height=stream.get("height", 0),
                duration=_duration(probed, stream),
            )
    return None


def _sound_duration(probed: Probed, sound: ProbedStream) -> float:
    packets, codec = int(sound.get("nb_read_packets", 0)), sound.get("codec_name", "")
    if packets and codec in FRAME_SAMPLES:
        rate = int(sound["sample_rate"])
        half = codec == "mp3" and rate < LOW_RATE
        return packets * FRAME_SAMPLES[codec] / (2 if half else 1) / rate
    return _duration(probed, sound)


def _duration(probed: Probed, stream: ProbedStream) -> float:
    """Seconds from the container's start to the stream's end."""
    told = _seconds(stream.get("duration"))
    start = max(0.0, _seconds(stream.get("start_time")) - _start(probed))
    if told:
        return start + told
    tagged = _tags(stream.get("tags")).get("duration", "").split(":")  # Matroska's 00:03:12.345
    if len(tagged) == 3:
        hours, minutes, seconds = map(_seconds, tagged)
        return hours * 3600 + minutes * 60 + seconds
    return _seconds(probed.get("format", {}).get("duration"))


def _start(probed: Probed) -> float:
    return _seconds(probed.get("format", {}).get("start_time"))


def _seconds(number: str | None) -> float:
    try:
        return float(number or 0)
    except ValueError:
        return 0.0


def _tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (tags or {}).items()}


def _language(sound: ProbedStream) -> str | None:
    language = plain(_tags(sound.get("tags")).get("language", ""))
    return language if language not in {"", "und"} else None


def _chapters(probed: Probed) -> tuple[Chapter, ...]:
    return tuple(
        Chapter(
            start=_seconds(chapter.get("start_time")),
            end=_seconds(chapter.get("end_time")),
            title=plain(_tags(chapter.get("tags")).get("title", "")),
        )
        for chapter in probed.get("chapters", [])[:MOST_CHAPTERS]
    )
