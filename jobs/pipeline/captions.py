"""Captions on the dub's real timing: cues that can be read, as SRT and as WebVTT.

A cue stays at most two rows high and seven seconds long, and stands long enough to be read: it
reaches into the silence after it, and short neighbours become one. Limits per language follow the
style guides for subtitles.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile

from jobs.pipeline import wording
from jobs.pipeline.segment import ends_clause, ends_sentence
from jobs.pipeline.timeline import Cue, Dub

WIDTH = {"ja": 13, "ko": 16, "zh": 16}  # characters in a row; 42 in every other language
CPS = {"ja": 9.0, "ko": 12.0, "zh": 9.0}  # characters per second; 22 in every other language
BRIEFEST, LONGEST = 0.85, 7.0  # seconds of one cue; the style guides say 0.83 to 7
INTO_SILENCE = 1.0  # seconds by which a cue may outlast its speech
LENT = 0.4  # seconds that a neighbour may give up for a cue that is hard to read
FLASH = 0.04
TOGETHER = 0.6  # seconds of silence across which two cues may become one
_NEVER_FIRST = "、。，．,.！？!?：；:;）)」』】〉》”’…ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ％%"
_NEVER_LAST = "（(「『【〈《“‘"


def cps_limit(language: str) -> float:
    """Characters per second that can be read in a language."""
    return CPS.get(wording.base(language), 22.0)


def width_limit(language: str) -> int:
    """Characters of one row in a language."""
    return WIDTH.get(wording.base(language), 42)


def cues(dub: Dub, *, language: str, duration: float | None = None) -> tuple[Cue, ...]:
    """The captions of a dub, in order, never overlapping, none after the medium's end.

    duration is the medium's; without it, that of the dub's own track.
    """
    if duration is None:
        duration = soundfile.info(dub.voice).duration
    spoken = [
        piece
        for line in dub.lines
        for piece in _pieces(_Piece(line.start, line.end, ((line.speaker, line.text),)), language)
    ]
    ordered = _in_turn(sorted(spoken, key=lambda piece: piece.start))
    timed = _stand(_readable(ordered, language, duration), language, duration)
    return tuple(
        Cue(round(piece.start, 3), round(piece.end, 3), rows)
        for piece in timed
        if (rows := _rows(piece, language) or _forced(piece, language))
    )


def srt(cues: Sequence[Cue]) -> str:
    """The cues as SubRip text."""
    return "\n".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n"
        + "".join(f"{_plain(row)}\n" for row in cue.rows)
        for number, cue in enumerate(cues, start=1)
    )


def vtt(cues: Sequence[Cue]) -> str:
    """The cues as WebVTT text."""
    return "WEBVTT\n" + "".join(
        f"\n{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n"
        + "".join(f"{_escaped(row)}\n" for row in cue.rows)
        for cue in cues
    )


def write(cues: Sequence[Cue], folder: Path) -> dict[str, Path]:
    """Write both files into `folder`: their paths by kind, `srt` and `vtt`."""
    files = {"srt": folder / "captions.srt", "vtt": folder / "captions.vtt"}
    files["srt"].write_text(srt(cues), encoding="utf-8", newline="\n")
    files["vtt"].write_text(vtt(cues), encoding="utf-8", newline="\n")
    return files


@dataclass(frozen=True, slots=True)
class _Piece:
    """What may become a cue: when it is spoken, and what by whom."""

    start: float
    end: float
    said: tuple[tuple[int, str], ...]

    @property
    def length(self) -> float:
        return self.end - self.start


# Text into rows


def _rows(piece: _Piece, language: str) -> tuple[str, ...]:
    """The piece in one or two rows, or none where it doesn't fit. Two speakers get a dash each."""
    width = width_limit(language)
    if len({speaker for speaker, _ in piece.said}) == 1:
        return _balanced(_together(piece.said, language), width)
    rows = tuple(f"- {text}" for _, text in piece.said)
    return rows if len(rows) == 2 and max(map(len, rows)) <= width else ()


def _together(said: Sequence[tuple[int, str]], language: str) -> str:
    return ("" if wording.base(language) in {"ja", "zh"} else " ").join(text for _, text in said)


def _balanced(text: str, width: int) -> tuple[str, ...]:
    """The text in one row, or in two of about the same length, divided after a clause if it can."""
    if len(text) <= width:
        return (text,) if text else ()
    halves = [
        (text[:at].rstrip(), text[at:].lstrip())
        for at in _openings(text)
        if len(text[:at].rstrip()) <= width and len(text[at:].lstrip()) <= width
    ]
    if not halves:
        return ()

    def demerit(rows: tuple[str, str]) -> float:
        return abs(len(rows[0]) - len(rows[1])) - (width / 3 if ends_clause(rows[0]) else 0)

    return min(halves, key=demerit)


def _openings(text: str) -> Iterator[int]:
    """Where the text may be divided: between words, or where East Asian typesetting allows it."""
    at = 0
    for part in wording.pieces(text)[:-1]:
        at += len(part)
        if text[at] not in _NEVER_FIRST and text[:at].rstrip()[-1:] not in _NEVER_LAST:
            yield at


def _forced(piece: _Piece, language: str) -> tuple[str, ...]:
    """Two rows for what has no place to break: a word as long as a whole cue."""
    text, width = _together(piece.said, language), width_limit(language)
    return (text[:width], text[width : 2 * width]) if text else ()


def _pieces(piece: _Piece, language: str) -> Iterator[_Piece]:
    """The piece in parts that fit two rows and seven seconds, with time by length of text."""
    text = " ".join(_together(piece.said, language).split())
    if not text:
        return
    short = piece.length <= LONGEST
    if short and _balanced(text, width_limit(language)):
        yield replace(piece, said=((piece.said[0][0], text),))
        return
    at = _middle(text, width_limit(language))
    if at is None:
        yield replace(
            piece, end=min(piece.end, piece.start + LONGEST), said=((piece.said[0][0], text),)
        )
        return
    when = piece.start + piece.length * at / len(text)
    speaker = piece.said[0][0]
    yield from _pieces(_Piece(piece.start, when, ((speaker, text[:at]),)), language)
    yield from _pieces(_Piece(when, piece.end, ((speaker, text[at:]),)), language)


def _middle(text: str, width: int) -> int | None:
    """Where the text is best cut in two: near its middle, after a sentence, a clause, or a word."""

    def demerit(at: int) -> float:
        far = abs(at - len(text) / 2) / len(text)
        return far - (0.25 if ends_sentence(text[:at]) else 0.15 if ends_clause(text[:at]) else 0)

    at = min(_openings(text), key=demerit, default=None)
    # A word longer than a cue has no opening; it is cut where it must be.
    return len(text) // 2 if at is None and len(text) > 2 * width else at


# Time


def _in_turn(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces without overlaps: whoever speaks into a line waits, or cuts its caption short."""
    turns: list[_Piece] = []
    for piece in pieces:
        start = piece.start
        if turns and turns[-1].end > start:
            before = turns[-1]
            until = max(start, min(before.end, before.start + BRIEFEST))
            turns[-1] = replace(before, end=until)
            start = until
        turns.append(replace(piece, start=start, end=max(piece.end, start)))
    return turns


def _needed(piece: _Piece, language: str) -> float:
    """Seconds that it takes to read the piece."""
    characters = sum(len(text) + 1 for _, text in piece.said)
    return min(LONGEST, max(BRIEFEST, characters / cps_limit(language)))


def _room(pieces: Sequence[_Piece], at: int, duration: float) -> float:
    """Seconds for which a piece may stand where it is."""
    following = pieces[at + 1].start if at + 1 < len(pieces) else duration
    return min(following, pieces[at].end + INTO_SILENCE) - pieces[at].start


def _readable(pieces: Sequence[_Piece], language: str, duration: float) -> list[_Piece]:
    """Joins pieces that have too little time to a neighbour, as long as both fit into one cue."""
    joined = list(pieces)
    at = 0
    while at < len(joined):
        if _room(joined, at, duration) >= _needed(joined[at], language) - 1e-6:
            at += 1
            continue
        options = [
            (first, both)
            for first in (at - 1, at)
            if 0 <= first < len(joined) - 1
            and (both := _both(joined[first], joined[first + 1], language))
        ]
        if not options:
            at += 1
            continue
        first, both = min(options, key=lambda option: option[1].length)
        joined[first : first + 2] = [both]
        at = max(0, first - 1)
    return joined


def _both(one: _Piece, two: _Piece, language: str) -> _Piece | None:
    both = _Piece(one.start, two.end, _said(one, two, language))
    apart = two.start - one.end
    good = apart <= TOGETHER and both.length <= LONGEST and _rows(both, language)
    return both if good else None


def _said(one: _Piece, two: _Piece, language: str) -> tuple[tuple[int, str], ...]:
    said = one.said + two.said
    if len({speaker for speaker, _ in said}) == 1:
        return ((said[0][0], _together(said, language)),)
    return said


def _stand(pieces: Sequence[_Piece], language: str, duration: float) -> list[_Piece]:
    """Gives every piece the time to be read: silence after it, then silence before it, then some of
    its neighbours' where they have plenty.
    """
    timed: list[_Piece] = []
    for at, piece in enumerate(pieces):
        needed = _needed(piece, language)
        end = piece.start + max(piece.length, min(needed, _room(pieces, at, duration)))
        timed.append(replace(piece, end=min(end, piece.start + LONGEST)))
    for at in range(len(timed)):
        _lend(timed, at, language, duration)
    return _visible(timed, duration)


def _visible(timed: Sequence[_Piece], until: float) -> list[_Piece]:
    """The same with nothing after `until`, and with a moment even for what nobody can read."""
    kept: list[_Piece] = []
    for piece in reversed(timed):
        end = min(piece.end, until)
        until = max(0.0, min(piece.start, end - FLASH))
        kept.append(replace(piece, start=until, end=end))
    return kept[::-1]


def _lend(timed: list[_Piece], at: int, language: str, duration: float) -> None:
    """Lengthens a piece that is too short, in place, by what its neighbours can do without."""
    piece, needed = timed[at], _needed(timed[at], language)
    goal = max(BRIEFEST, min(needed, piece.length + LENT))
    if goal - piece.length <= 1e-6:
        return
    later = timed[at + 1] if at + 1 < len(timed) else None
    end = piece.start + goal
    if later:
        timed[at + 1] = replace(later, start=max(later.start, min(end, _latest(later, language))))
        end = min(end, timed[at + 1].start)
    end = max(piece.end, min(end, piece.end + INTO_SILENCE, duration))
    start = min(piece.start, max(0.0, end - goal))
    if at:
        before = timed[at - 1]
        spare = before.length - max(BRIEFEST, _needed(before, language))
        start = min(piece.start, max(start, before.end - max(0.0, spare)))
        timed[at - 1] = replace(before, end=min(before.end, start))
    timed[at] = replace(piece, start=start, end=end)


def _latest(piece: _Piece, language: str) -> float:
    """The latest start at which a piece can still be read."""
    return piece.end - max(BRIEFEST, _needed(piece, language))


# Files


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _plain(row: str) -> str:
    """SubRip knows no escapes: what a player would take for markup is written with look-alikes."""
    row = row.replace("-->", "→").replace("{\\", "(")
    return re.sub(r"<(?=[/A-Za-z])", "‹", row)


def _escaped(row: str) -> str:
    return row.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
