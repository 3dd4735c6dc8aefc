"""Hearing a dub again: what counts as an error, and whose error it is."""

import pytest

from jobs.pipeline.hear import Heard, line_errors, word_error
from jobs.pipeline.numerals import spell
from jobs.pipeline.timeline import PlacedLine, Recognition, Utterance, Word


def line(segment: int, start: float, end: float, text: str) -> PlacedLine:
    """A dubbed line; only what matters here is said."""
    return PlacedLine(segment, start, end, text, 0, "es-ES", 1.0, 0.0, 0.0, 0.0)


def recognition(*heard: tuple[float, str]) -> Recognition:
    """Words of 0.2 s that start at the given seconds."""
    spoken = tuple(Word(start, start + 0.2, text) for start, text in heard)
    return Recognition("es", (Utterance(0.0, 60.0, 0, "", spoken),), "test")


def test_the_same_words_have_no_error() -> None:
    assert word_error("Hola, ¿qué tal?", "hola qué tal", "es") == 0


def test_one_other_word_of_four_is_a_quarter() -> None:
    assert word_error("el perro come pan", "el gato come pan", "es") == 0.25


def test_a_missing_and_an_extra_word_both_count() -> None:
    assert word_error("one two three four", "two three four five", "en") == 0.5


def test_hearing_nothing_is_an_error_of_one() -> None:
    assert word_error("no se oye nada", "", "es") == 1


def test_words_where_nothing_was_said_are_counted() -> None:
    assert word_error("", "gracias por ver", "es") == 3


@pytest.mark.parametrize(
    ("expected", "heard", "language"),
    [
        ("Tengo 25 coches.", "tengo veinticinco coches", "es"),
        ("Son 1.250 metros", "son mil doscientos cincuenta metros", "es"),
        ("Cuesta 3,5 euros", "cuesta tres coma cinco euros", "es"),
        ("Una casa", "1 casa", "es"),
        ("El 50 %", "el cincuenta por ciento", "es"),
        ("It has 1,250 rooms", "it has one thousand two hundred fifty rooms", "en"),
        ("About 3.5 miles", "about three point five miles", "en"),
        ("Don’t go", "dont go", "en"),
        ("Quatre-vingt-dix", "90", "fr"),
        ("Soixante et onze", "71", "fr"),
        ("Fünfundzwanzig Tage", "25 Tage", "de"),
        ("eine Katze", "1 Katze", "de"),
        ("Ventotto giorni", "28 giorni", "it"),
        ("Vinte e cinco dias", "25 dias", "pt"),
        ("二十五個", "25個", "ja"),
        ("ＡＢＣ", "abc", "en"),
    ],
)
def test_ways_to_write_the_same_are_the_same(expected: str, heard: str, language: str) -> None:
    assert word_error(expected, heard, language) == 0


@pytest.mark.parametrize(
    ("number", "language", "said"),
    [
        (0, "es", "cero"),
        (100, "es", "cien"),
        (21_101, "es", "veintiuno mil ciento uno"),
        (2_000_000, "es", "dos millones"),
        (1995, "en", "one thousand nine hundred ninety five"),
        (80, "fr", "quatre vingts"),
        (97, "fr", "quatre vingt dix sept"),
        (200, "fr", "deux cents"),
        (1234, "de", "eintausendzweihundertvierunddreißig"),
        (1, "de", "eins"),
        (1238, "it", "milleduecentotrentotto"),
        (2021, "it", "duemilaventuno"),
        (1500, "pt", "mil quinhentos"),
        (20_305, "zh", "二万三百五"),
    ],
)
def test_numbers_are_spelled_as_they_are_said(number: int, language: str, said: str) -> None:
    assert spell(number, language) == said


@pytest.mark.parametrize(("number", "language"), [(5, "ru"), (5, "ko"), (10**12, "en")])
def test_numbers_we_cannot_spell_stay_digits(number: int, language: str) -> None:
    assert spell(number, language) is None


def test_japanese_is_compared_by_characters() -> None:
    assert word_error("今日は晴れ。", "今日は雨", "ja") == 0.4


def test_hindi_vowel_signs_are_part_of_words() -> None:
    assert word_error("हिन्दी में", "हिन्दी मे", "hi") == 0.5


def test_arabic_vowel_marks_do_not_count() -> None:
    assert word_error("كِتَاب", "كتاب", "ar") == 0


def test_every_line_has_its_own_error() -> None:
    lines = [line(0, 0, 1, "uno dos"), line(1, 5, 6, "tres cuatro")]
    heard = recognition((0.1, "uno"), (0.5, "dos"), (5.1, "tres"), (5.5, "cinco"))

    errors = line_errors(lines, heard, "es")

    assert errors == {0: 0.0, 1: 0.5}


def test_a_word_timed_into_the_neighbouring_line_is_still_its_own() -> None:
    lines = [line(0, 0, 1, "la casa roja"), line(1, 1.1, 2, "el perro negro")]
    heard = recognition(
        *((0.1, "la"), (0.4, "casa"), (1.2, "roja"), (1.3, "el"), (1.5, "perro"), (1.8, "negro"))
    )

    errors = line_errors(lines, heard, "es")

    assert errors == {0: 0.0, 1: 0.0}


def test_a_line_that_nobody_heard_is_wholly_wrong() -> None:
    lines = [line(0, 0, 1, "uno dos"), line(7, 5, 6, "tres cuatro")]
    heard = recognition((0.1, "uno"), (0.5, "dos"))

    errors = line_errors(lines, heard, "es")

    assert errors == {0: 0.0, 7: 1.0}


def test_an_invented_word_counts_against_the_line_before_it() -> None:
    lines = [line(0, 0, 1, "uno dos"), line(1, 5, 6, "tres cuatro")]
    heard = recognition((0.1, "uno"), (0.5, "dos"), (1.0, "gracias"), (5.1, "tres"), (5.5, "4"))

    errors = line_errors(lines, heard, "es")

    assert errors == {0: 0.5, 1: 0.0}


def test_a_recognizer_without_word_times_is_compared_by_utterances() -> None:
    lines = [line(0, 0, 1, "uno dos"), line(1, 5, 6, "tres cuatro")]
    heard = Recognition(
        "es", (Utterance(0, 1, 0, "Uno, dos."), Utterance(5, 6, 0, "Tres, cuatro.")), "test"
    )

    errors = line_errors(lines, heard, "es")

    assert errors == {0: 0.0, 1: 0.0}


def test_an_hour_without_a_pause_is_compared_in_little_time() -> None:
    lines = [
        line(i, 2.0 * i, 2.0 * i + 1.95, f"palabra número {i} dicha aquí") for i in range(1800)
    ]
    heard = recognition(
        *(
            (one.start + 0.3 * place, word)
            for one in lines
            for place, word in enumerate(one.text.split())
        )
    )

    errors = line_errors(lines, heard, "es")

    assert max(errors.values()) == 0


def test_misheard_lines_are_those_with_more_than_half_the_words_wrong() -> None:
    heard = Heard("es", {0: 0.0, 1: 0.5, 2: 0.6, 3: 1.0, 4: 0.1}, "test")

    assert (heard.median, heard.misheard) == (0.5, (2, 3))
