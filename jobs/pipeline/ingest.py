"""Decodes what was uploaded, once, and finds out whether it is what the file said.

An exit code of 0 proves nothing, so what was decoded is counted: broken packets by ffmpeg (more
than MOST_BROKEN of them and it gives up), samples by us.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import soundfile

from jobs.pipeline import ffmpeg
from jobs.pipeline.container import DEMUXER
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ffmpeg import Stream
from jobs.pipeline.probe import clock
from jobs.pipeline.program import Stop
from jobs.pipeline.timeline import SAMPLE_RATE, Source, Stems

SPEECH_RATE = 16_000
BYTES_PER_SECOND = 2 * 4 * SAMPLE_RATE  # twice what stereo FLAC can need at worst
FLAC = {"acodec": "flac", "sample_fmt": "s16", "map_metadata": -1}
FARTHEST_APART = 1.0  # seconds between the ends of voice and background

# Channels are weighed so that their sum can't clip; what comes from the middle is mostly speech.
DOWNMIX = {"rematrix_maxval": 1.0, "center_mix_level": 1.0}


@dataclass(frozen=True, slots=True)
class Decoded:
    """A track as it was decoded: seconds of its own sound, before anything was added or cut off."""

    seconds: float
    samples: int


def ingest(
    voice: Source, background: Source | None, folder: Path, *, stop: Stop | None = None
) -> Stems:
    """Write the stems of a recording into `folder`.

    They are as long as the decoded voice, or as the picture where that is longer. Raises TRUNCATED,
    CORRUPT_AUDIO, LENGTH_CHANGED, TOO_SHORT, DURATION_MISMATCH, and what `ffmpeg.run` raises.
    """
    speech = folder / "speech.flac"
    sound = _decode(
        voice,
        folder / "voice.flac",
        speech=speech,
        at_least=_picture_samples(voice, stop),
        stop=stop,
    )
    _check_length(voice, sound.seconds)
    music = None
    if background is not None:
        music = folder / "background.flac"
        _decode_background(background, music, sound, stop)
    return Stems(
        voice=folder / "voice.flac", speech=speech, samples=sound.samples, background=music
    )


def tolerance(seconds: float) -> float:
    """By how many seconds the truth may differ from a claim of `seconds`."""
    return max(2.0, 0.02 * seconds)


def _decode_background(background: Source, out: Path, voice: Decoded, stop: Stop | None) -> None:
    music = _decode(background, out, exactly=voice.samples, stop=stop)
    ends = (voice.seconds, voice.samples / SAMPLE_RATE)  # of the voice, and of the picture
    if min(abs(music.seconds - end) for end in ends) > FARTHEST_APART:
        raise PipelineError(
            "DURATION_MISMATCH",
            voice=clock(voice.seconds),
            background=clock(max(music.seconds, background.duration)),
        )


def _decode(
    source: Source,
    out: Path,
    *,
    speech: Path | None = None,
    at_least: int = 0,
    exactly: int = 0,
    stop: Stop | None,
) -> Decoded:
    """Decode the sound of `source`, which starts at the container's time 0, padded with silence.

    Nothing beyond what it claims (and some tolerance) is decoded: a lie costs no more than the
    truth.
    """
    longest = source.duration + tolerance(source.duration) + FARTHEST_APART
    sound = _stereo(_sound(source), source.channels).filter("atrim", end=longest)
    parts = _copies(sound, 2)
    ends = [ffmpeg.nowhere(parts[0])]  # counts, before anything is added
    whole = parts[1]
    if at_least or exactly:
        whole = whole.filter("apad", whole_len=at_least or exactly)
    if exactly:
        whole = whole.filter("atrim", end_sample=exactly)
    copies = _copies(whole, 2 if speech else 1)
    ends.append(ffmpeg.output(copies[0], out=out, **FLAC))
    if speech:
        ends.append(_speech(copies[1], speech))
    seconds = max(longest, (at_least or exactly) / SAMPLE_RATE)
    finished = ffmpeg.run(
        ffmpeg.together(*ends),
        seconds=seconds,
        outputs=[out, speech] if speech else [out],
        stop=stop,
        log="verbose",
        file_size=int((seconds + 60) * BYTES_PER_SECOND),
    )
    return Decoded(_counted(finished.stderr) / SAMPLE_RATE, soundfile.info(out).frames)


def _copies(sound: Stream, count: int) -> list[Stream]:
    split = sound.filter_multi_output("asplit", count)
    return [split[number] for number in range(count)]


def _sound(source: Source) -> Stream:
    """The default sound track on the container's timeline: a late start and gaps become silence."""
    file = ffmpeg.source(source.path, format=DEMUXER[source.container])
    track = file[str(source.sound_stream)]
    return track.filter("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0})


def _stereo(sound: Stream, channels: int) -> Stream:
    if channels == 1:  # the resampler's own way would make it 3 dB softer
        return sound.filter("channelmap", map="0|0", channel_layout="stereo")
    return sound.filter("aresample", ochl="stereo", **DOWNMIX)


def _speech(sound: Stream, out: Path) -> Stream:
    mono = sound.filter("aresample", SPEECH_RATE, ochl="mono", **DOWNMIX)
    return ffmpeg.output(mono, out=out, **FLAC)


def _counted(log: bytes) -> int:
    """How many samples the first output took, by ffmpeg's own final count."""
    found = re.search(rb"Output stream #0:0 \(audio\): \d+ frames encoded \((\d+) samples\)", log)
    if found is None:
        raise PipelineError("MEDIA_TOOL", detail="ffmpeg told no count of samples")
    return int(found[1])


def _check_length(voice: Source, seconds: float) -> None:
    if seconds == 0:
        raise PipelineError("CORRUPT_AUDIO", detail="nothing could be decoded")
    margin = tolerance(voice.duration)
    if seconds < voice.duration - margin and voice.container == "flac":
        raise PipelineError(
            "TRUNCATED"
        )  # of the others, `container` saw already if the end is there
    if abs(seconds - voice.duration) > margin:
        actual = clock(seconds) if seconds < voice.duration else f"more than {clock(seconds)}"
        raise PipelineError("LENGTH_CHANGED", actual=actual, claimed=clock(voice.duration))
    if seconds < 1.0:
        raise PipelineError("TOO_SHORT")


def _picture_samples(voice: Source, stop: Stop | None) -> int:
    """The picture's length in samples; counted where it claims to be far longer than the sound."""
    if voice.picture is None:
        return 0
    seconds = voice.picture.duration
    if seconds > voice.duration + tolerance(voice.duration):
        seconds = min(seconds, ffmpeg.end_of(voice.path, voice.picture.stream, stop=stop))
    return round(seconds * SAMPLE_RATE)
