"""Hearing the dub again, to know whether it can be understood.

The whole dubbed voice is recognized once, and what was heard is aligned with what should have been
said, so that every line has its own word error. In Japanese and Chinese characters are counted
instead of words.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import soundfile

from jobs.pipeline import ffmpeg, listen
from jobs.pipeline.errors import PipelineError, ProviderFailed
from jobs.pipeline.numerals import spell
from jobs.pipeline.ports import Desk, Transcriber
from jobs.pipeline.timeline import Dub, PlacedLine, Recognition

MISHEARD = 0.5  # word error above which a line is listed
PAUSE = 0.6  # seconds of silence that no recognizer's word times reach across
LONGEST_STRETCH = 300  # words aligned at a time where nobody pauses: the work grows with its square

CHARACTERS = frozenset({"ja", "zh"})  # written without spaces
POINT = {"en": ".", "ja": ".", "zh": ".", "ko": ".", "hi": "."}  # decimal sign; else a comma
POINT_WORD = {
    "en": "point",
    "es": "coma",
    "fr": "virgule",
    "de": "komma",
    "it": "virgola",
    "pt": "vírgula",
    "ja": "点",
    "zh": "点",
}
PERCENT = {
    "en": "percent",
    "es": "por ciento",
    "fr": "pour cent",
    "de": "prozent",
    "it": "per cento",
    "pt": "por cento",
}
# The number one by any of its genders, and other spellings of one word.
SAME_WORD: Mapping[str, Mapping[str, str]] = {
    "en": {"ok": "okay"},
    "es": {"un": "uno", "una": "uno", "veintiún": "veintiuno", "veintiuna": "veintiuno"},
    "fr": {"une": "un"},
    "de": dict.fromkeys(("ein", "eine", "einen", "einem", "einer", "eines"), "eins"),
    "it": {"un": "uno", "una": "uno"},
    "pt": {"uma": "um", "duas": "dois"},
}

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recognizer made of a dub: word error by segment, and the language that it detected."""

    language: str
    errors: Mapping[int, float]
    engine: str

    @property
    def median(self) -> float:
        """The word error of the middle line."""
        return median(self.errors.values()) if self.errors else 0.0

    @property
    def misheard(self) -> tuple[int, ...]:
        """The segments that were not understood, in order."""
        return tuple(sorted(part for part, error in self.errors.items() if error > MISHEARD))


def again(dub: Dub, transcriber: Transcriber, folder: Path, *, desk: Desk) -> Heard | None:
    """Recognize the dubbed voice once, without telling its language, and compare line by line.

    Nothing where the recognizer fails: what is only checked must not fail with its check.
    """
    speech = folder / "heard-again.flac"
    seconds = soundfile.info(dub.voice).duration
    track = ffmpeg.source(dub.voice)
    work = ffmpeg.output(track, out=speech, ar=16_000, ac=1)
    ffmpeg.run(work, seconds=seconds, outputs=[speech], stop=desk.stop)
    try:
        recognition = listen.once(transcriber, speech, hint=None, desk=desk)
    except ProviderFailed:
        return None
    except PipelineError as silence:
        if silence.code != "NO_SPEECH":
            raise
        recognition = Recognition(language="", utterances=(), engine=transcriber.engine.name)
    errors = line_errors(dub.lines, recognition, dub.language)
    return Heard(recognition.language, errors, recognition.engine)


def line_errors(
    lines: Sequence[PlacedLine], recognition: Recognition, language: str
) -> dict[int, float]:
    """The word error of every line, by segment.

    Recognizers' word times are off by tenths of a second, so that words go to lines by alignment
    with what should have been said; times only part stretches that lie a pause from each other.
    """
    heard = sorted(_timed(recognition))
    errors: dict[int, float] = {}
    first = 0
    for stretch, until in _stretches(lines, language):
        last = first
        while last < len(heard) and heard[last][0] < until:
            last += 1
        said = " ".join(text for _, text in heard[first:last])
        errors |= _stretch_errors(stretch, words(said, language), language)
        first = last
    return errors


def _timed(recognition: Recognition) -> Iterator[tuple[float, str]]:
    """Every heard word with its middle; a whole utterance where the recognizer gives no words."""
    for utterance in recognition.utterances:
        for part in utterance.words or (utterance,):
            yield (part.start + part.end) / 2, part.text


def _stretches(
    lines: Sequence[PlacedLine], language: str
) -> Iterator[tuple[list[PlacedLine], float]]:
    """Lines that are aligned together, and the second at which the next ones take over."""
    stretch: list[PlacedLine] = []
    size = 0
    for line, after in zip(lines, [*lines[1:], None], strict=True):
        stretch.append(line)
        size += len(words(line.text, language))
        if after is None:
            yield stretch, float("inf")
        elif after.start - line.end >= PAUSE or size >= LONGEST_STRETCH:
            yield stretch, (line.end + after.start) / 2
            stretch, size = [], 0


def _stretch_errors(
    stretch: Sequence[PlacedLine], heard: list[str], language: str
) -> dict[int, float]:
    meant = [words(line.text, language) for line in stretch]
    owners = [line.segment for line, said in zip(stretch, meant, strict=True) for _ in said]
    every = [word for said in meant for word in said]
    # A word too many belongs to the line of the word before it.
    wrong = Counter(owners[max(place, 0)] for place in _edits(every, heard)) if owners else {}
    return {
        line.segment: wrong.get(line.segment, 0) / max(len(said), 1)
        for line, said in zip(stretch, meant, strict=True)
    }


def _edits(meant: Sequence[str], heard: Sequence[str]) -> list[int]:
    """The fewest edits between two texts: the place in `meant` of each one, -1 before its start."""
    costs = [list(range(len(heard) + 1))]
    for i, word in enumerate(meant):
        row = [i + 1]
        for j, other in enumerate(heard):
            swap = costs[i][j] + (word != other)
            row.append(min(swap, costs[i][j + 1] + 1, row[j] + 1))
        costs.append(row)
    i, j = len(meant), len(heard)
    places = []
    while i or j:
        cost = costs[i][j]
        if i and j and cost == costs[i - 1][j - 1] + (meant[i - 1] != heard[j - 1]):
            if meant[i - 1] != heard[j - 1]:
                places.append(i - 1)
            i, j = i - 1, j - 1
        elif i and cost == costs[i - 1][j] + 1:
            i -= 1
            places.append(i)
        else:
            j -= 1
            places.append(i - 1)
    return places


def word_error(expected: str, heard: str, language: str) -> float:
    """Edits that turn `expected` into `heard`, per word of `expected` (may pass 1); 0 is perfect.

    Case, punctuation and the way in which numbers are written don't count.
    """
    meant, got = words(expected, language), words(heard, language)
    return len(_edits(meant, got)) / max(len(meant), 1)


def words(text: str, language: str) -> list[str]:
    """Lower-case words without punctuation, numbers spelled; characters in Japanese and Chinese."""
    base = language.partition("-")[0]
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    plain = plain.replace("'", "" if base == "en" else " ")
    plain = plain.replace("%", f" {PERCENT.get(base, '%')} ")
    plain = _NUMBER.sub(lambda number: f" {_spelled(number[0], base)} ", plain)
    plain = "".join(_compared(letter, base) for letter in plain)
    found = plain.split()
    if base in CHARACTERS:
        return list("".join(found))
    same = SAME_WORD.get(base, {})
    return [same.get(word, word) for word in found]


def _compared(letter: str, language: str) -> str:
    """Letters, digits and marks (Hindi vowels are marks) as they are, anything else as a space."""
    kind = unicodedata.category(letter)[0]
    if kind == "M" and language == "ar":
        return ""  # vowels that are seldom written
    return letter if kind in "LNM" else " "


def _spelled(number: str, language: str) -> str:
    point = POINT.get(language, ",")
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", number) and point not in number:
        number = re.sub(r"[.,]", "", number)
    elif language in POINT and point == ".":
        number = number.replace(",", "")
    whole, _, decimals = number.replace(point, ".").partition(".")
    said = [spell(int(whole), language) or whole]
    if decimals:
        digits = (spell(int(digit), language) or digit for digit in decimals if digit.isdigit())
        said += [POINT_WORD.get(language, point), *digits]
    return " ".join(said)
