"""Says every line of a transcript in another language, within the time that it has.

Lines go to the translator in batches, with the transcript around them. What comes back is checked,
and only broken lines are asked for again; what stays broken keeps its source text and a flag, for a
single line never fails a language.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType

from jobs.pipeline import wording
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.fit import wants_fuller_wording
from jobs.pipeline.parallel import in_order
from jobs.pipeline.ports import Desk, Line, Tone, Translator
from jobs.pipeline.segment import Slot, slots
from jobs.pipeline.timeline import Flag, Segment, Take, Transcript, Translation

NO_TERMS: Mapping[str, str] = MappingProxyType({})
NO_TEXTS: Mapping[int, str] = MappingProxyType({})
BATCH = 20  # lines asked for at once
AGAIN = 2  # more times that a broken line is asked for
CONTEXT = 8000  # characters of transcript sent along
BREATH = 0.5  # seconds of the following pause that a line may count on
TAIL = 1.0  # seconds taken to follow the last line, where nobody knows the medium's length
TIGHTEST = 0.8  # no budget asks for less than this share of the usual length: meaning would go
LEAST_CHARS = 8
HOPELESS = 40  # lines: where the first are all refused, the rest isn't asked for one by one
REFUSED = None  # the answer for a line that an engine refuses: nobody asks for it again

# Characters spoken per second, in each language, by an unhurried voice.
SPOKEN = {
    "en": 18.0,
    "es": 17.0,
    "fr": 19.0,
    "de": 16.0,
    "it": 17.0,
    "pt": 17.0,
    "ru": 15.0,
    "ar": 14.0,
    "hi": 15.0,
    "ja": 7.5,
    "ko": 8.0,
    "zh": 5.5,
}


@dataclass(frozen=True, slots=True)
class Task:
    """What is the same for all lines of one language; terms are how some words are to be said."""

    translator: Translator
    source: str
    target: str
    desk: Desk
    terms: Mapping[str, str] = field(default_factory=dict)
    tone: Tone = Tone.NEUTRAL


def translate(
    transcript: Transcript,
    translator: Translator,
    *,
    target: str,
    desk: Desk,
    terms: Mapping[str, str] = NO_TERMS,
    tone: Tone = Tone.NEUTRAL,
    given: Mapping[int, str] = NO_TEXTS,
    parallel: int = 1,
) -> Translation:
    """Translate every segment into `target` (BCP 47), with `terms` said as they say, in a `tone`.

    `given` are texts, by index, that the customer brought: nobody is asked for those. With
    `parallel` above 1 that many batches are asked for at once, and `desk` is used from as many
    threads. Raises ProviderFailed, also when most lines came back unusable.
    """
    said = dict(given) | translate_lines(
        transcript,
        translator,
        target=target,
        desk=desk,
        only=[part.index for part in transcript.segments if part.index not in given],
        terms=terms,
        tone=tone,
        parallel=parallel,
    )
    lost = [segment.index for segment in transcript.segments if not said[segment.index]]
    return Translation(
        language=target,
        texts=tuple(said[segment.index] or segment.text for segment in transcript.segments),
        engine=translator.engine.name,
        flags=dict.fromkeys(lost, (Flag.UNTRANSLATED,)),
    )


def translate_lines(
    transcript: Transcript,
    translator: Translator,
    *,
    target: str,
    desk: Desk,
    only: Collection[int] | None = None,
    terms: Mapping[str, str] = NO_TERMS,
    tone: Tone = Tone.NEUTRAL,
    parallel: int = 1,
) -> dict[int, str | None]:
    """A text by index for every segment, or `only` for some; "" or REFUSED where there is none.

    Raises as `translate` does.
    """
    task = Task(translator, transcript.language, target, desk, terms, tone)
    end = max((segment.end for segment in transcript.segments), default=0.0)
    lines = budgets(transcript, end + TAIL, target=target)
    wanted = [at for at, line in enumerate(lines) if only is None or line.id in only]
    said: dict[int, str | None] = {}
    batches = list(_batches(lines, wanted))
    for answers in in_order(lambda batch: _translated(task, *batch), batches, parallel):
        said |= answers
        desk.progress("translate", len(said), len(wanted))
        if len(said) >= HOPELESS and all(text is REFUSED for text in said.values()):
            break
    lost = [text for text in said.values() if not text]
    if len(lost) > max(1, len(said) // 2) or len(lost) == len(said) > 0:
        detail = f"{len(lost)} of {len(said)} lines came back unusable"
        code = "ENGINE_REFUSED" if all(text is REFUSED for text in lost) else "ENGINE_FAILED"
        raise ProviderFailed(code, engine=translator.engine.name, detail=detail)
    return said


def reworded(task: Task, lines: Sequence[Line], *, context: Sequence[str]) -> dict[int, str]:
    """Other wordings for lines that carry `earlier` and `spoken`, where there is a better one.

    Shorter, or fuller for those that took less than their `seconds`.
    """
    answers = _ask(task, lines, context, attempt=0)
    return {
        line.id: text
        for line in lines
        if (text := _checked(task, line, answers)) and _is_another(line, text)
    }


def to_reword(task: Task, segment: Segment, slot: Slot, take: Take, *, at: int) -> Line:
    """A spoken line as it is asked for again; what fits follows from how fast it was spoken."""
    spoken = take.natural_seconds
    is_hollow = wants_fuller_wording(spoken, slot)
    seconds = slot.end - slot.start if is_hollow else slot.room
    return replace(
        budget(segment, slot, source=task.source, target=task.target),
        id=at,
        seconds=round(seconds, 2),
        max_chars=max(1, int(len(take.text) * seconds / spoken)),
        earlier=take.text,
        spoken=round(spoken, 2),
    )


def _is_another(line: Line, text: str) -> bool:
    more = len(text) - len(line.earlier)
    return more > 0 if line.was_too_short else more < 0


def budget(line: Segment, slot: Slot, *, source: str, target: str) -> Line:
    """The line as a translator gets it: with the seconds it may take, and what fits in them."""
    seconds = round(min(slot.until, slot.end + BREATH) - slot.start, 2)
    usual = wording.usual_length(line.text, source=source, target=target)
    fits = seconds * SPOKEN.get(wording.base(target), 16.0)
    most = max(LEAST_CHARS, round(fits), round(usual * TIGHTEST))
    return Line(line.index, line.text, seconds, max_chars=most, speaker=line.speaker)


def budgets(transcript: Transcript, duration: float, *, target: str) -> tuple[Line, ...]:
    """Every segment of a medium of `duration` seconds as a line to translate."""
    rooms = slots(transcript.segments, duration)
    return tuple(
        budget(segment, slot, source=transcript.language, target=target)
        for segment, slot in zip(transcript.segments, rooms, strict=True)
    )


def around(texts: Sequence[str], first: int, last: int) -> tuple[str, ...]:
    """As much of the transcript around lines `first` to `last` (exclusive) as may be sent along."""
    low, high = first, last
    left = CONTEXT - sum(map(len, texts[first:last]))
    while low > 0 or high < len(texts):
        # Two lines before for every one after: what was said explains more than what follows.
        before = low > 0 and (high == len(texts) or first - low <= 2 * (high - last))
        line = texts[low - 1] if before else texts[high]
        left -= len(line)
        if left < 0:
            break
        low, high = (low - 1, high) if before else (low, high + 1)
    return tuple(texts[low:high])


def key(kind: str, *shaped_by: object) -> str:
    """A name for something bought: the same only when everything that shaped it is the same."""
    content = json.dumps(shaped_by, ensure_ascii=False, sort_keys=True)
    return f"{kind}-{hashlib.sha256(content.encode()).hexdigest()}"


def _batches(
    lines: Sequence[Line], wanted: Sequence[int]
) -> Iterator[tuple[Sequence[Line], Sequence[str]]]:
    """The lines at the places wanted in batches, each with the source text around it."""
    texts = [line.text for line in lines]
    for first in range(0, len(wanted), BATCH):
        places = wanted[first : first + BATCH]
        yield [lines[at] for at in places], around(texts, places[0], places[-1] + 1)


def _translated(task: Task, batch: Sequence[Line], context: Sequence[str]) -> dict[int, str | None]:
    """A text for every line of the batch, empty where there is no usable one, or REFUSED."""
    said: dict[int, str | None] = dict.fromkeys((line.id for line in batch), "")
    for attempt in range(1 + AGAIN):
        asked = [line for line in batch if said[line.id] == ""]
        if not asked:
            break
        task.desk.stop()
        answers = _ask(task, asked, context, attempt=attempt)
        for line in asked:
            was_refused = answers.get(line.id, "") is REFUSED
            said[line.id] = REFUSED if was_refused else _checked(task, line, answers)
    return said


class _Useless(Exception):
    """Answers of which not one can be used: not worth remembering."""

    def __init__(self, answers: Mapping[int, str | None]) -> None:
        self.answers = answers
        super().__init__("no usable answer")


def _ask(
    task: Task, lines: Sequence[Line], context: Sequence[str], *, attempt: int
) -> Mapping[int, str | None]:
    """The translator's own answer, bought once. `attempt` sets a second question apart."""

    def make() -> bytes:
        answers = _answers(task, lines, context)
        if not any(_checked(task, line, answers) for line in lines):
            raise _Useless(answers)
        return json.dumps(answers, ensure_ascii=False).encode()

    engine = task.translator.engine
    name = key(
        "translation",
        engine.name,
        engine.model,
        task.source,
        task.target,
        dict(task.terms),
        task.tone,
        [asdict(line) for line in lines],
        context,
        attempt,
    )
    try:
        kept = task.desk.remember(name, make)
    except _Useless as useless:
        return useless.answers
    return {int(id_): text for id_, text in json.loads(kept).items()}


def _answers(task: Task, lines: Sequence[Line], context: Sequence[str]) -> Mapping[int, str | None]:
    """The same where an engine refuses some of the lines: the others are asked for without them."""
    try:
        return task.translator.translate(
            lines,
            source=task.source,
            target=task.target,
            context=context,
            terms=task.terms,
            tone=task.tone,
        )
    except ProviderFailed as refused:
        if refused.code != "ENGINE_REFUSED":
            raise
        if len(lines) == 1:
            return {lines[0].id: REFUSED}
    half = len(lines) // 2
    first, second = (_answers(task, part, context) for part in (lines[:half], lines[half:]))
    return {**first, **second}


def _checked(task: Task, line: Line, answers: Mapping[int, str | None]) -> str:
    """The tidied text for a line, or nothing when what came back can't be it."""
    text = wording.tidy(answers.get(line.id) or "", target=task.target, source_text=line.text)
    good = wording.usable(text, line.text, source=task.source, target=task.target)
    return text if good else ""
