"""Cuts what a recognizer heard into lines, and gives each line its room.

Recognizers put words up to 300 ms beside where they are said, stretch a word over the silence
before it, and invent words in silence. The sound knows better: `spans` are the stretches in which
there is speech energy, and every edge is moved onto one where one is near.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.timeline import Recognition, Segment, Transcript, Utterance, Word

LONGEST = 12.0  # seconds of one segment
SHORT = 1.0  # a segment shorter than this joins a neighbour that is
NEAR = 0.3  # less than this away
PAUSE = 0.7  # silence that ends a segment
CLAUSE_PAUSE = 0.5  # the same after a comma
GAP = 0.08  # kept free before the next line
ONE_SOUND = 0.25  # a hole in the energy shorter than this is a consonant, not a pause
TRUST = 0.3  # seconds by which a recognizer's edge may be too early or too late
UNSURE = 0.5  # a word less probable than this, where there is no sound, was not said
BRIEFEST = 0.1  # recognizers give some words no length at all
SURE = 0.9  # a whole segment without sound is kept only when it is as probable as this

Span = tuple[float, float]

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
_TOKEN = re.compile(rf"[{_CJK}][^\w\s]*\s*|[^\s{_CJK}]+\s*")
_SENTENCE_END = re.compile(r"[.!?…。！？؟।]+[\"'”’»)\]」』）]*\s*$")
_CLAUSE_END = re.compile(r"[,;:、，；：،؛—–]+[\"'”’»)\]」』）]*\s*$")
_NOT_AN_END = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|sr|sra|vs|nr|bzw|z\.b|e\.g|i\.e|p\. ?ej)|\b[^\W\d_])\.\s*$",
    re.IGNORECASE,
)
_SOUND_LABEL = re.compile(r"^\s*(?:[\[(（【*].*[\])）】*]|[♪♫].*)\s*$")


@dataclass(frozen=True, slots=True)
class Slot:
    """The room of one segment, in seconds on the source timeline.

    start and end are the segment's own; until is how far its dub may run: 80 ms before the next
    line that it must not overlap, or the end of the media.
    """

    index: int
    start: float
    end: float
    speaker: int
    until: float

    @property
    def room(self) -> float:
        """Seconds from the segment's start to the end of its room."""
        return self.until - self.start


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word with the spaces after it."""

    start: float
    end: float
    speaker: int
    text: str
    probability: float


_Pieces = list[_Piece]


def segments(recognition: Recognition, spans: Sequence[Span]) -> Transcript:
    """One segment per sentence or clause of one speaker, in start order, with edges on the sound.

    spans are the stretches of speech energy, in seconds, in order; without any, nothing is known.
    Raises PipelineError NO_SPEECH when nothing is left.
    """
    sounds = _joined(spans)
    pieces = [
        piece
        for utterance in recognition.utterances
        if _is_words(utterance.text)
        for piece in _pieces(utterance, sounds)
        if not _imagined(piece, sounds)
    ]
    groups = [
        group
        for speaker in sorted({piece.speaker for piece in pieces})
        for group in _groups([piece for piece in pieces if piece.speaker == speaker])
    ]
    found = [_segment(group) for group in groups if _is_speech(group, sounds)]
    found = _refined(_apart(sorted(found, key=lambda s: (s.start, s.speaker))), spans)
    if not found:
        raise PipelineError("NO_SPEECH")
    numbered = tuple(
        # Recognizers and sound analysis like to hand over numpy's numbers.
        replace(segment, index=index, start=float(segment.start), end=float(segment.end))
        for index, segment in enumerate(found)
    )
    return Transcript(recognition.language, numbered, recognition.engine)


def turns(recognition: Recognition) -> dict[int, list[Span]]:
    """When each speaker speaks, and nobody else at the same time, in seconds."""
    said = sorted(recognition.utterances, key=lambda utterance: utterance.start)
    found: dict[int, list[Span]] = {}
    for before, one, after in zip((None, *said), said, (*said[1:], None), strict=False):
        start = max(one.start, before.end if before else 0.0)
        end = min(one.end, after.start if after else one.end)
        if start < end:
            found.setdefault(one.speaker, []).append((start, end))
    return found


def overlap(one: Segment | Slot, two: Segment | Slot) -> float:
    """Seconds for which two people speak at once; `one` starts first. One speaker never does."""
    if one.speaker == two.speaker:
        return 0.0
    return max(0.0, min(one.end, two.end) - two.start)


def slots(lines: Sequence[Segment], duration: float) -> tuple[Slot, ...]:
    """The room of every segment (in start order) of a medium of `duration` seconds."""
    kept = [
        replace(line, start=min(line.start, duration), end=min(line.end, duration))
        for line in lines
    ]
    ends = [duration] * len(kept)
    for i, line in enumerate(kept):
        for j in range(i + 1, len(kept)):
            later = kept[j]
            both = overlap(line, later)
            if both <= 0:
                # What the source itself spoke without a breath stays without one.
                said = min(line.end, later.start)
                ends[i] = min(ends[i], max(said, later.start - GAP))
                break
            if later.end < line.end:  # said into the middle of this line: the short one gives way
                ends[j] = min(ends[j], later.end)
            else:
                ends[i] = min(ends[i], line.end)
    return tuple(
        Slot(line.index, line.start, line.end, line.speaker, end)
        for line, end in zip(kept, ends, strict=True)
    )


def ends_sentence(text: str) -> bool:
    """Say whether a sentence ends with `text`. Titles, initials and abbreviations end none."""
    return bool(_SENTENCE_END.search(text)) and not _NOT_AN_END.search(text)


def ends_clause(text: str) -> bool:
    """Say whether at least a clause ends with `text`."""
    return ends_sentence(text) or bool(_CLAUSE_END.search(text))


def _joined(spans: Sequence[Span]) -> list[Span]:
    """The spans as whole stretches of speech: small holes are closed."""
    whole: list[Span] = []
    for start, end in sorted(spans):
        if whole and start - whole[-1][1] < ONE_SOUND:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def _touching(start: float, end: float, spans: Sequence[Span]) -> Sequence[Span]:
    """The spans (in order, apart) that share time with start to end."""
    first = bisect_right(spans, start, key=lambda span: span[1])
    last = bisect_left(spans, end, key=lambda span: span[0])
    return spans[first:last]


def _pieces(utterance: Utterance, sounds: Sequence[Span]) -> Iterable[_Piece]:
    words = utterance.words or tuple(_spread(utterance, sounds))
    texts = _spelled(utterance.text, words)
    for word, text in zip(words, texts, strict=True):
        start, end = _on_sound(word, sounds)
        yield _Piece(start, end, utterance.speaker, text, word.probability)


def _spelled(text: str, words: Sequence[Word]) -> list[str]:
    """The words as the whole text writes them: with its punctuation and its spaces."""
    starts = []
    at = 0
    for word in words:
        found = text.find(word.text.strip(), at)
        if found < 0:
            return [_spaced(word.text.strip()) for word in words]
        starts.append(found)
        at = found + len(word.text.strip())
    if starts:
        starts[0] = 0
    written = [text[a:b] for a, b in pairwise([*starts, len(text)])]
    return [*written[:-1], *(_spaced(last) for last in written[-1:])]


def _spaced(text: str) -> str:
    return text if re.search(rf"[{_CJK}。、！？]\s*$", text) else f"{text} "


def _spread(utterance: Utterance, sounds: Sequence[Span]) -> Iterable[Word]:
    """Words of an utterance that came without: spread by length over the time that has sound."""
    tokens = _TOKEN.findall(utterance.text)
    start, end = utterance.start, utterance.end
    heard = [(max(a, start), min(b, end)) for a, b in _touching(start, end, sounds)]
    heard = heard or [(start, end)]
    share = sum(b - a for a, b in heard) / max(1, sum(map(len, tokens)))
    done = 0
    for token in tokens:
        begins = _after(done * share, heard)
        done += len(token)
        yield Word(begins, max(begins, _after(done * share, heard)), token)


def _after(seconds: float, heard: Sequence[Span]) -> float:
    """The moment at which `seconds` of sound have passed."""
    for start, end in heard:
        if seconds <= end - start:
            return start + seconds
        seconds -= end - start
    return heard[-1][1]


def _on_sound(word: Word, sounds: Sequence[Span]) -> Span:
    """The part of a word that can be heard."""
    touched = _touching(word.start, word.end, sounds)
    if not touched:
        return word.start, word.end
    parts = [(max(word.start, start), min(word.end, end)) for start, end in touched]
    return max(parts, key=lambda part: part[1] - part[0])


def _imagined(piece: _Piece, sounds: Sequence[Span]) -> bool:
    if not sounds or piece.probability >= UNSURE:
        return False
    return not _touching(piece.start - TRUST, piece.end + TRUST, sounds)


def _is_words(text: str) -> bool:
    return any(character.isalnum() for character in text) and not _SOUND_LABEL.match(text)


def _is_speech(group: _Pieces, sounds: Sequence[Span]) -> bool:
    if not _is_words(_text(group)):
        return False
    start, end = group[0].start, group[-1].end
    if not sounds or _touching(start - TRUST, end + TRUST, sounds):
        return True
    return sum(piece.probability for piece in group) / len(group) >= SURE


def _groups(pieces: _Pieces) -> list[_Pieces]:
    """The words of one speaker as sentences and clauses of bearable length."""
    groups: list[_Pieces] = []
    for piece in sorted(pieces, key=lambda p: p.start):
        if groups and not _breaks(groups[-1][-1], piece):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return _merged([part for group in groups for part in _split(group)])


def _breaks(one: _Piece, two: _Piece) -> bool:
    gap = two.start - one.end
    if gap >= PAUSE or (gap >= CLAUSE_PAUSE and ends_clause(one.text)):
        return True
    return ends_sentence(one.text) and not two.text[:1].islower()


def _length(group: _Pieces) -> float:
    return group[-1].end - group[0].start


def _split(group: _Pieces) -> list[_Pieces]:
    """Halves a group that is too long where it hurts least, until every part is short enough."""
    if _length(group) <= LONGEST or len(group) == 1:
        return [group]
    middle = (group[0].start + group[-1].end) / 2

    def merit(at: int) -> float:
        pause = group[at].start - group[at - 1].end
        clause = 0.35 if ends_clause(group[at - 1].text) else 0.0
        return pause * 2 + clause - abs(group[at].start - middle) / _length(group)

    at = max(range(1, len(group)), key=merit)
    return _split(group[:at]) + _split(group[at:])


def _merged(groups: list[_Pieces]) -> list[_Pieces]:
    """Joins what is too short to stand alone to the shorter one of its near neighbours."""
    done: list[_Pieces] = []
    for at, group in enumerate(groups):
        later = groups[at + 1] if at + 1 < len(groups) else None
        if done and _joins(done[-1], group):
            before_is_short = _length(done[-1]) < SHORT
            later_is_better = (
                later is not None and _joins(group, later) and _length(later) < _length(done[-1])
            )
            if before_is_short or not later_is_better:
                done[-1] = done[-1] + group
                continue
        done.append(group)
    return done


def _joins(one: _Pieces, two: _Pieces) -> bool:
    short = min(_length(one), _length(two)) < SHORT
    near = two[0].start - one[-1].end < NEAR
    return short and near and two[-1].end - one[0].start <= LONGEST


def _text(group: _Pieces) -> str:
    return " ".join("".join(piece.text for piece in group).split())


def _segment(group: _Pieces) -> Segment:
    start = group[0].start
    end = max(start + BRIEFEST, *(piece.end for piece in group))
    return Segment(0, start, min(end, start + LONGEST), group[0].speaker, _text(group))


def _apart(found: Sequence[Segment]) -> list[Segment]:
    """The same without overlaps of one speaker with himself, which only a recognizer can hear."""
    apart: list[Segment] = []
    following: dict[int, int] = {}
    for segment in reversed(found):
        at = following.get(segment.speaker)
        if at is None or apart[at].start >= segment.start + BRIEFEST:
            end = segment.end if at is None else min(segment.end, apart[at].start)
            following[segment.speaker] = len(apart)
            apart.append(replace(segment, end=end))
        else:
            text = f"{segment.text} {apart[at].text}"
            apart[at] = replace(apart[at], start=segment.start, text=text)
    return sorted(apart, key=lambda s: (s.start, s.speaker))


def _refined(found: Sequence[Segment], spans: Sequence[Span]) -> list[Segment]:
    """Every edge on the nearest true edge of the sound, never past a neighbour."""
    refined: list[Segment] = []
    edges = sorted(spans)
    last = 0.0
    for at, segment in enumerate(found):
        before = last if last <= segment.start else segment.start
        later = found[at + 1].start if at + 1 < len(found) else float("inf")
        after = later if later >= segment.end else segment.end
        start = max(before, _onset(segment, edges, before))
        end = min(after, _offset(segment, edges, after), start + LONGEST)
        refined.append(replace(segment, start=start, end=end))
        last = max(last, end)
    return sorted(refined, key=lambda s: (s.start, s.speaker))


def _onset(segment: Segment, edges: Sequence[Span], before: float) -> float:
    at = bisect_right(edges, segment.start, key=lambda span: span[1])
    if at == len(edges):
        return segment.start
    start = edges[at][0]
    if start > segment.start:  # in silence: the sound comes a little later
        return start if start < min(segment.end, segment.start + PAUSE) else segment.start
    return start if start >= max(before, segment.start - TRUST) else segment.start


def _offset(segment: Segment, edges: Sequence[Span], after: float) -> float:
    at = bisect_left(edges, segment.end, key=lambda span: span[0]) - 1
    if at < 0:
        return segment.end
    end = edges[at][1]
    if end < segment.end:
        return end if end > max(segment.start, segment.end - PAUSE) else segment.end
    return end if end <= min(after, segment.end + TRUST) else segment.end
