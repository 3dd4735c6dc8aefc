"""Cues on the dub's timing that can be read, and the two files they are written to."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.pipeline.captions import cps_limit, cues, srt, vtt, width_limit, write
from jobs.pipeline.timeline import Cue, Dub, PlacedLine

NOWHERE = Path("voice.flac")


def dub(*lines: tuple[float, float, str], language: str = "es", speakers: str = "") -> Dub:
    placed = tuple(
        PlacedLine(
            segment=i,
            start=start,
            end=end,
            text=text,
            speaker=int(speakers[i]) if speakers else 0,
            voice="v",
            speed=1.0,
            borrowed=0.0,
            early=0.0,
            late=0.0,
        )
        for i, (start, end, text) in enumerate(lines)
    )
    return Dub(language, placed, NOWHERE, "test")


def made(spoken: Dub, duration: float = 100.0) -> tuple[Cue, ...]:
    return cues(spoken, language=spoken.language, duration=duration)


def speed(cue: Cue) -> float:
    return sum(map(len, cue.rows)) / (cue.end - cue.start)


def test_a_line_that_fits_is_one_cue_on_the_dubs_timing() -> None:
    (cue,) = made(dub((1.5, 3.5, "Hola a todos y bienvenidos.")))

    assert cue == Cue(1.5, 3.5, ("Hola a todos y bienvenidos.",))


def test_a_long_line_is_divided_into_two_rows_after_its_comma() -> None:
    text = "Cuando llegamos a la casa vieja, ya no quedaba nadie dentro."

    (cue,) = made(dub((0, 4, text)))

    assert cue.rows == ("Cuando llegamos a la casa vieja,", "ya no quedaba nadie dentro.")


def test_a_line_longer_than_two_rows_becomes_cues_with_time_by_length() -> None:
    text = "Una frase bastante larga que sigue y sigue, hasta que nadie recuerda cómo empezó. " * 2

    parts = made(dub((0, 10, text)))

    assert len(parts) >= 2
    assert (parts[0].start, parts[-1].end) == (0, 10)
    assert " ".join(" ".join(cue.rows) for cue in parts) == text.strip()


def test_no_cue_stands_longer_than_seven_seconds() -> None:
    parts = made(dub((0, 12, "Muy despacio, palabra por palabra, habla el viejo.")))

    assert max(cue.end - cue.start for cue in parts) <= 7


def test_a_quick_cue_reaches_into_the_silence_after_it() -> None:
    (cue, _) = made(dub((0, 1, "Esto se ha dicho demasiado deprisa."), (5, 6, "Sí, es verdad.")))

    assert speed(cue) <= 22
    assert 1 < cue.end <= 2


def test_short_neighbours_become_one_cue() -> None:
    parts = made(dub((0, 0.4, "Sí."), (0.5, 0.9, "No."), (1.0, 3, "Bueno, quizá mañana.")))

    assert [cue.rows for cue in parts] == [("Sí. No.",), ("Bueno, quizá mañana.",)]


def test_two_speakers_in_one_cue_get_a_dash_each() -> None:
    (cue,) = made(dub((0, 0.5, "¿Vienes?"), (0.6, 1.0, "Sí."), speakers="01"), 1.1)

    assert cue.rows == ("- ¿Vienes?", "- Sí.")


def test_lines_that_overlap_make_cues_that_do_not() -> None:
    parts = made(dub((0, 4, "Una cosa que digo yo."), (3, 6, "Otra que dices tú."), speakers="01"))

    assert all(one.end <= two.start for one, two in pairwise(parts))
    assert parts[1].start == 3


def test_a_short_cue_at_the_very_end_begins_earlier_instead_of_outlasting_the_medium() -> None:
    (cue,) = made(dub((9.7, 10, "Adiós.")), 10)

    assert cue.end == 10
    assert cue.end - cue.start == pytest.approx(0.85)


def test_a_silent_line_still_has_its_caption() -> None:
    (cue,) = made(dub((5, 5, "Nadie pudo decir esto.")))

    assert cue.rows == ("Nadie pudo decir esto.",)
    assert cue.end - cue.start >= 0.83


def test_japanese_rows_keep_to_thirteen_characters_and_never_begin_with_a_full_stop() -> None:
    text = "今日はとても良い天気ですね。散歩に行きましょう。明日は雨が降るかもしれません。"

    parts = made(dub((0, 8, text), language="ja"))

    rows = [row for cue in parts for row in cue.rows]
    assert max(map(len, rows)) <= 13
    assert all(row[0] not in "。、ょっ" for row in rows)
    assert "".join(rows) == text


def test_korean_rows_are_divided_between_words() -> None:
    text = "오늘은 날씨가 정말 좋아서 산책을 갑니다"

    (cue,) = made(dub((0, 4, text), language="ko"))

    assert " ".join(cue.rows) == text
    assert max(map(len, cue.rows)) <= 16


def test_without_a_duration_that_of_the_track_is_read(tmp_path: Path) -> None:
    voice = tmp_path / "voice.flac"
    soundfile.write(voice, np.zeros(48_000, np.int16), 48_000, format="FLAC")
    spoken = Dub("es", dub((0.8, 0.9, "Ya.")).lines, voice, "test")

    (cue,) = cues(spoken, language="es")

    assert cue.end == 1.0


def test_srt_is_numbered_from_one_with_commas_in_its_times() -> None:
    text = srt((Cue(0.5, 2.25, ("Hola", "a todos")), Cue(3661.001, 3662.0, ("Sí",))))

    assert text == (
        "1\n00:00:00,500 --> 00:00:02,250\nHola\na todos\n\n2\n01:01:01,001 --> 01:01:02,000\nSí\n"
    )


def test_vtt_has_its_header_and_points_in_its_times() -> None:
    text = vtt((Cue(0.5, 2.25, ("Hola", "a todos")),))

    assert text == "WEBVTT\n\n00:00:00.500 --> 00:00:02.250\nHola\na todos\n"


def test_markup_and_arrows_in_a_text_stay_text() -> None:
    cue = Cue(0, 1, ("a --> b & <i>c</i> {\\an8}",))

    assert vtt((cue,)).splitlines()[3] == "a --&gt; b &amp; &lt;i&gt;c&lt;/i&gt; {\\an8}"
    assert "-->" not in srt((cue,)).splitlines()[2]
    assert "<i" not in srt((cue,))


def test_both_files_are_written(tmp_path: Path) -> None:
    files = write((Cue(0, 1, ("¿Qué?",)),), tmp_path)

    assert files["srt"].read_bytes().decode() == "1\n00:00:00,000 --> 00:00:01,000\n¿Qué?\n"
    assert files["vtt"].read_bytes().startswith(b"WEBVTT\n\n")


WORDS = ["el", "perro", "y", "naturalmente,", "casa.", "otorrinolaringólogo", "¿qué?", "x" * 50]
SIGNS = list("日本語の文字列、。「」ょっABC ")


@st.composite
def dubs(draw: st.DrawFn) -> tuple[Dub, float]:
    language = draw(st.sampled_from(["es", "ja", "ko", "zh"]))
    parts, joint = (SIGNS, "") if language in {"ja", "zh"} else (WORDS, " ")
    lines, at = [], 0.0
    for _ in range(draw(st.integers(1, 10))):
        at += draw(st.sampled_from([0.0, 0.0, 0.08, 0.5, 3.0]))
        text = joint.join(draw(st.lists(st.sampled_from(parts), min_size=1, max_size=40)))
        end = at + max(draw(st.floats(0.3, 12.0)), len(text) / 60)  # nobody speaks faster
        lines.append((at, end, text))
        at = end - draw(st.sampled_from([0.0, 0.0, 0.0, 0.05]))
    end = lines[-1][1] + draw(st.floats(0, 2))
    return dub(*lines, language=language), end


@given(dubs())
@settings(max_examples=60, deadline=None)
def test_whatever_is_said_cues_are_apart_within_width_and_inside_the_medium(
    spoken: tuple[Dub, float],
) -> None:
    lines, duration = spoken

    parts = made(lines, duration)

    assert all(one.end <= two.start for one, two in pairwise(parts))
    assert all(0 <= cue.start < cue.end <= duration + 0.001 for cue in parts)
    assert all(cue.end - cue.start <= 7.001 for cue in parts)
    assert all(1 <= len(cue.rows) <= 2 for cue in parts)
    assert all(0 < len(row) <= width_limit(lines.language) for cue in parts for row in cue.rows)


@given(dubs())
@settings(max_examples=60, deadline=None)
def test_no_character_is_lost(spoken: tuple[Dub, float]) -> None:
    lines, duration = spoken

    parts = made(lines, duration)

    shown = "".join(row for cue in parts for row in cue.rows)
    said = "".join(line.text for line in lines.lines)
    # Lines that overlap take turns, so that only what is shown counts, not its order.
    assert sorted(re.sub(r"\s", "", shown)) == sorted(re.sub(r"\s", "", said))


@pytest.mark.parametrize(
    ("language", "rate", "word"),
    [
        ("es", 17, "palabra"),
        ("fr", 21, "parole"),
        ("de", 16, "Wörter"),
        ("ja", 7.5, "言葉が"),
        ("zh", 5.5, "话语"),
    ],
)
def test_speech_at_a_usual_rate_gives_cues_that_can_be_read(
    language: str, rate: float, word: str
) -> None:
    lines, at = [], 0.0
    for i in range(60):
        count = (3, 9, 17, 5, 26, 1)[i % 6]
        text = ("" if language in {"ja", "zh"} else " ").join([word] * count) + "."
        lines.append((at, at + len(text) / rate, text))
        at += len(text) / rate + (0.1, 0.1, 0.6)[i % 3]

    parts = made(dub(*lines, language=language), at + 1)

    readable = [speed(cue) <= cps_limit(language) + 1e-6 for cue in parts]
    assert sum(readable) >= 0.95 * len(parts)
    assert min(cue.end - cue.start for cue in parts) >= 0.83
