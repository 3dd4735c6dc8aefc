from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.pipeline.captions import cues as written
from jobs.pipeline.captions import srt
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.subtitles import LONGEST_CUE, Captions, Nearby, onto, read
from jobs.pipeline.timeline import Dub, PlacedLine, Utterance

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
        (f"1\n00:00:01,000 --> 00:00:02,000\n{'a ' * LONGEST_CUE}", 2),
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


LINES = {0: (1.0, 3.0), 1: (3.5, 6.0), 2: (10.0, 12.0)}


def cue(start: float, end: float, text: str) -> Utterance:
    return Utterance(start, end, 0, text)


def test_a_cue_becomes_the_text_of_the_line_at_its_time() -> None:
    cues = [cue(1.1, 2.9, "Uno."), cue(3.4, 6.5, "Dos."), cue(10.2, 12.9, "Tres.")]

    fitted = onto(cues, LINES, language="es")

    assert fitted.texts == {0: "Uno.", 1: "Dos.", 2: "Tres."}
    assert fitted.left == ()


def test_a_cue_is_compared_with_the_lines_near_it_only() -> None:
    lines = {i: (i * 4.0, i * 4.0 + 3.0) for i in range(3000)} | {3000: (5000.0, 5012.0)}

    near = Nearby(lines).to(cue(5003.8, 5006.0, "Uno."))

    assert set(near) == {1251, 3000}


@pytest.mark.parametrize(("language", "text"), [("es", "你好 世界。"), ("zh", "你好世界。")])
def test_several_cues_of_one_line_are_put_together_as_the_language_is_written(
    language: str, text: str
) -> None:
    fitted = onto([cue(1.0, 2.0, "你好"), cue(2.0, 3.0, "世界。")], LINES, language=language)

    assert fitted.texts == {0: text}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Una frase corta. Y otra algo más larga aquí.",
            ("Una frase corta.", "Y otra algo más larga aquí."),
        ),
        ("una frase sin fin ninguno que va y va", ("una frase sin fin", "ninguno que va y va")),
        (
            "- ¿Sí? - No, de ninguna manera, nunca jamás.",
            ("¿Sí?", "No, de ninguna manera, nunca jamás."),
        ),
    ],
)
def test_a_cue_over_two_lines_is_divided_where_a_sentence_ends(
    text: str, parts: tuple[str, str]
) -> None:
    fitted = onto([cue(1.0, 6.0, text)], LINES, language="es")

    assert (fitted.texts[0], fitted.texts[1]) == parts


def test_a_cue_that_only_touches_a_line_is_not_about_it() -> None:
    fitted = onto([cue(2.8, 6.0, "Solo la segunda.")], LINES, language="es")

    assert fitted.texts == {1: "Solo la segunda."}


def test_a_cue_at_whose_time_nothing_is_said_is_left() -> None:
    near, far = cue(6.2, 7.0, "Casi."), cue(8.0, 9.0, "Nada.")

    fitted = onto([near, far], LINES, language="es")

    assert fitted.texts == {1: "Casi."}
    assert fitted.left == (far,)


def test_one_word_for_two_lines_goes_to_one_of_them() -> None:
    assert onto([cue(1.0, 6.0, "Hola.")], LINES, language="es").texts == {0: "Hola."}


def test_captions_that_we_wrote_come_back_as_they_were() -> None:
    said = {
        0: "Bienvenidos al puerto, donde cada barco tiene su historia y su nombre.",
        1: "Sí.",
        2: "¿Quién lo diría? Nadie, desde luego, y menos todavía un marinero viejo.",
    }
    times = {0: (1.0, 6.0), 1: (6.2, 6.8), 2: (7.0, 13.5)}
    lines = tuple(
        PlacedLine(index, *times[index], text, 0, "hum", 1, 0, 0, 0) for index, text in said.items()
    )
    captions = srt(written(Dub("es", lines, Path("x"), "x"), language="es", duration=20))

    assert onto(read(captions), times, language="es").texts == said
