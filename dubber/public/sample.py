"""The sample dub on the home page: what was made of it on this machine, where it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from jobs import example, sample
from jobs.media import ORIGINAL
from jobs.pipeline.languages import LANGUAGES
from jobs.timeline import TimelineLine, from_manifest
from jobs.watching import Player, Track

FILES: Mapping[str, str] = {
    "original": "talk.mp4",
    "dub": "talk.es.m4a",
    "captions": "talk.es.vtt",
}
"""What the home page plays, by the name in its address."""

MANIFEST = "talk.es.manifest.json"
LANGUAGE = "es"


@dataclass(frozen=True, slots=True)
class SampleDub:
    """The sample's timeline, and its player where sound and picture are here.

    draft says whether it was made in draft quality.
    """

    lines: tuple[TimelineLine, ...]
    seconds: float
    player: Player | None = None
    draft: bool = True


def sample_dub() -> SampleDub:
    """The dub that was made here, or else the timeline alone, as it was once made elsewhere."""
    try:
        manifest = json.loads((settings.SAMPLE_DUB / MANIFEST).read_text(encoding="utf-8"))
        lines, seconds = from_manifest(manifest)
        draft = any(one.get("quality") == "draft" for one in manifest["engines"].values())
    except (OSError, ValueError, KeyError):
        return SampleDub(example.LINES, example.SECONDS)
    player = _player() if all(map(path_of, FILES)) else None
    return SampleDub(lines, seconds, player, draft)


def path_of(name: str) -> Path | None:
    """The file that goes by this name, if it is here."""
    path: Path = settings.SAMPLE_DUB / FILES[name]
    return path if path.is_file() else None


def _player() -> Player:
    """The picture, with the sound before and after."""
    return Player(
        pictures=[_address("original")],
        tracks=[
            Track(ORIGINAL, LANGUAGES["en"].name, "en", [_address("original")]),
            Track(
                LANGUAGE,
                LANGUAGES[LANGUAGE].name,
                LANGUAGE,
                [_address("dub")],
                captions=_address("captions"),
            ),
        ],
        width=sample.WIDTH,
        height=sample.HEIGHT,
    )


def _address(name: str) -> str:
    return reverse("sample_file", args=[name])
