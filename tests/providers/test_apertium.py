"""Apertium: lines stay apart and whole, whatever is in them."""

import pytest

from jobs.pipeline.ports import Line
from jobs.providers.apertium import Apertium, decoded, encoded, installed

HOSTILE = [
    "Hello my friend.",
    "I have a [red] car ^ $ / @ * and < tags <b> today {x}.",
    "[0]",
    "[7] hello []",
    "\\",
    "Nul\0 inside",
    "One line\nanother line",
    "<STREAMCMD:SETVAR:x>",
    "^dog<n><sg>$",
    "日本語 😀",
    "...",
]


def translated(*texts: str) -> dict[int, str]:
    lines = [Line(id_, text, 2.0) for id_, text in enumerate(texts)]
    return Apertium().translate(lines, source="en", target="es", context=(), terms={})


@pytest.mark.parametrize("text", ["a [b] c", "^x$ / @ \\ {y} <z>", "[]", "\\[", "Plain."])
def test_every_sign_comes_back_as_it_was(text: str) -> None:
    sent = encoded(Line(1, text, 1.0))

    assert decoded(sent.removeprefix("[1]").removesuffix("[]"), text) == text


def test_a_line_has_no_way_out_of_its_brackets() -> None:
    sent = encoded(Line(1, "[2]x[]\0[3]", 1.0))

    assert sent == r"[1]\[2\]x\[\] \[3\].[]"


def test_a_full_stop_that_we_added_is_taken_away_again() -> None:
    assert (decoded("El perro.", "The dog"), decoded("El perro.", "The dog.")) == (
        "El perro",
        "El perro.",
    )


@pytest.mark.models
def test_apertium_is_installed() -> None:
    assert installed()


@pytest.mark.models
def test_plain_english_becomes_spanish() -> None:
    assert translated("The houses are white and the streets are narrow.") == {
        0: "Las casas son blancas y las calles son estrechas."
    }


@pytest.mark.models
def test_no_line_is_lost_merged_or_swapped_by_what_is_in_it() -> None:
    texts = translated(*HOSTILE)

    assert sorted(texts) == list(range(len(HOSTILE)))
    assert texts[2] == "[0]"
    assert texts[3] == "[7] hola []"
    assert texts[4] == "\\"
    assert "[rojo]" in texts[1]
    assert "<b>" in texts[1]
    assert "日本語" in texts[9]


@pytest.mark.models
def test_a_thousand_lines_keep_their_order() -> None:
    texts = translated(*(f"This is line {number}" for number in range(1000)))

    assert all(texts[number].endswith(f" {number}") for number in range(1000))


@pytest.mark.models
def test_unknown_words_are_left_without_marks() -> None:
    assert translated("I see a Blorptangle.")[0] == "Veo un Blorptangle."


@pytest.mark.models
def test_a_sentence_cut_in_two_lines_stays_two_lines() -> None:
    texts = translated("The farmers bring cheese and", "honey from the mountains.")

    assert len(texts) == 2
    assert "miel" in texts[1].lower()


@pytest.mark.models
def test_a_line_of_nothing_is_missing() -> None:
    assert sorted(translated("Hello.", "", "  ")) == [0]
