from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.subtitles import Captions, read

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Hello</i> there,
you two.

2
00:00:03,000 --> 00:00:04,000
{\\an8}Good &amp; well.
"""

VTT = """WEBVTT - a title

NOTE nothing

intro
00:01.000 --> 00:02.500 align:start
Hello there, you two.

00:00:03.000 --> 00:00:04.000
Good &amp; well.
"""


@pytest.mark.parametrize("text", [SRT, VTT, "\ufeff" + SRT.replace("\n", "\r\n")])
def test_both_kinds_of_captions_are_read(text: str) -> None:
    cues = read(text)

    assert [(cue.start, cue.end, cue.text) for cue in cues] == [
        (1.0, 2.5, "Hello there, you two."),
        (3.0, 4.0, "Good & well."),
    ]


def test_cues_come_in_order_and_never_overlap() -> None:
    later, earlier = "00:00:02,000 --> 00:00:03,000\nB\n", "00:00:01,000 --> 00:00:09,000\nA\n"

    cues = read(f"{later}\n{earlier}")

    assert [(cue.start, cue.end, cue.text) for cue in cues] == [(1, 2, "A"), (2, 3, "B")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("only words", 1),
        ("1\n00:00:02,000 --> 00:00:01,000\nbackwards", 2),
        ("1\n00:00 --> soon\nwhen?", 2),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n", 1),
    ],
)
def test_what_is_no_captions_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(PipelineError) as refused:
        read(text)

    assert refused.value.code == "NOT_CAPTIONS"
    assert f"line {line}" in str(refused.value)


def silence(folder: Path, seconds: float) -> Path:
    path = folder / "speech.flac"
    soundfile.write(path, np.zeros(int(16_000 * seconds)), 16_000)
    return path


def test_captions_end_where_the_sound_does(tmp_path: Path) -> None:
    heard = Captions(SRT, "en").transcribe(silence(tmp_path, 2.0), language=None)

    assert heard.language == "en"
    assert [(cue.start, cue.end) for cue in heard.utterances] == [(1.0, 2.0)]


def test_captions_of_another_film_are_no_speech(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as refused:
        Captions(SRT, "en").transcribe(silence(tmp_path, 0.5), language="en")

    assert refused.value.code == "NO_SPEECH"
