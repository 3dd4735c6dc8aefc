"""What the receipt measures, on sound made for it."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline.receipt import drift, overlap, readable_share, start_errors
from jobs.pipeline.timeline import SAMPLE_RATE, Cue, Dub, Flag, PlacedLine, Segment


def line(segment: int, start: float, end: float, *, flags: tuple[Flag, ...] = ()) -> PlacedLine:
    return PlacedLine(segment, start, end, "uno", 0, "voice", 1.0, 0.0, 0.0, 0.0, flags)


def part(index: int, start: float, end: float) -> Segment:
    return Segment(index, start, end, 0, "one")


def voice_with_tones(path: Path, spans: list[tuple[float, float]], seconds: float) -> Path:
    sound = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for start, end in spans:
        first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
        sound[first:last] = 0.1 * np.sin(np.arange(1, last - first + 1) * 0.3)
    soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")
    return path


def test_a_start_is_where_the_voice_is_first_audible(tmp_path: Path) -> None:
    voice = voice_with_tones(tmp_path / "voice.flac", [(1.05, 2.0), (4.0, 5.0)], 6.0)
    dub = Dub("es", (line(0, 1.0, 2.0), line(1, 4.0, 5.0)), voice, "test")

    errors = start_errors(dub, {0: part(0, 1.0, 2.0), 1: part(1, 4.02, 5.0)})

    assert [start for start, _ in errors] == [1.0, 4.02]
    assert [error for _, error in errors] == pytest.approx([0.05, -0.02], abs=0.001)


def test_lines_that_were_moved_do_not_count_as_starts(tmp_path: Path) -> None:
    voice = voice_with_tones(tmp_path / "voice.flac", [(1.9, 2.5)], 3.0)
    dub = Dub("es", (line(0, 1.9, 2.5, flags=(Flag.LATE,)),), voice, "test")

    errors = start_errors(dub, {0: part(0, 1.0, 2.0)})

    assert errors == []


def test_overlap_counts_only_what_the_speakers_did_not_do_themselves() -> None:
    segments = {0: part(0, 0.0, 2.2), 1: part(1, 2.0, 4.0), 2: part(2, 4.5, 5.0)}
    lines = (line(0, 0.0, 2.3), line(1, 2.0, 4.6), line(2, 4.5, 5.0))

    assert overlap(lines, segments) == pytest.approx(0.1 + 0.1)


def test_drift_is_the_growth_of_the_start_error_per_hour() -> None:
    starts = [(float(second), 0.010 + second * 0.020 / 3600) for second in range(0, 3600, 60)]

    assert drift(starts) == pytest.approx(20.0)


def test_a_cue_too_quick_to_read_lowers_the_readable_share() -> None:
    slow = Cue(0.0, 2.0, ("twenty characters ok",))
    quick = Cue(2.0, 3.0, ("this row has many more", "characters than one second"))

    assert readable_share([slow, quick], "es") == 0.5
