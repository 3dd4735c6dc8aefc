"""Looks at finished files from outside: with ffprobe's eyes and a listener's ears."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import soundfile

from jobs.pipeline import ffmpeg, process
from jobs.pipeline.probed import ProbedStream


def streams(path: Path) -> list[ProbedStream]:
    """The streams of a file."""
    return ffmpeg.probe_json(path)["streams"]


def tracks(path: Path, kind: str) -> list[str]:
    """The languages of a file's streams of one kind: "audio", "subtitle"."""
    found = [one for one in streams(path) if one["codec_type"] == kind]
    return [one.get("tags", {}).get("language", "") for one in found]


def picture_packets(path: Path) -> str:
    """A hash over every packet of the picture, with its times."""
    argv = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_data_hash", "sha256"]
    argv += ["-show_entries", "packet=pts_time,dts_time,data_hash", "-of", "compact", str(path)]
    shown = process.run(argv, deadline=60)
    assert shown.code == 0
    return hashlib.sha256(shown.stdout).hexdigest()


def duration(path: Path) -> float:
    """The seconds that a container claims."""
    return float(ffmpeg.probe_json(path)["format"]["duration"])


def samples(path: Path) -> int:
    """The samples of a WAV file."""
    return int(soundfile.info(path).frames)


def manifest(path: Path) -> Mapping[str, Any]:
    """A manifest, read."""
    return dict(json.loads(path.read_text(encoding="utf-8")))
