"""What a customer downloads: sound files, and one video with every sound and every caption track.

Sound is encoded once; a video takes the picture, the original sound and the dubbed tracks as they
are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from jobs.pipeline import ffmpeg
from jobs.pipeline.container import DEMUXER
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find
from jobs.pipeline.parallel import both
from jobs.pipeline.program import Stop
from jobs.pipeline.timeline import SAMPLE_RATE, Dub, Mix, Source

# What MP4 holds so that players play it. Anything else: the picture goes to MKV, sound becomes AAC.
MP4_PICTURES = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
MP4_SOUNDS = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
AAC = {"acodec": "aac", "audio_bitrate": "192k"}
MP3 = {"acodec": "libmp3lame", "audio_bitrate": "192k", "id3v2_version": 3}
MONO_MP3 = {**MP3, "audio_bitrate": "96k", "ac": 1}
WAV = {"acodec": "pcm_s16le"}
# No text of the tools', nothing of the source's that isn't named here.
PLAIN = {"fflags": "+bitexact", "flags:a": "+bitexact", "map_metadata": -1}
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Track:
    """One dubbed language of a video: ISO 639-2/T tag, name, M4A, and captions as SRT."""

    language: str
    title: str
    sound: Path
    captions: Path | None = None


@dataclass(frozen=True, slots=True)
class _Sound:
    """One sound track of a video being made: a stream and the output options that it needs."""

    stream: ffmpeg.Stream
    language: str
    title: str
    codec: str


def encode(
    mix: Mix, dub: Dub, *, folder: Path, wav: bool = False, stop: Stop | None = None
) -> dict[str, Path]:
    """Write the sound files of one language into `folder`, by kind.

    full_m4a and full_mp3 hold the mix, voice_mp3 the dubbed voice alone (mono); with `wav` also
    full_wav and voice_wav, exact to the sample. Raises MEDIA_TOOL, OUT_OF_TIME, NO_SPACE.
    """
    full, voice = ffmpeg.source(mix.full), ffmpeg.source(dub.voice)
    wanted: list[tuple[str, ffmpeg.Stream, dict[str, Any]]] = [
        ("full_m4a", full, {**AAC, "movflags": "+faststart"}),
        ("full_mp3", full, MP3),
        ("voice_mp3", voice, MONO_MP3),
    ]
    if wav:
        wanted += [("full_wav", full, WAV), ("voice_wav", voice, WAV)]
    tag = {"metadata:s:a:0": f"language={find(dub.language).iso639_2}"}
    files = {kind: folder / kind.replace("_", ".") for kind, _, _ in wanted}
    ends = {
        kind: ffmpeg.output(sound["a"], out=files[kind], ar=SAMPLE_RATE, **PLAIN, **tag, **options)
        for kind, sound, options in wanted
    }
    seconds = len(wanted) * soundfile.info(mix.full).duration

    def encoded(*kinds: str) -> None:
        work = ffmpeg.together(*(ends[kind] for kind in kinds))
        ffmpeg.run(work, seconds=seconds, outputs=[files[kind] for kind in kinds], stop=stop)

    # AAC, the first, takes as long as all the others together, and one program uses one core.
    first, *others = files
    both(lambda: encoded(first), lambda: encoded(*others))
    return files


def wavs(mix: Mix, dub: Dub, *, folder: Path, stop: Stop | None = None) -> dict[str, Path]:
    """Write full_wav and voice_wav of a finished language, exact to the sample.

    Raises MEDIA_TOOL, OUT_OF_TIME, NO_SPACE.
    """
    sounds = {"full_wav": mix.full, "voice_wav": dub.voice}
    files = {kind: folder / kind.replace("_", ".") for kind in sounds}
    ends = [
        ffmpeg.output(ffmpeg.source(sound)["a"], out=files[kind], ar=SAMPLE_RATE, **PLAIN, **WAV)
        for kind, sound in sounds.items()
    ]
    seconds = len(ends) * soundfile.info(mix.full).duration
    ffmpeg.run(ffmpeg.together(*ends), seconds=seconds, outputs=list(files.values()), stop=stop)
    return files


def mux(
    source: Source,
    tracks: Sequence[Track],
    *,
    original: str,
    out: Path,
    default: int | None = 0,
    stop: Stop | None = None,
) -> Path:
    """Put the source's picture and sound and every dubbed track into one video; returns its path.

    The picture is copied packet by packet. out is given without a suffix: it becomes .mp4 where MP4
    can hold the picture, .mkv else. original is the ISO 639-2/T tag of the source's own sound.
    default is the index of the track that plays by itself, None for the original; it comes first,
    because browsers play nothing but the first. Raises MEDIA_TOOL, OUT_OF_TIME, NO_SPACE.
    """
    if source.picture is None:
        raise ValueError("a video needs a picture")
    if source.picture.codec in MP4_PICTURES:
        try:
            return _mux(source, tracks, original, _named(out, ".mp4"), default, stop)
        except PipelineError as error:
            if error.code != "MEDIA_TOOL":  # such as H.264 without its headers: MKV takes it
                raise
    return _mux(source, tracks, original, _named(out, ".mkv"), default, stop)


def texts(source: Source) -> str:
    """The source's title and chapters as an ffmetadata file, and nothing else of its metadata."""
    rows = [";FFMETADATA1"]
    if source.title:
        rows.append(f"title={_escaped(source.title)}")
    for chapter in source.chapters:
        rows += [
            "[CHAPTER]",
            "TIMEBASE=1/1000000",
            f"START={round(chapter.start * 1_000_000)}",
            f"END={round(chapter.end * 1_000_000)}",
            f"title={_escaped(chapter.title)}",
        ]
    return "\n".join(rows) + "\n"


def _mux(
    source: Source,
    tracks: Sequence[Track],
    original: str,
    out: Path,
    default: int | None,
    stop: Stop | None,
) -> Path:
    mp4 = out.suffix == ".mp4"
    film = ffmpeg.source(source.path, format=DEMUXER[source.container])
    sounds = _sounds(source, film, tracks, original, default)
    captions = [(one, ffmpeg.sidecar(one.captions)) for one in tracks if one.captions is not None]
    words = out.with_name(f"{out.name}.texts")
    words.write_text(texts(source), encoding="utf-8")
    last = 1 + len(tracks) + len(captions)  # number of the input that holds the texts
    options = _film_options(last, mp4=mp4)
    for number, sound in enumerate(sounds):
        options |= _sound_options(number, sound, mp4=mp4)
    for number, (track, _) in enumerate(captions):
        options |= _caption_options(number, 1 + len(sounds) + number, track, mp4=mp4)
    streams = [sound.stream for sound in sounds] + [stream["s"] for _, stream in captions]
    picture = film[str(source.picture.stream)] if source.picture else film["v"]
    work = ffmpeg.output(picture, *streams, out=out, **options)
    try:
        work = ffmpeg.with_texts(work, words)
        ffmpeg.run(work, seconds=source.longest, outputs=[out], stop=stop)
    finally:
        words.unlink()
    return out


def _film_options(texts_input: int, *, mp4: bool) -> dict[str, object]:
    return {
        **PLAIN,
        "map_metadata": texts_input,
        "map_metadata:s": -1,
        "map_chapters": texts_input,
        "c": "copy",
        "copyinkf:v": None,  # or pictures before the first key picture would be left out
        "disposition:v:0": "default",
        **({"movflags": "+faststart"} if mp4 else {"default_mode": "passthrough"}),
    }


def _sounds(
    source: Source,
    film: ffmpeg.Stream,
    tracks: Sequence[Track],
    original: str,
    default: int | None,
) -> list[_Sound]:
    """All sound tracks in their order: the one that plays by itself, then the others."""
    dubbed = [
        _Sound(ffmpeg.source(one.sound)["a"], one.language, one.title, "aac") for one in tracks
    ]
    own = _Sound(film[str(source.sound_stream)], original, "Original", source.sound_codec)
    if default is None:
        return [own, *dubbed]
    return [dubbed.pop(default), *dubbed, own]


def _sound_options(number: int, sound: _Sound, *, mp4: bool) -> dict[str, object]:
    options = _tags(f"a:{number}", 1 + number, sound.language, sound.title, mp4=mp4)
    options[f"disposition:a:{number}"] = "default" if number == 0 else "0"
    if mp4 and sound.codec not in MP4_SOUNDS:
        options |= {f"c:a:{number}": "aac", f"b:a:{number}": "192k", f"ac:a:{number}": 2}
    if not mp4 and sound.codec == "aac":
        # MKV has no edit lists: the encoder's lead-in, before time 0, would shift every track.
        options[f"bsf:a:{number}"] = "noise=drop='lt(pts,0)'"
    return options


def _caption_options(number: int, stream: int, track: Track, *, mp4: bool) -> dict[str, object]:
    return {
        **_tags(f"s:{number}", stream, track.language, track.title, mp4=mp4),
        f"c:s:{number}": "mov_text" if mp4 else "subrip",
        f"flags:s:{number}": "+bitexact",
        f"disposition:s:{number}": "0",
    }


def _tags(kind: str, stream: int, language: str, title: str, *, mp4: bool) -> dict[str, object]:
    # Two spellings of the same stream, because ffmpeg-python can't give one option twice. MP4 keeps
    # a track's name as that of its handler.
    name = "handler_name" if mp4 else "title"
    return {
        f"metadata:s:{stream}": f"language={language}",
        f"metadata:s:{kind}": f"{name}={title}",
    }


def _named(out: Path, suffix: str) -> Path:
    return out.with_name(out.name + suffix)


def _escaped(text: str) -> str:
    """Plain text on one line, as ffmetadata wants it."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_TEXT]
    # A backslash at the end joins the next line even when it is escaped (ffmpeg 5.1).
    return re.sub(r"([=;#\\])", r"\\\1", plain.rstrip("\\"))
