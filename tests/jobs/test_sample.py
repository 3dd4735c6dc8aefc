"""The sample: three files of one length, the same every time, and the truth about its lines."""

import json
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.management import call_command

from jobs import wiring
from jobs.pipeline import ffmpeg
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Engine, Speech
from jobs.pipeline.probe import Limits, probe
from jobs.sample import GRID, NARRATION, Sample, make_sample, music

RATE = 48_000
engines = pytest.mark.models


class Mute:
    """A voice that can't speak, and so shows whether it was asked to."""

    engine = Engine(name="Mute", model="", quality="draft")
    rates: tuple[float, float] | None = None

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Fail."""
        raise ProviderFailed("ENGINE_FAILED", engine=self.engine.name)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_sample(tmp_path_factory.mktemp("sample"), narrator=wiring.narrator())


@pytest.fixture(scope="module")
def truth(sample: Sample) -> dict[str, Any]:
    return dict(json.loads(sample.truth.read_text()))


def test_music_is_quiet_stereo_of_the_length_asked_for() -> None:
    bed = music(3 * RATE)

    assert bed.shape == (3 * RATE, 2)
    assert np.abs(bed).max() < 0.5
    assert not np.array_equal(bed[:, 0], bed[:, 1])


def test_music_begins_and_ends_in_silence() -> None:
    bed = music(8 * RATE)

    assert np.abs(bed[:100]).max() < 0.001
    assert np.abs(bed[-100:]).max() < 0.001


def test_music_is_the_same_every_time() -> None:
    assert np.array_equal(music(RATE), music(RATE))


@engines
def test_all_tracks_are_equally_long(sample: Sample, truth: dict[str, Any]) -> None:
    voice, background = soundfile.info(sample.voice), soundfile.info(sample.background)
    talk = sum(len(block) for block in ffmpeg.read_blocks(sample.talk, seconds=60))

    assert voice.frames == background.frames == talk == truth["samples"]
    assert voice.frames % GRID == 0


@engines
def test_it_is_about_three_quarters_of_a_minute(truth: dict[str, Any]) -> None:
    assert 40 < truth["samples"] / RATE < 55


@engines
def test_the_video_is_one_that_we_would_accept(sample: Sample, truth: dict[str, Any]) -> None:
    source = probe(sample.talk, limits=Limits())

    assert source.picture is not None
    assert (source.picture.codec, source.sound_codec) == ("h264", "aac")
    assert source.picture.duration == pytest.approx(truth["samples"] / RATE, abs=0.001)
    assert source.title == "A small city"


@engines
def test_every_line_is_where_the_truth_says(sample: Sample, truth: dict[str, Any]) -> None:
    voice, _ = soundfile.read(sample.voice)
    audible = np.abs(voice) > 0.01

    for line in truth["lines"]:
        first, last = round(line["start"] * RATE), round(line["end"] * RATE)
        assert np.flatnonzero(audible[first:last])[0] < 0.01 * RATE
        assert np.flatnonzero(audible[first:last])[-1] > last - first - 0.01 * RATE


@engines
def test_between_lines_there_is_silence(sample: Sample, truth: dict[str, Any]) -> None:
    voice, _ = soundfile.read(sample.voice)

    for one, two in pairwise(truth["lines"]):
        between = voice[round(one["end"] * RATE) : round(two["start"] * RATE)]
        assert np.abs(between).max() == 0


@engines
def test_it_has_long_pauses_a_dense_passage_and_a_name(truth: dict[str, Any]) -> None:
    pauses = [two["start"] - one["end"] for one, two in pairwise(truth["lines"])]

    assert [line["text"] for line in truth["lines"]] == [text for text, _ in NARRATION]
    assert sum(pause > 1.5 for pause in pauses) >= 3
    assert min(pauses) < 0.3
    assert any("Anna" in line["text"] for line in truth["lines"])


@engines
def test_made_by_command_it_is_the_same_to_the_byte(sample: Sample, tmp_path: Path) -> None:
    call_command("make_sample", str(tmp_path), stdout=StringIO())

    for made in (sample.voice, sample.background, sample.talk, sample.truth):
        assert (tmp_path / made.name).read_bytes() == made.read_bytes()


@engines
def test_a_sample_that_is_there_is_not_made_again(sample: Sample) -> None:
    again = make_sample(sample.talk.parent, narrator=Mute())

    assert again == sample


@engines
@pytest.mark.parametrize("name", ["voice.wav", "talk.mp4", "voice.json"])
def test_a_sample_that_was_damaged_is_made_again(sample: Sample, tmp_path: Path, name: str) -> None:
    for file in (sample.voice, sample.background, sample.talk, sample.truth):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / name).open("r+b") as damaged:
        damaged.truncate(100)

    with pytest.raises(ProviderFailed):
        make_sample(tmp_path, narrator=Mute())
