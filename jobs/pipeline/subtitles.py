"""Captions that a customer brings along: read, and taken for what is said, or is to be said.

SubRip has no standard; this reads what editors write. WebVTT: W3C, 2019. Markup is dropped.
"""

import hashlib
import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import soundfile

from jobs.pipeline import wording
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Engine
from jobs.pipeline.segment import ends_clause, ends_sentence
from jobs.pipeline.timeline import Recognition, Transcript, Utterance

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.ASCII)
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_DASH = re.compile(r"(?:^|\s)[-–—]\s+")
MOST_CUES = 20_000
LONGEST_CUE = 2000  # characters; what is longer is no caption, and takes long to divide
LONGEST_END = 40  # characters at the end of a text that say whether a sentence ends there
NEAR = 0.5  # seconds between a cue and the line that it is still taken for
COVERED = 0.5  # share of the shorter of the two that a cue and a line must have in common
SENTENCE_WORTH, CLAUSE_WORTH = 0.25, 0.1  # shares of a text by which a cut may miss its place


class Captions:
    """A recognizer that doesn't listen: it knows from captions what is said."""

    engine = Engine(name="captions", model="", quality="studio")

    def __init__(self, text: str, language: str) -> None:
        """Take captions (SRT or VTT) in `language`."""
        self.text = text
        self.language = language
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.engine = replace(self.engine, model=digest[:12])  # other captions say something else

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """What the captions say, as far as the sound goes. Raises NOT_CAPTIONS, NO_SPEECH."""
        del stop  # it takes no time
        until = soundfile.info(speech).duration
        cues = [cue for cue in read(self.text) if cue.start < until]
        if not cues:
            raise PipelineError("NO_SPEECH")
        said = tuple(replace(cue, end=min(cue.end, until)) for cue in cues)
        return Recognition(language or self.language, said, self.engine.name)


def read(text: str) -> tuple[Utterance, ...]:
    """The cues of an SRT or VTT file as utterances of one speaker, in order, none overlapping.

    Raises NOT_CAPTIONS, which names the line.
    """
    cues: list[Utterance] = []
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = 0
    while at < len(lines):
        if "-->" not in lines[at]:
            at += 1
            continue
        start, end = _timing(lines[at], at + 1)
        at += 1
        first = at
        while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
            at += 1
        said = _plain(" ".join(lines[first:at]))
        if len(said) > LONGEST_CUE:
            raise PipelineError("NOT_CAPTIONS", line=first)
        if said:
            cues.append(Utterance(start, end, 0, said))
    if not cues or len(cues) > MOST_CUES:
        raise PipelineError("NOT_CAPTIONS", line=1)
    return _in_turn(cues)


def _timing(line: str, number: int) -> tuple[float, float]:
    found = _TIMING.fullmatch(line)
    if found is None:
        raise PipelineError("NOT_CAPTIONS", line=number)
    start, end = _seconds(found.groups()[:4]), _seconds(found.groups()[4:])
    if end <= start:
        raise PipelineError("NOT_CAPTIONS", line=number)
    return start, end


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int(fraction.ljust(3, "0")) / 1000


def _plain(text: str) -> str:
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _in_turn(cues: list[Utterance]) -> tuple[Utterance, ...]:
    """In order of their start; a cue ends where the next one begins."""
    ordered = sorted(cues, key=lambda cue: cue.start)
    ends = [*(cue.start for cue in ordered[1:]), float("inf")]
    return tuple(
        Utterance(cue.start, min(cue.end, end), cue.speaker, cue.text)
        for cue, end in zip(ordered, ends, strict=True)
        if end > cue.start
    )


@dataclass(frozen=True, slots=True)
class Fitted:
    """Captions as texts of lines: by the line's index, and the cues that belong to none."""

    texts: Mapping[int, str]
    left: tuple[Utterance, ...]


def onto(
    cues: Sequence[Utterance], lines: Mapping[int, tuple[float, float]], *, language: str
) -> Fitted:
    """Give every line (index to start and end) what is written at its time.

    Several cues of one line are put together; a cue over several lines is divided among them, after
    a sentence or a clause where one ends near.
    """
    said: dict[int, list[str]] = {}
    left = []
    nearby = Nearby(lines)
    for cue in cues:
        shares = _shares(cue, nearby.to(cue))
        for index, text in zip(shares, _divided(cue.text, list(shares.values())), strict=True):
            if text:
                said.setdefault(index, []).append(text)
        if not shares:
            left.append(cue)
    return Fitted(
        {index: wording.together(parts, language) for index, parts in said.items()}, tuple(left)
    )


def texts(captions: str, transcript: Transcript, *, language: str) -> Mapping[int, str]:
    """What captions (SRT or VTT, "" for none) in `language` say for each segment, by its index.

    Raises NOT_CAPTIONS.
    """
    if not captions:
        return {}
    spans = {part.index: (part.start, part.end) for part in transcript.segments}
    return onto(read(captions), spans, language=language).texts


class Nearby:
    """Lines in order of their start, to find those near a cue without a look at all others."""

    def __init__(self, lines: Mapping[int, tuple[float, float]]) -> None:
        """Take lines, by index: start and end."""
        self._lines = sorted(lines.items(), key=lambda line: line[1])
        self._starts = [start for _, (start, _end) in self._lines]
        self._ended = list(accumulate((end for _, (_start, end) in self._lines), max))

    def to(self, cue: Utterance) -> dict[int, tuple[float, float]]:
        """Every line that a cue can be about, and seldom another one."""
        first = bisect_right(self._ended, cue.start - NEAR)
        return dict(self._lines[first : bisect_left(self._starts, cue.end + NEAR)])


def _shares(cue: Utterance, lines: Mapping[int, tuple[float, float]]) -> dict[int, float]:
    """The lines that a cue is about, in order, each with the seconds they have in common."""
    common = {
        index: min(cue.end, end) - max(cue.start, start) for index, (start, end) in lines.items()
    }
    covered = {
        index: seconds
        for index, seconds in common.items()
        if seconds > 0
        and seconds >= COVERED * min(cue.end - cue.start, lines[index][1] - lines[index][0])
    }
    if covered:
        return dict(sorted(covered.items(), key=lambda one: lines[one[0]]))
    nearest = max(common, key=lambda index: common[index], default=None)
    if nearest is None or common[nearest] <= -NEAR:
        return {}
    return {nearest: 1.0}


def _divided(text: str, weights: Sequence[float]) -> list[str]:
    """The text in as many parts as there are weights, about as long as these say.

    A dash before each speaker's words divides them; parts may be empty where there is too little.
    """
    turns = [turn.strip() for turn in _DASH.split(text) if turn.strip()]
    if _DASH.match(text):
        if len(turns) == len(weights):
            return turns
        text = " ".join(turns)
    parts: list[str] = []
    for at in range(len(weights) - 1):
        first, text = _cut(text, weights[at] / sum(weights[at:]))
        parts.append(first)
    return [*parts, text][: len(weights)]


def _cut(text: str, share: float) -> tuple[str, str]:
    """The text in two, the first about `share` of it."""
    places = list(accumulate(map(len, wording.pieces(text))))[:-1]
    if not places:
        return text, ""

    def demerit(place: int) -> float:
        end = text[max(0, place - LONGEST_END) : place]
        worth = SENTENCE_WORTH if ends_sentence(end) else CLAUSE_WORTH
        miss = abs(place / len(text) - share)
        return miss - (worth if ends_clause(end) else 0.0)

    best = min(places, key=demerit)
    return text[:best].strip(), text[best:].strip()
