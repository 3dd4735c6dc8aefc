"""What the results of a dub are called when they lie in a folder, and how they get there."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from jobs.pipeline.errors import PipelineError

SUFFIXES: Mapping[str, str] = {
    "full_mp3": ".mp3",
    "full_m4a": ".m4a",
    "full_wav": ".wav",
    "voice_mp3": ".voice.mp3",
    "voice_wav": ".voice.wav",
    "srt": ".srt",
    "vtt": ".vtt",
    "transcript": ".transcript.json",
    "manifest": ".manifest.json",
    "bundle": ".zip",
}

DELIVERED = (
    "video",
    "full_m4a",
    "full_mp3",
    "full_wav",
    "voice_mp3",
    "voice_wav",
    "srt",
    "vtt",
    "transcript",
    "manifest",
)
"""The kinds of file that a customer may have, in the order in which pages list them."""

MADE_ON_DEMAND = ("full_wav", "voice_wav", "bundle")

OUTSIDE_OF_NAMES = '/\\:*?"<>|'
"""What some file system doesn't take in a file's name."""


def result_name(stem: str, language: str, kind: str, path: Path) -> str:
    """Name one result; a video keeps the suffix of the container that could hold its picture."""
    return f"{stem}.{language}{path.suffix if kind == 'video' else SUFFIXES[kind]}"


def stem_of(title: str) -> str:
    """A title as the beginning of a file's name, on any system."""
    kept = "".join(c for c in title if c.isprintable() and c not in OUTSIDE_OF_NAMES)
    return kept.strip(" .")[:150] or "dub"


def place(path: Path, there: Path) -> Path:
    """Move a finished file, first beside its place and then into it in one step.

    Raises CANNOT_WRITE.
    """
    beside = there.with_name(f".{there.name}.part")
    try:
        shutil.move(path, beside)
        beside.replace(there)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise PipelineError("CANNOT_WRITE", path=there, detail=str(error)) from error
    return there
