import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from jobs.pipeline import ffmpeg
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.export import Track, encode, mux, texts
from jobs.pipeline.timeline import Chapter, Dub, Loudness, Mix, Picture, Source

RATE = 48_000
SAMPLES = 3 * RATE + 77
SRT = "1\n00:00:00,500 --> 00:00:01,500\nHola\n\n2\n00:00:02,000 --> 00:00:02,900\n¿Qué tal?\n"
CHAPTERS = (Chapter(0.0, 1.5, "One; a = \\ b #"), Chapter(1.5, 3.0, "Zwei ü"))


def run(*words: object) -> bytes:
    return subprocess.run([str(word) for word in words], check=True, capture_output=True).stdout


def make(out: Path, *words: str) -> Path:
    """A three-second film: a moving picture and a tone, with metadata that nobody should see."""
    picture = ("-f", "lavfi", "-i", "testsrc=s=160x90:r=25:d=3")
    sound = ("-f", "lavfi", "-i", "sine=440:r=44100:d=3")
    metadata = ("-metadata", "comment=secret", "-metadata:s:a", "handler_name=secret")
    run("ffmpeg", "-v", "error", *picture, *sound, *metadata, *words, out)
    return out


def film(
    path: Path, picture: str, sound: str, rate: int = 44_100, chapters: tuple[Chapter, ...] = ()
) -> Source:
    return Source(
        path=path,
        container=path.suffix[1:],
        duration=3.0,
        sound_stream=1,
        sound_codec=sound,
        sample_rate=rate,
        channels=1,
        picture=Picture(stream=0, codec=picture, width=160, height=90, duration=3.0),
        title="A talk; with = signs",
        chapters=chapters,
    )


def probed(path: Path) -> dict[str, Any]:
    shown = ("-show_format", "-show_streams", "-show_chapters")
    found: dict[str, Any] = json.loads(run("ffprobe", "-v", "error", "-of", "json", *shown, path))
    return found


def of_kind(path: Path, kind: str) -> list[dict[str, Any]]:
    return [one for one in probed(path)["streams"] if one["codec_type"] == kind]


def packets(path: Path, stream: str = "v:0") -> list[str]:
    """Time and hash of every packet of one stream, in the order of the file."""
    entries = "packet=pts_time,data_hash"
    shown = ("-show_entries", entries, "-show_data_hash", "md5", "-of", "csv=p=0")
    return run("ffprobe", "-v", "error", "-select_streams", stream, *shown, path).decode().split()


def hashes(path: Path, stream: str) -> list[str]:
    return [packet.rpartition("MD5:")[2].rstrip(",") for packet in packets(path, stream)]


def decoded(path: Path, channels: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    pcm = run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a:0", "-f", "f32le", "-")
    return np.frombuffer(pcm, "<f4").reshape(-1, channels)


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Mix, Dub]:
    chance = np.random.default_rng(3)
    sound = (0.05 * chance.standard_normal((SAMPLES, 2))).astype(np.float32)
    full, voice = tmp_path / "mix.flac", tmp_path / "dub.flac"
    soundfile.write(full, sound, RATE, subtype="PCM_16", format="FLAC")
    soundfile.write(voice, sound[:, 0], RATE, subtype="PCM_16", format="FLAC")
    return Mix(full, Loudness(-14.0, -1.5)), Dub("es", (), voice, "test")


@pytest.fixture
def track(tmp_path: Path, finished: tuple[Mix, Dub]) -> Track:
    captions = tmp_path / "captions.srt"
    captions.write_text(SRT, encoding="utf-8")
    return Track("spa", "Spanish", encode(*finished, folder=tmp_path)["full_m4a"], captions)


@pytest.fixture
def mp4(tmp_path: Path) -> Source:
    encoding = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p")
    path = make(tmp_path / "talk.mp4", *encoding, "-c:a", "aac")
    return film(path, "h264", "aac", chapters=CHAPTERS)


@pytest.mark.ffmpeg
def test_a_picture_that_outlasts_its_sound_has_its_own_time_to_be_copied(
    tmp_path: Path, mp4: Source, track: Track, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "SECONDS_TO_START", 0.0)
    monkeypatch.setattr(ffmpeg, "SECONDS_PER_SECOND", 10.0)
    brief = replace(mp4, duration=0.0)

    made = mux(brief, [track], original="eng", out=tmp_path / "out")

    assert len(packets(made)) == 75


def test_texts_hold_title_and_chapters_on_lines_of_their_own() -> None:
    source = film(Path("talk.mp4"), "h264", "aac", chapters=(Chapter(0.0, 1.5, "a\n[X]\x00=b\\"),))

    assert texts(source).splitlines() == [
        ";FFMETADATA1",
        "title=A talk\\; with \\= signs",
        "[CHAPTER]",
        "TIMEBASE=1/1000000",
        "START=0",
        "END=1500000",
        "title=a [X] \\=b",
    ]


def test_a_video_without_a_picture_is_refused(tmp_path: Path) -> None:
    source = replace(film(tmp_path / "talk.mp3", "h264", "mp3"), picture=None)

    with pytest.raises(ValueError, match="needs a picture"):
        mux(source, [], original="eng", out=tmp_path / "out")


@pytest.mark.ffmpeg
def test_lossy_files_are_as_long_as_the_mix_within_one_codec_frame(
    tmp_path: Path, finished: tuple[Mix, Dub]
) -> None:
    files = encode(*finished, folder=tmp_path)

    assert set(files) == {"full_m4a", "full_mp3", "voice_mp3"}
    assert abs(len(decoded(files["full_m4a"], 2)) - SAMPLES) <= 1024
    assert abs(len(decoded(files["full_mp3"], 2)) - SAMPLES) <= 1152
    assert abs(len(decoded(files["voice_mp3"], 1)) - SAMPLES) <= 1152


@pytest.mark.ffmpeg
def test_lossy_files_start_where_the_mix_starts(tmp_path: Path, finished: tuple[Mix, Dub]) -> None:
    before, _ = soundfile.read(finished[0].full, dtype="float32")

    files = encode(*finished, folder=tmp_path)

    for kind in ("full_m4a", "full_mp3"):
        after = decoded(files[kind], 2)[:SAMPLES, 0]
        size = 2 * SAMPLES
        product = np.fft.irfft(
            np.fft.rfft(after, size) * np.conj(np.fft.rfft(before[:, 0], size)), size
        )
        assert int(np.argmax(product)) == 0, kind


@pytest.mark.ffmpeg
def test_wavs_are_exact_to_the_sample(tmp_path: Path, finished: tuple[Mix, Dub]) -> None:
    files = encode(*finished, folder=tmp_path, wav=True)

    for kind, flac in (("full_wav", finished[0].full), ("voice_wav", finished[1].voice)):
        written, _ = soundfile.read(files[kind], dtype="int16")
        wanted, _ = soundfile.read(flac, dtype="int16")
        assert np.array_equal(written, wanted), kind


@pytest.mark.ffmpeg
def test_the_m4a_tells_its_language_and_nothing_of_our_tools(
    tmp_path: Path, finished: tuple[Mix, Dub]
) -> None:
    sound = encode(*finished, folder=tmp_path)["full_m4a"]

    found = probed(sound)
    assert found["streams"][0]["tags"]["language"] == "spa"
    assert "encoder" not in found["format"]["tags"]
    assert sound.read_bytes().index(b"moov") < sound.read_bytes().index(b"mdat")


@pytest.mark.ffmpeg
def test_the_picture_is_copied_packet_by_packet(tmp_path: Path, mp4: Source, track: Track) -> None:
    made = mux(mp4, [track], original="eng", out=tmp_path / "talk.es")

    assert made == tmp_path / "talk.es.mp4"
    assert packets(made) == packets(mp4.path)
    assert len(packets(made)) == 75


@pytest.mark.ffmpeg
def test_sounds_are_copied_and_every_track_is_tagged(
    tmp_path: Path, mp4: Source, track: Track
) -> None:
    made = mux(mp4, [track], original="eng", out=tmp_path / "out")

    sounds, captions = of_kind(made, "audio"), of_kind(made, "subtitle")
    assert [one["tags"]["language"] for one in sounds] == ["spa", "eng"]
    assert [one["tags"]["handler_name"] for one in sounds] == ["Spanish", "Original"]
    assert [one["disposition"]["default"] for one in sounds] == [1, 0]
    assert [(one["codec_name"], one["tags"]["language"]) for one in captions] == [
        ("mov_text", "spa")
    ]
    assert hashes(made, "a:0") == hashes(track.sound, "a:0")
    assert hashes(made, "a:1") == hashes(mp4.path, "a:0")


@pytest.mark.ffmpeg
def test_every_dubbed_track_goes_into_the_one_video(
    tmp_path: Path, mp4: Source, track: Track
) -> None:
    other = tmp_path / "other.m4a"
    other.write_bytes(track.sound.read_bytes())
    tracks = [track, Track("deu", "German", other)]

    last = mux(mp4, tracks, original="eng", out=tmp_path / "last", default=1)
    none = mux(mp4, tracks, original="eng", out=tmp_path / "none", default=None)

    languages = [
        [one["tags"]["language"] for one in of_kind(made, "audio")] for made in (last, none)
    ]
    assert languages == [["deu", "spa", "eng"], ["eng", "spa", "deu"]]


@pytest.mark.ffmpeg
def test_a_video_is_as_long_as_its_source(tmp_path: Path, mp4: Source, track: Track) -> None:
    made = mux(mp4, [track], original="eng", out=tmp_path / "out")

    durations = [float(probed(path)["format"]["duration"]) for path in (mp4.path, made)]
    assert durations[1] == pytest.approx(durations[0], abs=1024 / 44_100)
    assert made.read_bytes().index(b"moov") < made.read_bytes().index(b"mdat")


@pytest.mark.ffmpeg
def test_title_and_chapters_are_kept_and_all_else_is_dropped(
    tmp_path: Path, mp4: Source, track: Track
) -> None:
    made = mux(mp4, [track], original="eng", out=tmp_path / "out")

    found = probed(made)
    assert found["format"]["tags"]["title"] == mp4.title
    assert [
        (float(one["start_time"]), float(one["end_time"]), one["tags"]["title"])
        for one in found["chapters"]
    ] == [(one.start, one.end, one.title) for one in CHAPTERS]
    assert b"secret" not in made.read_bytes()
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.stem == "out") == [".mp4"]


@pytest.mark.ffmpeg
def test_a_dub_stays_in_place_where_the_source_sound_starts_late(
    tmp_path: Path, track: Track
) -> None:
    late = tmp_path / "late.mp4"
    inputs = ("-f", "lavfi", "-i", "testsrc=s=160x90:r=25:d=3", "-itsoffset", "0.7")
    sound = ("-f", "lavfi", "-i", "sine=440:d=2.3", "-map", "0:v", "-map", "1:a")
    run("ffmpeg", "-v", "error", *inputs, *sound, "-c:v", "libx264", "-bf", "0", late)

    made = mux(film(late, "h264", "aac"), [track], original="eng", out=tmp_path / "out")

    starts = [float(one["start_time"]) for one in of_kind(made, "audio")]
    assert starts == pytest.approx([0.0, 0.7], abs=0.025)
    assert packets(made) == packets(late)


@pytest.mark.ffmpeg
def test_sound_that_mp4_cannot_hold_becomes_aac(tmp_path: Path, track: Track) -> None:
    mov = make(tmp_path / "talk.mov", "-c:v", "libx264", "-c:a", "pcm_s16le")

    made = mux(film(mov, "h264", "pcm_s16le"), [track], original="eng", out=tmp_path / "out")

    assert made.suffix == ".mp4"
    assert [one["codec_name"] for one in of_kind(made, "audio")] == ["aac", "aac"]
    assert packets(made) == packets(mov)


@pytest.mark.ffmpeg
@pytest.mark.parametrize("claimed", ["vp8", "h264"])  # a codec can turn out not to fit, too
def test_a_picture_that_mp4_cannot_hold_goes_to_mkv(
    tmp_path: Path, track: Track, claimed: str
) -> None:
    webm = make(tmp_path / "talk.webm", "-c:v", "libvpx", "-c:a", "libvorbis")

    source = film(webm, claimed, "vorbis", chapters=CHAPTERS)
    made = mux(source, [track], original="eng", out=tmp_path / "out")

    found = probed(made)
    sounds = of_kind(made, "audio")
    assert made.suffix == ".mkv"
    assert hashes(made, "v:0") == hashes(webm, "v:0")
    assert [(one["codec_name"], one["tags"]["language"]) for one in sounds] == [
        ("aac", "spa"),
        ("vorbis", "eng"),
    ]
    assert [one["codec_name"] for one in of_kind(made, "subtitle")] == ["subrip"]
    assert [one["tags"]["title"] for one in found["chapters"]] == [one.title for one in CHAPTERS]
    assert float(found["format"]["duration"]) == pytest.approx(3.0, abs=0.03)
    assert float(found["format"]["start_time"]) == pytest.approx(0.0, abs=0.001)


@pytest.mark.ffmpeg
def test_a_dub_in_mkv_is_not_moved(tmp_path: Path, track: Track, finished: tuple[Mix, Dub]) -> None:
    webm = make(tmp_path / "talk.webm", "-c:v", "libvpx", "-c:a", "libvorbis")
    before, _ = soundfile.read(finished[0].full, dtype="float32")

    made = mux(film(webm, "vp8", "vorbis"), [track], original="eng", out=tmp_path / "out")

    after = decoded(made, 2)[:SAMPLES, 0]
    size = 2 * SAMPLES
    product = np.fft.irfft(
        np.fft.rfft(after, size) * np.conj(np.fft.rfft(before[:, 0], size)), size
    )
    assert int(np.argmax(product)) == 0


@pytest.mark.ffmpeg
def test_a_failed_video_leaves_nothing_behind(tmp_path: Path, mp4: Source, track: Track) -> None:
    broken = tmp_path / "broken.m4a"
    broken.write_bytes(hashlib.sha256(b"noise").digest() * 100)

    with pytest.raises(PipelineError):
        mux(mp4, [replace(track, sound=broken)], original="eng", out=tmp_path / "out")

    assert [path for path in tmp_path.iterdir() if path.name.startswith("out")] == []
