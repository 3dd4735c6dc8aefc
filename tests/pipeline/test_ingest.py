"""The stems are the sound as it is: all of it, at its time, at its level, or a typed error."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline.errors import PipelineError, Stopped
from jobs.pipeline.ingest import ingest
from jobs.pipeline.probe import probe
from jobs.pipeline.timeline import SAMPLE_RATE, Stems
from tests.pipeline import media
from tests.pipeline.media import Samples

pytestmark = pytest.mark.ffmpeg

NOISE = np.random.default_rng(7)


def noise(seconds: float, *, channels: int = 1, rms: float = 0.1) -> Samples:
    """White noise of shape (n, channels)."""
    shape = (round(seconds * SAMPLE_RATE), channels)
    return (rms * NOISE.standard_normal(shape)).astype(np.float32)


def read(path: Path) -> Samples:
    """All samples of a file; shape (n, channels)."""
    samples: Samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return samples


def stems_of(path: Path, folder: Path, background: Path | None = None) -> Stems:
    """Probe and ingest."""
    return ingest(probe(path), probe(background) if background else None, folder)


def refusal(path: Path, folder: Path, background: Path | None = None) -> PipelineError:
    """The error with which a file that `probe` accepts is refused."""
    with pytest.raises(PipelineError) as caught:
        stems_of(path, folder, background)
    return caught.value


def test_a_stereo_wav_comes_through_to_the_bit(tmp_path: Path) -> None:
    samples = noise(2.5, channels=2)
    path = media.wav(tmp_path / "talk.wav", samples)

    stems = stems_of(path, tmp_path)

    assert stems.samples == 120_000
    assert stems.duration == 2.5
    assert stems.background is None
    assert np.array_equal(read(stems.voice), read(path))


def test_voice_and_speech_have_the_formats_that_the_others_expect(tmp_path: Path) -> None:
    stems = stems_of(media.sound(tmp_path / "talk.mp3", 3.0), tmp_path)

    voice, speech = soundfile.info(stems.voice), soundfile.info(stems.speech)
    assert (voice.format, voice.subtype, voice.samplerate, voice.channels) == (
        "FLAC",
        "PCM_16",
        48_000,
        2,
    )
    assert (speech.format, speech.subtype, speech.samplerate, speech.channels) == (
        "FLAC",
        "PCM_16",
        16_000,
        1,
    )
    assert abs(speech.frames * 3 - voice.frames) <= 3
    assert voice.frames == stems.samples


def test_a_mono_track_keeps_its_level_in_both_channels(tmp_path: Path) -> None:
    samples = noise(2.0)
    stems = stems_of(media.wav(tmp_path / "talk.wav", samples), tmp_path)

    voice = read(stems.voice)

    assert np.array_equal(voice[:, 0], voice[:, 1])
    assert media.decibels(voice) == pytest.approx(media.decibels(samples), abs=0.05)


def test_speech_of_a_dual_mono_track_keeps_its_level(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(96_000) / SAMPLE_RATE).astype(np.float32) * 0.9
    stems = stems_of(media.wav(tmp_path / "talk.wav", np.column_stack([tone, tone])), tmp_path)

    speech = read(stems.speech)

    assert media.decibels(speech[1600:-1600]) == pytest.approx(media.decibels(tone), abs=0.1)


def test_surround_is_mixed_down_without_clipping_and_with_the_middle_in_front(
    tmp_path: Path,
) -> None:
    second = SAMPLE_RATE
    surround = np.zeros((2 * second, 6), np.float32)
    surround[:second, 2] = noise(1.0, rms=0.2)[:, 0]  # the middle alone, where people speak
    surround[second:] = 0.95  # everything at once
    path = media.wav(tmp_path / "film.wav", surround)

    voice = read(stems_of(path, tmp_path).voice)

    middle = media.decibels(voice[4800 : second - 4800])
    assert media.decibels(surround[4800 : second - 4800, 2]) - middle < 9
    assert np.max(np.abs(voice)) < 0.99


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_a_track_that_starts_late_stays_late(tmp_path: Path, extension: str) -> None:
    late = ("-itsoffset", "2", *media.tone(3.0))
    words = (*media.picture(5.0), *late, "-map", "0:v", "-map", "1:a", "-c:v", "libx264")
    film = media.ffmpeg(*words, "-c:a", "aac", out=tmp_path / f"film.{extension}")

    voice = read(stems_of(film, tmp_path).voice)

    begins = np.argmax(np.abs(voice[:, 0]) > 0.01) / SAMPLE_RATE
    assert begins == pytest.approx(2.0, abs=0.03)
    assert len(voice) / SAMPLE_RATE == pytest.approx(5.0, abs=0.1)


def test_a_hole_in_a_track_stays_a_hole(tmp_path: Path) -> None:
    tone = media.sound(tmp_path / "tone.mkv", 6.0, "-c:a", "libopus")
    hole = "noise=drop='between(pts*tb,2,4)'"
    holed = media.ffmpeg("-i", tone, "-c", "copy", "-bsf:a", hole, out=tmp_path / "holed.mkv")

    voice = read(stems_of(holed, tmp_path).voice)

    assert len(voice) / SAMPLE_RATE == pytest.approx(6.0, abs=0.05)
    assert media.decibels(voice[round(2.2 * SAMPLE_RATE) : round(3.8 * SAMPLE_RATE)]) < -80
    assert media.decibels(voice[round(4.5 * SAMPLE_RATE) : round(5.5 * SAMPLE_RATE)]) > -30


def test_the_default_track_is_the_one_that_is_decoded(tmp_path: Path) -> None:
    words = (
        *media.tone(2.0, hertz=500),
        *media.tone(2.0, hertz=2000),
        "-map",
        "0:a",
        "-map",
        "1:a",
    )
    marks = ("-disposition:a:0", "0", "-disposition:a:1", "default")
    film = media.ffmpeg(*words, "-c:a", "flac", *marks, out=tmp_path / "film.mkv")

    voice = read(stems_of(film, tmp_path).voice)[:, 0]

    spectrum = np.abs(np.fft.rfft(voice))
    assert np.argmax(spectrum) / 2.0 == pytest.approx(2000, abs=2)


def test_a_longer_picture_makes_the_sound_as_long(tmp_path: Path) -> None:
    words = (*media.tone(2.0), *media.picture(9.0), "-c:v", "libx264", "-c:a", "aac")
    film = media.ffmpeg(*words, out=tmp_path / "film.mp4")

    stems = stems_of(film, tmp_path)

    assert stems.samples == 9 * SAMPLE_RATE
    assert soundfile.info(stems.speech).frames == 9 * 16_000
    assert media.decibels(read(stems.voice)[3 * SAMPLE_RATE :]) < -100


def test_a_picture_that_only_claims_to_be_longer_is_not_believed(tmp_path: Path) -> None:
    source = probe(media.video(tmp_path / "film.mp4", 3.0))
    assert source.picture is not None
    lying = replace(source, picture=replace(source.picture, duration=3000.0))

    stems = ingest(lying, None, tmp_path)

    assert stems.duration == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("seconds", [9.3, 10.0, 10.8])
def test_a_background_becomes_exactly_as_long_as_the_voice(tmp_path: Path, seconds: float) -> None:
    voice = media.wav(tmp_path / "talk.wav", noise(10.0))
    music = media.wav(tmp_path / "music.wav", noise(seconds, channels=2))

    stems = stems_of(voice, tmp_path, music)

    assert stems.background is not None
    background = read(stems.background)
    kept = min(len(background), round(seconds * SAMPLE_RATE))
    assert stems.samples == len(background) == 480_000
    assert np.array_equal(background[:kept], read(music)[:kept])
    assert not background[kept:].any()


@pytest.mark.parametrize("seconds", [8.5, 11.5, 60.0])
def test_a_background_of_another_length_is_refused(tmp_path: Path, seconds: float) -> None:
    voice = media.wav(tmp_path / "talk.wav", noise(10.0))
    music = media.wav(tmp_path / "music.wav", noise(seconds))

    error = refusal(voice, tmp_path, music)

    assert error.code == "DURATION_MISMATCH"
    assert "0:10" in str(error)


def test_a_background_may_be_as_long_as_the_picture(tmp_path: Path) -> None:
    words = (*media.tone(4.0), *media.picture(9.0), "-c:v", "libx264", "-c:a", "aac")
    film = media.ffmpeg(*words, out=tmp_path / "film.mp4")
    music = media.wav(tmp_path / "music.wav", noise(9.2))

    stems = stems_of(film, tmp_path, music)

    assert stems.background is not None
    assert soundfile.info(stems.background).frames == stems.samples == 9 * SAMPLE_RATE


@pytest.mark.parametrize("content", [b"\0", b"\xa7"])
def test_a_film_whose_packets_are_garbage_is_corrupt(tmp_path: Path, content: bytes) -> None:
    film = media.video(tmp_path / "film.mp4", 5.0, "-movflags", "faststart")
    whole = film.read_bytes()
    start = whole.index(b"mdat") + 4
    film.write_bytes(whole[:start] + content * (len(whole) - start))

    assert refusal(film, tmp_path).code == "CORRUPT_AUDIO"


def test_a_film_whose_second_half_is_garbage_is_corrupt(tmp_path: Path) -> None:
    film = media.video(tmp_path / "film.mp4", 5.0, "-movflags", "faststart")
    whole = film.read_bytes()
    start = (whole.index(b"mdat") + len(whole)) // 2
    film.write_bytes(whole[:start] + bytes(len(whole) - start))

    assert refusal(film, tmp_path).code == "CORRUPT_AUDIO"


def test_a_scratch_in_a_long_track_is_forgiven(tmp_path: Path) -> None:
    song = media.sound(tmp_path / "talk.mp3", 60.0)
    whole = bytearray(song.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 500] = b"\x55" * 500
    song.write_bytes(whole)

    assert stems_of(song, tmp_path).duration == pytest.approx(60.0, abs=0.3)


def test_a_flac_that_was_cut_off_is_told_as_truncated(tmp_path: Path) -> None:
    whole = media.sound(tmp_path / "whole.flac", 20.0)

    assert refusal(media.cut(whole, tmp_path / "cut.flac"), tmp_path).code == "TRUNCATED"


def lying(path: Path, seconds: float) -> Path:
    """A film in Matroska that says it lasts `seconds`."""
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3  # Duration, a double in milliseconds
    content[at : at + 8] = struct.pack(">d", seconds * 1000)
    path.write_bytes(bytes(content).replace(b"DURATION", b"DURATI0N"))
    return path


def test_a_header_that_claims_less_than_there_is_asks_for_a_new_quote(tmp_path: Path) -> None:
    talk = lying(media.sound(tmp_path / "talk.mkv", 60.0), 5.0)

    error = refusal(talk, tmp_path)

    assert error.code == "LENGTH_CHANGED"
    assert "more than 0:0" in str(error)
    assert "not 0:05" in str(error)


def test_a_header_that_claims_more_than_there_is_asks_for_a_new_quote(tmp_path: Path) -> None:
    talk = lying(media.sound(tmp_path / "talk.mkv", 10.0), 3600.0)

    error = refusal(talk, tmp_path)

    assert error.code == "LENGTH_CHANGED"
    assert "0:10 long, not 1:00:00" in str(error)


def test_silence_is_sound(tmp_path: Path) -> None:
    stems = stems_of(media.wav(tmp_path / "talk.wav", noise(2.0, rms=0.0)), tmp_path)

    assert stems.samples == 2 * SAMPLE_RATE


def test_nothing_that_the_source_says_of_itself_is_in_the_stems(tmp_path: Path) -> None:
    words = ("-metadata", "title=A secret title", "-metadata", "comment=A secret place")
    talk = media.sound(tmp_path / "talk.flac", 2.0, *words)

    stems = stems_of(talk, tmp_path)

    assert b"secret" not in stems.voice.read_bytes() + stems.speech.read_bytes()


def test_a_stop_ends_the_decoding(tmp_path: Path) -> None:
    source = probe(media.sound(tmp_path / "talk.flac", 600.0, "-ar", 8000))
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Stopped

    with pytest.raises(Stopped):
        ingest(source, None, tmp_path, stop=stop)

    assert not (tmp_path / "voice.flac").exists()
