"""Edges of speech are where the voice begins, even over music; stretching keeps the pitch."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from jobs.pipeline.analysis import Listener, stretch_with_librosa
from jobs.pipeline.cast import perceived_gender
from jobs.pipeline.process import ROOT, run
from tests.pipeline import media
from tests.pipeline.media import Samples

pytestmark = pytest.mark.models

RATE = 16_000
LINES = (
    "Good morning everyone, and welcome to our little garden.",
    "Today we plant tomatoes.",
    "Press it gently.",
    "Some people use a stick.",
    "Have patience!",
    "She sells sea shells by the shore.",
    "How would you do it?",
    "Zebras zigzag across the plain.",
    "Five friends found four fish.",
    "Thank you for watching, and see you next week.",
)


@pytest.fixture(scope="module")
def clips() -> list[Samples]:
    """Spoken lines that begin and end with their first and last sound over -40 dBFS."""
    return [trimmed(spoken(line)) for line in LINES]


def edges(speech: Path) -> tuple[tuple[float, float], ...]:
    """Where a file has speech energy."""
    with Listener(speech) as listener:
        return listener.edges()


def spoken(text: str, *, pitch: float = 1.0) -> Samples:
    """A line as Pico says it, at -20 dBFS where there is sound."""
    from py_nanotts import NanoTTS

    said = NanoTTS().speak(text, voice="en-US", pitch=pitch, volume=0.5)
    sound = np.frombuffer(said, np.int16)
    samples = sound.astype(np.float32) / 32768
    level = np.sqrt(np.mean(np.square(samples[np.abs(samples) > 0.01])))
    levelled: Samples = (samples * (0.1 / level)).astype(np.float32)
    return levelled


def trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1]


def placed(clips: list[Samples]) -> tuple[Samples, list[float]]:
    """The clips on one track with pauses of 0.3 to 1.5 s, and where each begins."""
    pauses = np.random.default_rng(3).uniform(0.3, 1.5, len(clips))
    parts, starts, at = [np.zeros(RATE, np.float32)], [], RATE
    for clip, pause in zip(clips, pauses, strict=True):
        starts.append(at / RATE)
        silence = np.zeros(round(pause * RATE), np.float32)
        parts += [clip, silence]
        at += len(clip) + len(silence)
    return np.concatenate(parts), starts


def music(count: int, level: float) -> Samples:
    """Chords that change every two seconds, with a note plucked every half second."""
    time = np.arange(count) / RATE
    bed = np.zeros(count)
    for bar, root in enumerate(np.resize([220.0, 174.6, 261.6, 196.0], count // RATE // 2 + 1)):
        here = (time >= bar * 2) & (time < bar * 2 + 2)
        for tone in (1, 1.26, 1.5, 2, 3, 4):
            bed[here] += np.sin(2 * np.pi * root * tone * time[here]) / tone
    since = time % 0.5
    bed += 1.5 * np.exp(-since * 8) * np.sin(2 * np.pi * 587 * since)
    levelled: Samples = (level * bed / np.sqrt(np.mean(np.square(bed)))).astype(np.float32)
    return levelled


def errors(found: tuple[tuple[float, float], ...], starts: list[float]) -> NDArray[np.float64]:
    """By how many seconds the nearest found start stands beside each true one."""
    begins = np.array([start for start, _ in found])
    return np.array([np.min(np.abs(begins - start)) for start in starts])


def test_speech_in_silence_begins_where_its_first_sound_is(
    tmp_path: Path, clips: list[Samples]
) -> None:
    track, starts = placed(clips)

    found = edges(media.wav(tmp_path / "speech.wav", track, rate=RATE))

    assert np.median(errors(found, starts)) <= 0.010
    assert np.max(errors(found, starts)) <= 0.040


def test_speech_over_music_begins_within_40_ms(tmp_path: Path, clips: list[Samples]) -> None:
    track, starts = placed(clips)
    track = track + music(len(track), level=0.01)  # 20 dB below the voice

    found = edges(media.wav(tmp_path / "speech.wav", track, rate=RATE))

    assert np.median(errors(found, starts)) <= 0.040
    assert np.percentile(errors(found, starts), 80) <= 0.060


def test_speech_in_a_noisy_room_begins_within_40_ms(tmp_path: Path, clips: list[Samples]) -> None:
    track, starts = placed(clips)
    hiss = np.random.default_rng(5).standard_normal(len(track)).astype(np.float32)

    found = edges(media.wav(tmp_path / "speech.wav", track + 0.005 * hiss, rate=RATE))

    assert np.median(errors(found, starts)) <= 0.040


def test_a_very_soft_recording_is_heard_as_well(tmp_path: Path, clips: list[Samples]) -> None:
    track, starts = placed(clips)

    found = edges(media.wav(tmp_path / "speech.wav", track * 0.05, rate=RATE))

    assert np.median(errors(found, starts)) <= 0.020


def test_edges_are_in_order_and_apart_and_inside_the_sound(
    tmp_path: Path, clips: list[Samples]
) -> None:
    track, _ = placed(clips)

    found = edges(media.wav(tmp_path / "speech.wav", track, rate=RATE))

    flat = [moment for span in found for moment in span]
    assert flat == sorted(flat)
    assert flat[0] >= 0.9
    assert flat[-1] <= len(track) / RATE


@pytest.mark.parametrize("seconds", [0.02, 0.5, 30.0])
def test_in_silence_there_is_nothing(tmp_path: Path, seconds: float) -> None:
    silence = np.zeros(round(seconds * RATE), np.float32)

    assert edges(media.wav(tmp_path / "speech.wav", silence, rate=RATE)) == ()


def test_a_sound_across_the_border_of_two_chunks_is_one(tmp_path: Path) -> None:
    track = np.zeros(140 * RATE, np.float32)
    noise = np.random.default_rng(9).standard_normal(RATE).astype(np.float32) * 0.1
    for start in (60.0, 119.5, 130.0):
        track[round(start * RATE) :][:RATE] = noise

    found = edges(media.wav(tmp_path / "speech.wav", track, rate=RATE))

    assert [pytest.approx(span, abs=0.02) for span in found] == [
        (60.0, 61.0),
        (119.5, 120.5),
        (130.0, 131.0),
    ]


@pytest.mark.parametrize("speed", [0.9, 1.25])
def test_a_stretched_clip_has_its_length_and_keeps_its_pitch(tmp_path: Path, speed: float) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000)
    clip = media.wav(tmp_path / "clip.wav", tone.astype(np.float32))

    stretch_with_librosa([(clip, speed, clip)])

    stretched, rate = soundfile.read(clip)
    assert len(stretched) == round(96_000 / speed)
    peak = np.argmax(np.abs(np.fft.rfft(stretched))) * rate / len(stretched)
    assert peak == pytest.approx(440, abs=2)


def test_one_process_stretches_many_clips(tmp_path: Path) -> None:
    tone = np.full(48_000, 0.1, np.float32)
    wanted = [
        (media.wav(tmp_path / f"{number}.wav", tone), 1.1, tmp_path / f"{number}.fast.wav")
        for number in range(3)
    ]

    stretch_with_librosa(wanted)

    assert [soundfile.info(out).frames for _, _, out in wanted] == [43_636] * 3


def test_librosa_stays_out_of_our_own_process(tmp_path: Path) -> None:
    path = media.wav(tmp_path / "speech.wav", np.zeros(RATE, np.float32), rate=RATE)
    script = (
        "import sys; from pathlib import Path; from jobs.pipeline.analysis import Listener;"
        f"listener = Listener(Path({str(path)!r})); listener.edges();"
        "sys.exit('librosa' in sys.modules or 'numba' in sys.modules)"
    )

    assert run([sys.executable, "-c", script], deadline=120, cwd=ROOT).code == 0


def test_the_pitch_of_every_speaker_is_measured_in_their_turns(tmp_path: Path) -> None:
    low = [spoken(line, pitch=0.65) for line in LINES[:2]]
    high = [spoken(line, pitch=1.2) for line in LINES[:2]]
    parts = [low[0], high[0], low[1], high[1]]
    ends = np.cumsum([part.size for part in parts]) / RATE
    spans = list(zip([0.0, *ends[:-1]], ends, strict=True))
    noise = np.random.default_rng(2).normal(0, 0.003, sum(part.size for part in parts))
    track = (np.concatenate(parts) + noise).astype(np.float32)

    speech = media.wav(tmp_path / "speech.wav", track, rate=RATE)
    with Listener(speech) as listener:
        found = listener.pitches({0: spans[::2], 1: spans[1::2]})

    assert {speaker: perceived_gender(pitch) for speaker, pitch in found.items()} == {
        0: "male",
        1: "female",
    }


def test_a_voice_that_can_hardly_be_heard_has_no_pitch(tmp_path: Path) -> None:
    hiss = np.random.default_rng(2).normal(0, 0.05, 8 * RATE).astype(np.float32)
    word = spoken("Yes.")

    speech = media.wav(tmp_path / "speech.wav", np.concatenate([word, hiss]), rate=RATE)
    with Listener(speech) as listener:
        found = listener.pitches(
            {0: [(0.0, word.size / RATE)], 1: [(word.size / RATE, word.size / RATE + 8.0)], 2: []}
        )

    assert found == {}
