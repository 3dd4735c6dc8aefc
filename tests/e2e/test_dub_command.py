"""`manage.py dub`, run as a person runs it, on what people bring."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from jobs import wiring
from jobs.pipeline import ffmpeg
from jobs.sample import Sample, make_sample
from tests.e2e import measure

CODEC_FRAME = 1152 / 48_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The sample recording."""
    return make_sample(tmp_path_factory.mktemp("sample"), narrator=wiring.narrator())


def argv(*args: object) -> list[str]:
    """The command line of `manage.py dub`."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "dub", *map(str, args)]


def dub(*args: object) -> dict[str, Any]:
    """Dub, and read the JSON that it prints."""
    environment = {**os.environ, "DUBBER_HEAR_AGAIN": "local"}
    done = subprocess.run(
        argv(*args, "--json"), env=environment, stdout=subprocess.PIPE, check=True
    )
    return dict(json.loads(done.stdout))


def cut(video: Path, out: Path, *, seconds: float) -> Path:
    """The first part of a video, picture and sound copied."""
    streams = ffmpeg.source(video, t=seconds)
    ffmpeg.run(
        ffmpeg.output(streams["v"], streams["a"], out=out, c="copy"), seconds=seconds, outputs=[out]
    )
    return out


def holds(receipt: Mapping[str, Any]) -> None:
    """Check what must hold on every dub from the first day."""
    assert receipt["overlap_seconds"] == 0
    assert receipt["speed_highest"] <= 1.2505
    assert receipt["speed_lowest"] >= 0.8995
    assert abs(receipt["loudness_lufs"] + 14) <= 0.5
    assert receipt["true_peak_db"] <= -1
    assert receipt["word_error"] <= 0.15
    for kind, error in receipt["length_errors"].items():
        assert abs(error) <= (0 if kind.endswith("wav") else 1152), kind


@pytest.mark.models
@pytest.mark.ffmpeg
def test_a_video_with_one_mixed_track_keeps_its_picture_and_gets_a_tagged_dub(
    sample: Sample, tmp_path: Path
) -> None:
    video = cut(sample.talk, tmp_path / "talk.mp4", seconds=30)

    report = dub(video, "--to", "es", "--out", tmp_path / "out")

    files = {kind: Path(name) for kind, name in report["languages"]["es"]["files"].items()}
    holds(report["languages"]["es"]["receipt"])
    assert measure.picture_packets(files["video"]) == measure.picture_packets(video)
    assert set(measure.tracks(files["video"], "audio")) == {"eng", "spa"}
    assert measure.tracks(files["video"], "subtitle") == ["spa"]
    assert abs(measure.duration(files["video"]) - measure.duration(video)) <= CODEC_FRAME
    assert measure.samples(files["full_wav"]) == measure.samples(files["voice_wav"])
    assert Path(report["video"]).name == "talk.all.mp4"


@pytest.mark.models
@pytest.mark.ffmpeg
def test_a_voice_track_alone_gives_sound_as_long_to_the_sample(
    sample: Sample, tmp_path: Path
) -> None:
    report = dub(sample.voice, "--to", "es", "--source", "en", "--out", tmp_path)

    files = {kind: Path(name) for kind, name in report["languages"]["es"]["files"].items()}
    holds(report["languages"]["es"]["receipt"])
    assert "video" not in report
    assert "video" not in files
    assert measure.samples(files["full_wav"]) == measure.samples(sample.voice)
    assert measure.samples(files["voice_wav"]) == measure.samples(sample.voice)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "voice.es.m4a",
        "voice.es.manifest.json",
        "voice.es.mp3",
        "voice.es.srt",
        "voice.es.transcript.json",
        "voice.es.voice.mp3",
        "voice.es.voice.wav",
        "voice.es.vtt",
        "voice.es.wav",
    ]


@pytest.mark.models
@pytest.mark.ffmpeg
@pytest.mark.slow
def test_three_minutes_of_dense_speech_stay_within_the_caps(sample: Sample, tmp_path: Path) -> None:
    dense = tmp_path / "dense.flac"
    without_pauses = ffmpeg.source(sample.voice, stream_loop=4)["a"].filter(
        "silenceremove", stop_periods=-1, stop_duration=0.3, stop_threshold="-45dB"
    )
    ffmpeg.run(
        ffmpeg.output(without_pauses, out=dense, t=180, acodec="flac"),
        seconds=180,
        outputs=[dense],
    )

    report = dub(dense, "--to", "es", "--source", "en", "--out", tmp_path / "out")

    receipt = report["languages"]["es"]["receipt"]
    assert receipt["overlap_seconds"] == 0
    assert receipt["speed_highest"] <= 1.2505
    assert receipt["length_errors"]["full_wav"] == 0


@pytest.mark.models
@pytest.mark.ffmpeg
def test_ctrl_c_leaves_nothing_behind(sample: Sample, tmp_path: Path) -> None:
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    environment = {**os.environ, "DUBBER_SCRATCH": str(scratch)}
    with subprocess.Popen(
        argv(sample.voice, "--to", "es", "--out", out),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        next(line for line in running.stderr if "Listening" in line)

        running.send_signal(signal.SIGINT)
        code, said = running.wait(timeout=30), running.stderr.read()

    assert code == 130
    assert said.endswith("Stopped. Nothing was left behind.\n")
    assert list(out.iterdir()) == []
    assert list(scratch.glob("dub-*")) == []
    assert not alive_below(scratch)


def alive_below(folder: Path) -> list[str]:
    """The command lines of processes that still work in a folder, after a moment to end."""
    end = time.monotonic() + 5
    while found := [
        line for line in map(command_line, Path("/proc").glob("[0-9]*")) if str(folder) in line
    ]:
        if time.monotonic() > end:
            return found
    return []


def command_line(process: Path) -> str:
    """How a process was started; nothing for one that just ended."""
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def refusal(*args: object) -> CommandError:
    """What the command answers to something that it can't do."""
    with pytest.raises(CommandError) as caught:
        call_command("dub", *map(str, args))
    return caught.value


def test_a_language_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "talk.mp4", "--to", "xx", "--out", tmp_path)

    assert error.returncode == 3
    assert "xx isn't a language that we know" in str(error)


def test_a_language_named_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "talk.mp4", "--to", "es", "--to", "es-MX", "--out", tmp_path)

    assert error.returncode == 2
    assert str(error) == "Spanish is listed twice. List every language once."


def test_a_result_that_is_already_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "talk[1].es.mp3").write_bytes(b"precious")

    error = refusal(tmp_path / "talk[1].mp4", "--to", "es", "--out", tmp_path)

    assert error.returncode == 2
    assert "already there" in str(error)
    assert (tmp_path / "talk[1].es.mp3").read_bytes() == b"precious"


def test_a_folder_that_can_not_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    error = refusal(tmp_path / "talk.mp4", "--to", "es", "--out", tmp_path / "file" / "below")

    assert error.returncode == 2
    assert "can't be written" in str(error)


@pytest.mark.models
def test_a_language_without_a_voice_is_refused_with_what_would_enable_it(tmp_path: Path) -> None:
    error = refusal(tmp_path / "talk.mp4", "--to", "ko", "--out", tmp_path)

    assert error.returncode == 3
    assert "Korean isn't available here" in str(error)


@pytest.mark.models
@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.mp4", None, "can't be read"),
        ("empty.mp4", b"", "The file is empty"),
        ("text.mp4", b"not a video at all\n" * 100, "isn't a video or sound file"),
    ],
)
def test_an_input_that_is_no_recording_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    error = refusal(path, "--to", "es", "--out", tmp_path / "out")

    assert error.returncode == 2
    assert sentence in str(error)
    assert "\n" not in str(error)


@pytest.mark.models
@pytest.mark.ffmpeg
def test_a_recording_in_which_nobody_speaks_is_refused(sample: Sample, tmp_path: Path) -> None:
    error = refusal(sample.background, "--to", "es", "--out", tmp_path)

    assert error.returncode == 2
    assert "no speech" in str(error)
