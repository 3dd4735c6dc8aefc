"""The manifest and the transcript of one language, as JSON files: see docs/manifest.md."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs.pipeline.ports import Engine
from jobs.pipeline.receipt import Receipt
from jobs.pipeline.timeline import (
    SAMPLE_RATE,
    Dub,
    Loudness,
    PlacedLine,
    Segment,
    Source,
    Stems,
    Transcript,
)

SCHEMA = "dubber.manifest/1"


def write(
    source: Source,
    stems: Stems,
    transcript: Transcript,
    dub: Dub,
    loudness: Loudness,
    files: Mapping[str, Path],
    receipt: Receipt,
    *,
    engines: Mapping[str, Engine],
    folder: Path,
) -> dict[str, Path]:
    """Write transcript.json and manifest.json of one language into `folder`."""
    segments = {part.index: part for part in transcript.segments}
    lines = [line_entry(line, segments[line.segment]) for line in dub.lines]
    spoken = _save(
        folder / "transcript.json",
        {
            "language": dub.language,
            "source_language": transcript.language,
            "lines": [
                {key: line[key] for key in ("index", "start", "end", "speaker", "source", "text")}
                for line in lines
            ],
        },
    )
    manifest = {
        "schema": SCHEMA,
        "language": dub.language,
        "source_language": transcript.language,
        "source": {
            "container": source.container,
            "sound_codec": source.sound_codec,
            "samples": stems.samples,
            "sample_rate": SAMPLE_RATE,
            "duration": round(stems.duration, 6),
            "background_supplied": stems.background is not None,
        },
        "engines": {"recognition": {"name": transcript.engine}}
        | {
            role: {"name": engine.name, "model": engine.model, "quality": engine.quality}
            for role, engine in engines.items()
        },
        "lines": lines,
        "loudness": asdict(loudness),
        "files": {kind: file_entry(path) for kind, path in {**files, "transcript": spoken}.items()},
        "receipt": asdict(receipt) | {"missed": receipt.missed},
    }
    return {"transcript": spoken, "manifest": _save(folder / "manifest.json", manifest)}


def line_entry(line: PlacedLine, segment: Segment) -> dict[str, Any]:
    """One line of the manifest: where it was, where it is, and what was done to it. Seconds."""
    return {
        "index": line.segment,
        "speaker": line.speaker,
        "slot": {"start": round(segment.start, 3), "end": round(segment.end, 3)},
        "source": segment.text,
        "text": line.text,
        "voice": line.voice,
        "start": round(line.start, 3),
        "end": round(line.end, 3),
        "spoken_seconds": round(line.end - line.start, 3),
        "speed": round(line.speed, 3),
        "borrowed": round(line.borrowed, 3),
        "early": round(line.early, 3),
        "late": round(line.late, 3),
        "flags": [flag.value for flag in line.flags],
    }


def file_entry(path: Path) -> dict[str, Any]:
    """Size and checksum of one file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _save(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> Path:
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    path.write_text(text + "\n", encoding="utf-8")
    return path
