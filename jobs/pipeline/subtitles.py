"""Captions that a customer brings along: read, and taken for what is said.

SubRip has no standard; this reads what editors write. WebVTT: W3C, 2019. Markup is dropped.
"""

import html
import re
from dataclasses import replace
from pathlib import Path

import soundfile

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Engine
from jobs.pipeline.timeline import Recognition, Utterance

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.ASCII)
_MARKUP = re.compile(r"<[^<>]{0,200}>|\{\\[^{}]{0,200}\}")
MOST_CUES = 20_000


class Captions:
    """A recognizer that doesn't listen: it knows from captions what is said."""

    engine = Engine(name="captions", model="", quality="studio")

    def __init__(self, text: str, language: str) -> None:
        """Take captions (SRT or VTT) in `language`."""
        self.text = text
        self.language = language

    def transcribe(self, speech: Path, *, language: str | None) -> Recognition:
        """What the captions say, as far as the sound goes. Raises NOT_CAPTIONS, NO_SPEECH."""
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
