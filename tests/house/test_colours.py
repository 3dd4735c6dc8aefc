"""The tokens of static/dubber.css: what stands on what can be read, in both themes."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

SHEET = Path(__file__).parents[2] / "static" / "dubber.css"
THEMES = ("light", "dark")
TOKEN = re.compile(r"--([\w-]+): (?:light-dark\((#\w{6}), (#\w{6})\)|var\(--([\w-]+)\));")

TEXT = [  # what is read, on what it stands
    *((ink, ground) for ink in ("text", "muted", "accent") for ground in ("page", "surface")),
    *((ink, "sunken") for ink in ("text", "muted")),
    *((ink, ground) for ink in ("done", "look", "failed") for ground in ("page", "surface")),
    *((ink, f"{ink}-soft") for ink in ("done", "look", "failed")),
    *(("text", f"{ground}-soft") for ground in ("done", "look", "failed", "accent")),
    ("accent-strong", "accent-soft"),
    ("accent-strong", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]
SHAPES = [  # what must be seen as a shape
    *((shape, ground) for shape in ("control", "accent") for ground in ("page", "surface")),
    *((block, "surface") for block in ("said", "natural", "quick", "fast")),
    ("accent", "grey-3"),
]


def tokens() -> dict[str, tuple[str, str]]:
    """Every token's colour in the light and in the dark theme."""
    found: dict[str, tuple[str, str]] = {}
    for name, light, dark, other in TOKEN.findall(SHEET.read_text(encoding="utf-8")):
        found[name] = found[other] if other else (light, dark)
    return found


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("theme", [0, 1], ids=THEMES)
def test_text_can_be_read(theme: int) -> None:
    colours = tokens()

    measured = {
        pair: round(contrast(colours[pair[0]][theme], colours[pair[1]][theme]), 2) for pair in TEXT
    }

    assert {pair: value for pair, value in measured.items() if value < 4.5} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=THEMES)
def test_shapes_can_be_seen(theme: int) -> None:
    colours = tokens()

    measured = {
        pair: round(contrast(colours[pair[0]][theme], colours[pair[1]][theme]), 2)
        for pair in SHAPES
    }

    assert {pair: value for pair, value in measured.items() if value < 3} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=THEMES)
def test_the_faster_a_line_the_more_its_block_stands_out(theme: int) -> None:
    colours = tokens()

    steps = [
        contrast(colours[block][theme], colours["surface"][theme])
        for block in ("natural", "quick", "fast")
    ]

    assert steps == sorted(steps)
    assert all(after / before > 1.4 for before, after in pairwise(steps))
