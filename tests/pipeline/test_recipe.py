"""The recipe obeys its desk while others work for it."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from jobs.pipeline import dub as recipe
from jobs.pipeline.errors import Stopped
from jobs.pipeline.export import Track
from jobs.pipeline.ports import Engine
from jobs.pipeline.probe import Limits, probe
from jobs.pipeline.timeline import Recognition, Stems
from tests.pipeline import media

pytestmark = pytest.mark.models  # for librosa, which listens beside the recognizer

RATE = 16_000


class Leaving:
    """A desk at which the work is wanted until it is left."""

    def __init__(self) -> None:
        self.left = Event()

    def remember(self, _key: str, make: Callable[[], bytes]) -> bytes:
        return make()

    def progress(self, stage: str, n: int, m: int) -> None:
        pass

    def stop(self) -> None:
        if self.left.is_set():
            raise Stopped


class Endless:
    """A recognizer that hears until it is stopped; whoever began to listen leaves the desk."""

    engine = Engine("endless", "", "draft", (("en", "en"),))

    def __init__(self, desk: Leaving) -> None:
        self.desk = desk

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        self.desk.left.set()
        for _ in range(1000):
            if stop is not None:
                stop()
            Event().wait(0.01)
        return Recognition(language or "en", (), "endless")


def test_a_recognition_under_way_ends_when_the_work_is_not_wanted_any_more(tmp_path: Path) -> None:
    speech = media.wav(tmp_path / "speech.wav", np.zeros(RATE, np.float32), rate=RATE)
    stems = Stems(voice=speech, speech=speech, samples=3 * RATE)
    desk = Leaving()

    with pytest.raises(Stopped):
        recipe.transcribe(stems, transcriber=Endless(desk), hint=None, desk=desk)


def test_a_video_being_made_ends_when_the_work_is_not_wanted_any_more(tmp_path: Path) -> None:
    film = media.video(tmp_path / "film.mp4")
    source = probe(film, limits=Limits(longest_seconds=60, largest_bytes=10**7))
    track = Track("spa", "Spanish", sound=film)
    desk = Leaving()
    desk.left.set()

    with pytest.raises(Stopped):
        recipe.mux(source, [track], original="en", folder=tmp_path, stop=desk.stop)
