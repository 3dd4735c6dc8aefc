import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from jobs.pipeline import loudness
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.loudness import Pass
from jobs.pipeline.mix import active_level, arrange, mix, original
from jobs.pipeline.timeline import Dub, Loudness, PlacedLine, Segment, Stems, Transcript

RATE = 48_000
SECONDS = 12
SAMPLES = SECONDS * RATE + 123
LINES = ((1.0, 3.0), (6.0, 8.0))
SEGMENTS = ((0.9, 3.1), (5.9, 7.0))

Sound = NDArray[np.float32]


def tone(frequency: float, level_db: float, samples: int = SAMPLES) -> Sound:
    """A sine of this RMS level."""
    peak = 10 ** (level_db / 20) * np.sqrt(2)
    wave = peak * np.sin(2 * np.pi * frequency * np.arange(samples) / RATE)
    return np.asarray(wave, np.float32)


def only(sound: Sound, spans: Sequence[tuple[float, float]]) -> Sound:
    kept = np.zeros_like(sound)
    for start, end in spans:
        kept[round(start * RATE) : round(end * RATE)] = sound[
            round(start * RATE) : round(end * RATE)
        ]
    return kept


def flac(path: Path, *channels: Sound) -> Path:
    soundfile.write(path, np.stack(channels, axis=1), RATE, subtype="PCM_16", format="FLAC")
    return path


def part(path: Path, start: float, end: float) -> Sound:
    sound, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(sound[round(start * RATE) : round(end * RATE)])


def level(sound: Sound, frequency: float) -> float:
    """RMS level (dB) of one frequency, so that layers can be told apart in a mix."""
    turns = np.exp(-2j * np.pi * frequency * np.arange(len(sound)) / RATE)
    window = np.hanning(len(sound))
    amplitude = 2 * abs(np.sum(sound[:, 0] * turns * window)) / window.sum()
    return float(20 * np.log10(max(amplitude, 1e-9) / np.sqrt(2)))


@dataclass
class Scene:
    """A voice (500 Hz) that speaks in SEGMENTS, music (200 Hz), a dub (1 kHz) in LINES."""

    stems: Stems
    dub: Dub
    transcript: Transcript


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    voice = only(tone(500, -26), SEGMENTS)
    music = tone(200, -30)
    return Scene(
        Stems(
            voice=flac(tmp_path / "voice.flac", voice, voice),
            speech=tmp_path / "speech.flac",
            samples=SAMPLES,
            background=flac(tmp_path / "background.flac", music, music * 0.5),
        ),
        Dub(
            language="es",
            lines=tuple(
                PlacedLine(number, start, end, "hola", 0, "voz", 1.0, 0.0, 0.0, 0.0)
                for number, (start, end) in enumerate(LINES)
            ),
            voice=flac(tmp_path / "dub.flac", only(tone(1000, -20), LINES)),
            engine="test",
        ),
        Transcript(
            "en",
            tuple(Segment(number, *span, 0, "hello") for number, span in enumerate(SEGMENTS)),
        ),
    )


@pytest.fixture
def mixed_track(scene: Scene, tmp_path: Path) -> Scene:
    """The same without a separate background: voice and music on one track."""
    both = only(tone(500, -26), SEGMENTS) + tone(200, -40)
    stems = Stems(flac(tmp_path / "both.flac", both, both), tmp_path / "speech.flac", SAMPLES)
    return Scene(stems, scene.dub, scene.transcript)


def rendered(scene: Scene, folder: Path, keep_original_db: float | None = -20.0) -> Path:
    """The layers as they are summed, before any loudness is set."""
    layers = arrange(scene.stems, scene.dub, scene.transcript, keep_original_db=keep_original_db)
    summed = np.concatenate(list(layers.blocks()))
    return flac(folder / "summed.flac", *summed.T)


def test_active_level_leaves_pauses_and_everything_outside_the_spans_out(tmp_path: Path) -> None:
    sound = only(tone(500, -26), [(1.0, 2.0), (3.0, 4.0)]) + only(tone(90, -3), [(8.0, 9.0)])

    heard = active_level(flac(tmp_path / "a.flac", sound), [(0.5, 5.0)])

    assert heard == pytest.approx(-26, abs=0.1)


def test_silence_has_no_level(tmp_path: Path) -> None:
    silent = flac(tmp_path / "a.flac", np.zeros(SAMPLES, np.float32))

    assert active_level(silent, [(0.5, 5.0)]) is None
    assert active_level(silent, []) is None


def test_the_dubbed_voice_gets_the_level_of_the_original(scene: Scene, tmp_path: Path) -> None:
    out = rendered(scene, tmp_path)

    assert level(part(out, 1.2, 2.8), 1000) == pytest.approx(-26, abs=0.2)


def test_the_original_voice_is_not_in_a_mix_with_a_background(scene: Scene, tmp_path: Path) -> None:
    out = rendered(scene, tmp_path)

    assert level(part(out, 1.2, 2.8), 500) < -90


def test_the_background_goes_down_under_speech_and_only_there(scene: Scene, tmp_path: Path) -> None:
    out = rendered(scene, tmp_path)

    under = level(part(out, 1.0, 3.0), 200)
    away = [level(part(out, *span), 200) for span in ((0.0, 0.4), (3.6, 5.4), (8.6, 12.0))]
    assert under == pytest.approx(-40, abs=0.5)
    assert away == pytest.approx([-30, -30, -30], abs=0.05)


def test_one_mixed_track_goes_down_under_speech_of_either_language(
    mixed_track: Scene, tmp_path: Path
) -> None:
    out = rendered(mixed_track, tmp_path)

    original_under = level(part(out, 1.0, 3.0), 500)
    music = [level(part(out, *span), 200) for span in ((7.2, 7.9), (3.6, 5.4), (8.6, 12.0))]
    assert original_under == pytest.approx(-46, abs=0.5)
    assert music == pytest.approx([-60, -40, -40], abs=0.5)


def test_the_original_can_be_silent_under_speech_and_is_kept_outside(
    mixed_track: Scene, tmp_path: Path
) -> None:
    out = rendered(mixed_track, tmp_path, keep_original_db=None)

    assert level(part(out, 1.0, 3.0), 500) < -90
    assert level(part(out, 3.6, 5.4), 200) == pytest.approx(-40, abs=0.05)


def test_the_source_is_the_sum_of_its_tracks(scene: Scene, tmp_path: Path) -> None:
    out = flac(tmp_path / "sum.flac", *np.concatenate(list(original(scene.stems))).T)

    assert soundfile.info(out).frames == SAMPLES
    assert level(part(out, 1.2, 2.8), 500) == pytest.approx(-26, abs=0.1)
    assert level(part(out, 1.2, 2.8), 200) == pytest.approx(-30, abs=0.1)


def test_a_quiet_mix_only_gets_a_gain() -> None:
    assert loudness.first_pass(Loudness(-20.0, -12.0), -14.0) == Pass(6.0, None)


def test_peaks_that_would_be_too_high_get_a_limiter() -> None:
    way = loudness.first_pass(Loudness(-20.0, -3.0), -14.0)

    assert way.ceiling == loudness.CEILING
    assert "alimiter" in way.filters


def test_the_gain_is_never_more_than_twelve_decibels() -> None:
    assert loudness.first_pass(Loudness(-40.0, -30.0), -14.0).gain == 12.0
    assert loudness.first_pass(Loudness(-1.0, 0.0), -30.0).gain == -12.0


def test_silence_is_left_alone() -> None:
    way = loudness.first_pass(Loudness(-70.0, -120.0), -14.0)

    assert way == Pass(0.0, None)
    assert loudness.next_pass(way, Loudness(-70.0, -120.0), -14.0) == way


def test_a_result_off_target_is_corrected() -> None:
    way = Pass(6.0, -1.5)

    quieter = loudness.next_pass(way, Loudness(-14.6, -1.4), -14.0)
    peakier = loudness.next_pass(way, Loudness(-14.0, -0.7), -14.0)

    assert quieter.gain == pytest.approx(6.6)
    assert peakier.ceiling == pytest.approx(-1.9)
    assert loudness.next_pass(way, Loudness(-14.2, -1.3), -14.0) == way


def test_a_log_without_a_summary_is_an_error() -> None:
    with pytest.raises(PipelineError) as caught:
        loudness.parse("nothing here")

    assert caught.value.code == "MEDIA_TOOL"


def test_layers_need_no_more_memory_for_a_longer_track(tmp_path: Path) -> None:
    peaks = []
    for seconds in (20, 120):
        music = tone(200, -30, seconds * RATE)
        spans = tuple((float(at), at + 1.0) for at in range(0, seconds, 3))
        scene = Scene(
            Stems(flac(tmp_path / "v.flac", music, music), tmp_path / "s", seconds * RATE),
            Dub("es", (), flac(tmp_path / "d.flac", music), "test"),
            Transcript("en", tuple(Segment(n, *span, 0, "a") for n, span in enumerate(spans))),
        )
        tracemalloc.start()
        layers = arrange(scene.stems, scene.dub, scene.transcript, keep_original_db=-20)
        made = sum(len(block) for block in layers.blocks())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert made == seconds * RATE

    assert peaks[1] < peaks[0] * 1.2


def noisy_speech() -> Iterator[Sound]:
    """Bursts of noise with a crest like that of speech, second by second."""
    chance = np.random.default_rng(7)
    for _ in range(SECONDS):
        shape = np.repeat(chance.choice([0.0, 0.3, 1.0, 3.0], 48), 1000)
        mono = (chance.standard_normal(RATE) * shape * 0.03).astype(np.float32)
        yield np.stack([mono, mono], axis=1)


def measured_again(path: Path) -> Loudness:
    blocks = lambda: soundfile.blocks(path, RATE, dtype="float32", always_2d=True)  # noqa: E731
    return loudness.measure(blocks, seconds=SECONDS, folder=path.parent)


@pytest.mark.ffmpeg
def test_the_mix_is_as_loud_as_asked_and_as_long_as_the_source(
    scene: Scene, tmp_path: Path
) -> None:
    made = mix(
        scene.stems,
        scene.dub,
        scene.transcript,
        target_lufs=-18.0,
        keep_original_db=-20.0,
        folder=tmp_path,
    )

    again = measured_again(made.full)
    written = soundfile.info(made.full)
    assert (written.frames, written.channels, written.subtype) == (SAMPLES, 2, "PCM_16")
    assert again.integrated == pytest.approx(-18, abs=0.5)
    assert again.integrated == pytest.approx(made.loudness.integrated, abs=0.1)
    assert level(part(made.full, 8.6, 12.0), 200) == pytest.approx(
        -30 + made.loudness.gain, abs=0.1
    )


@pytest.mark.ffmpeg
def test_the_mix_can_be_as_loud_as_the_source(scene: Scene, tmp_path: Path) -> None:
    source = loudness.measure(
        lambda: original(scene.stems), seconds=SECONDS, folder=tmp_path
    ).integrated

    made = mix(
        scene.stems,
        scene.dub,
        scene.transcript,
        target_lufs=None,
        keep_original_db=-20.0,
        folder=tmp_path,
    )

    assert made.loudness.integrated == pytest.approx(source, abs=0.5)


@pytest.mark.ffmpeg
def test_high_peaks_are_limited_without_missing_the_loudness(tmp_path: Path) -> None:
    out = tmp_path / "full.flac"

    told = loudness.write(noisy_speech, out, target=-12.0, seconds=SECONDS)

    again = measured_again(out)
    assert soundfile.info(out).frames == SECONDS * RATE
    assert again.integrated == pytest.approx(-12, abs=0.5)
    assert again.true_peak <= -1.0
    assert told.true_peak == pytest.approx(again.true_peak, abs=0.1)


@pytest.mark.ffmpeg
def test_the_limiter_moves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "full.flac"
    before = np.concatenate(list(noisy_speech()))[:, 0]

    loudness.write(noisy_speech, out, target=-12.0, seconds=SECONDS)

    after = part(out, 0, SECONDS)[:, 0]
    product = np.fft.irfft(np.fft.rfft(after) * np.conj(np.fft.rfft(before)))
    assert int(np.argmax(product)) == 0


@pytest.mark.ffmpeg
def test_a_silent_mix_stays_silent_and_says_so(tmp_path: Path) -> None:
    silent = lambda: iter([np.zeros((RATE, 2), np.float32)] * 2)  # noqa: E731

    told = loudness.write(silent, tmp_path / "full.flac", target=-14.0, seconds=2)

    assert (told.integrated, told.true_peak, told.gain) == (-70.0, -120.0, 0.0)
    assert soundfile.info(tmp_path / "full.flac").frames == 2 * RATE


@pytest.mark.parametrize("music", [True, False])
def test_a_line_that_is_kept_is_the_original_voice(scene: Scene, *, music: bool) -> None:
    stems = scene.stems if music else replace(scene.stems, background=None)

    layers = arrange(stems, scene.dub, scene.transcript, keep_original_db=None, kept={1})

    mixed = np.concatenate(list(layers.blocks()))
    kept = mixed[round(6.2 * RATE) : round(6.8 * RATE)]
    replaced = mixed[round(1.2 * RATE) : round(2.8 * RATE)]
    assert level(kept, 500) == pytest.approx(-26, abs=0.2)
    assert level(replaced, 500) < -70
