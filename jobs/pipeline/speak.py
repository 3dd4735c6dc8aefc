"""Speaks every line, measures it, and makes it fit: a closed loop on real speech.

Nothing is guessed from text: a line is spoken, its silence trimmed, its length measured, and only
then is decided whether it needs another wording, another rate, a stretch or a cut. Where each line
stands is decided in `fit`. Whatever an engine made is remembered at the desk, so that no line is
ever bought twice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import soundfile

from jobs.pipeline import fit, trim, wording
from jobs.pipeline.assemble import assemble
from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.parallel import in_order
from jobs.pipeline.ports import Desk, Tone, Translator, Voice
from jobs.pipeline.reword import Rewording, better_takes
from jobs.pipeline.segment import Slot, slots
from jobs.pipeline.stretch import Stretch, stretch
from jobs.pipeline.studio import Soundless, Studio
from jobs.pipeline.timeline import (
    SAMPLE_RATE,
    Dub,
    Flag,
    PlacedLine,
    Take,
    Transcript,
    Translation,
)
from jobs.pipeline.translate import NO_TERMS, Task

CUTS = 200  # rounds of cutting: more than a run of late lines has
CLAUSES_TRIED = 2
WORTH_KEEPING = 0.4  # a clause that leaves more of the room empty than this is too little
BAD_LINES = 0.1  # share of lines that an engine may fail at before it counts as broken
HEARD_AS_CUT = 0.06  # seconds; losing less than this at its end shortens nothing


def speak(
    transcript: Transcript,
    translation: Translation,
    *,
    voice: Voice,
    translator: Translator,
    cast: Mapping[int, str],
    samples: int,
    desk: Desk,
    folder: Path,
    line_voices: Mapping[int, str] | None = None,
    unspoken: Collection[int] = (),
    terms: Mapping[str, str] = NO_TERMS,
    tone: Tone = Tone.NEUTRAL,
    fuller: bool = True,
    may_be_silent: bool = True,
    parallel: int = 1,
) -> Dub:
    """Speak every line of the translation and place it on a track of `samples` samples.

    cast is each speaker's voice id, line_voices that of single segments, by index; the segments of
    `unspoken` get no sound. `fuller`: lines that leave much silence may be worded anew. Where an
    engine fails in a way that may pass, that line stays silent only if it `may_be_silent`; else
    ProviderFailed is raised when all others are spoken. With `parallel` above 1 that many lines are
    spoken at once, and `desk` is used from as many threads. Raises ProviderFailed, Stopped, and
    what stretching raises.
    """
    work = _Work(
        transcript=transcript,
        rooms=slots(transcript.segments, samples / SAMPLE_RATE),
        duration=samples / SAMPLE_RATE,
        studio=Studio(voice, translation.language, cast, line_voices or {}, desk, folder),
        task=Task(translator, transcript.language, translation.language, desk, terms, tone),
        flags={index: list(flags) for index, flags in translation.flags.items()},
        unspoken=frozenset(unspoken),
        may_be_silent=may_be_silent,
        parallel=parallel,
    )
    _record(work, translation.texts)
    _reword(work, fuller=fuller)
    _ask_for_rate(work)
    _cut_what_never_fits(work)
    lines, placed = _place(work)
    out = folder / "voice.flac"
    assemble(placed, samples, out)
    return Dub(translation.language, lines, out, voice.engine.name)


def speak_line(text: str, *, voice: Voice, language: str, who: str, desk: Desk) -> bytes:
    """One text in the voice `who`, as a WAV file: the take that `speak` would begin with.

    Raises ProviderFailed, Stopped.
    """
    return Studio(voice, language, {}, {}, desk, Path()).spoken(text, who)


@dataclass(slots=True)
class _Work:
    """All lines of one language on their way; takes[i] is the best one of segment i so far."""

    transcript: Transcript
    rooms: tuple[Slot, ...]
    duration: float
    studio: Studio
    task: Task
    flags: dict[int, list[Flag]]
    unspoken: frozenset[int]
    may_be_silent: bool
    parallel: int
    takes: list[Take] = field(default_factory=list)

    @property
    def naturals(self) -> list[float]:
        return [take.natural_seconds for take in self.takes]

    def flag(self, at: int, flag: Flag) -> None:
        marked = self.flags.setdefault(self.transcript.segments[at].index, [])
        if flag not in marked:
            marked.append(flag)

    def too_long(self) -> list[int]:
        """The lines that would have to be noticeably fast."""
        return [
            at
            for at, natural in enumerate(self.naturals)
            if fit.wants_shorter_wording(natural, self.rooms[at])
        ]

    def retake(self, at: int, text: str, rate: float = 1.0) -> Take | None:
        """Another take of a line, or nothing where the engine can't: then the old one stands."""
        take = self.first_take(at, text, rate)
        if isinstance(take, Take):
            return take
        self.put_up_with(take)
        return None

    def first_take(self, at: int, text: str, rate: float = 1.0) -> Take | ProviderFailed:
        """A take of a line, or why the engine can't, where that may be wrong with just one line."""
        try:
            return self.studio.take(self.transcript.segments[at], text, rate)
        except ProviderFailed as failed:
            if failed.code in _ONE_LINE:
                return failed
            raise

    def leave_silent(self, at: int, failed: ProviderFailed) -> None:
        """Leave a line without its sound, unless it may get it when the step is tried again.

        What others serve may send nothing usable to a text now and speak it well in a minute; to
        one that isn't even in its language, it never will.
        """
        untranslated = Flag.UNTRANSLATED in self.flags.get(self.transcript.segments[at].index, ())
        may_sound = failed.again and self.studio.voice.engine.is_server and not untranslated
        if may_sound and not self.may_be_silent:
            raise failed
        self.put_up_with(failed)
        self.flag(at, Flag.SILENT)

    def put_up_with(self, failed: ProviderFailed) -> None:
        """Raise a failure that may pass, unless that was hoped for long enough."""
        if _may_pass(failed) and not self.may_be_silent:
            raise failed


_ONE_LINE = frozenset({"ENGINE_FAILED", "ENGINE_REFUSED"})  # what may be wrong with just one line


def _may_pass(failed: ProviderFailed) -> bool:
    """Whether the way to the engine failed: nothing says that it can't speak this text."""
    return failed.code == "ENGINE_FAILED" and not isinstance(failed, Spoiled | Soundless)


def _record(work: _Work, texts: Sequence[str]) -> None:
    """The first take of every line. What the engine can't speak stays silent, if it is little."""
    failures: dict[int, ProviderFailed] = {}
    for at, take in enumerate(_spoken(work, texts, range(len(texts)))):
        if isinstance(take, ProviderFailed):
            failures[at] = take
            if len(failures) > max(2, (at + 1) * BAD_LINES):
                raise _worth_raising(failures.values())
            work.takes.append(work.studio.silence(work.transcript.segments[at], texts[at]))
        else:
            work.takes.append(take)
        work.studio.desk.progress("dub", at + 1, len(texts))
    if failures and len(failures) == len(texts):
        raise _worth_raising(failures.values())
    for at, failed in _failed_again(work, texts, failures).items():
        work.leave_silent(at, failed)


def _failed_again(
    work: _Work, texts: Sequence[str], failures: Mapping[int, ProviderFailed]
) -> dict[int, ProviderFailed]:
    """The failures that are left when the engine was asked once more, after all other lines."""
    again = [at for at, failed in failures.items() if failed.again]
    left = dict(failures)
    for at, take in zip(again, _spoken(work, texts, again), strict=True):
        if isinstance(take, ProviderFailed):
            left[at] = take
        else:
            work.takes[at] = take
            del left[at]
    return left


def _spoken(
    work: _Work, texts: Sequence[str], lines: Sequence[int]
) -> Iterator[Take | ProviderFailed]:
    """A take of each of these lines, or why there is none."""

    def spoken(at: int) -> Take | ProviderFailed:
        segment = work.transcript.segments[at]
        if not texts[at].strip() or segment.index in work.unspoken:
            return work.studio.silence(segment, texts[at])
        return work.first_take(at, texts[at])

    return in_order(spoken, lines, work.parallel)


def _worth_raising(failures: Iterable[ProviderFailed]) -> ProviderFailed:
    """One of many failures: one that makes the step be tried again, if there is any."""
    return max(failures, key=lambda failed: failed.again)


def _reword(work: _Work, *, fuller: bool) -> None:
    """Let what is too long, or far too short, be said in other words where those fit better."""
    settled = {
        at
        for at, s in enumerate(work.transcript.segments)
        if Flag.UNTRANSLATED in work.flags.get(s.index, ())
    }
    rewording = Rewording(
        work.task,
        work.transcript,
        work.rooms,
        work.retake,
        fuller=fuller,
        parallel=work.parallel,
    )
    for at, take in better_takes(rewording, work.takes, settled=settled).items():
        work.takes[at] = take
        work.flag(at, Flag.REWORDED)


def _ask_for_rate(work: _Work) -> None:
    """Let an engine that can speak faster do so: that sounds better than stretching."""
    rates = work.studio.voice.rates
    if rates is None:
        return
    asked = []
    for at in work.too_long():
        needed = fit.needed_speed(work.takes[at].natural_seconds, work.rooms[at])
        rate = round(min(needed, fit.FASTEST, rates[1]), 3)
        if rate >= 1 + fit.UNNOTICED:
            asked.append((at, work.takes[at].text, rate))
    spoken = in_order(lambda one: work.retake(*one), asked, work.parallel)
    for (at, _, _), faster in zip(asked, spoken, strict=True):
        take = work.takes[at]
        if faster and 0 < faster.seconds < take.seconds:
            # Engines obey roughly: what counts is the rate that was measured.
            work.takes[at] = replace(faster, engine_rate=take.seconds / faster.seconds)


def _cut_what_never_fits(work: _Work) -> None:
    """Shorten the lines for which no place is left, until every line has one."""
    for _ in range(CUTS):
        placed = fit.place(work.rooms, work.naturals, work.duration)
        cuts = _first_cuts(placed)
        if not cuts:
            return
        wanted = [(at, placed[at].seconds * placed[at].speed) for at in cuts]
        takes = in_order(lambda one: _cut(work, *one), wanted, work.parallel)
        for at, take in zip(cuts, takes, strict=True):
            work.takes[at] = take
            work.flag(at, Flag.SHORTENED)


def _first_cuts(placed: Sequence[fit.Placed]) -> list[int]:
    """The first line to cut of every run of late ones: the others may fit once it is shorter."""
    cuts, waiting = [], False
    for at, line in enumerate(placed):
        waiting = waiting and line.late > 0
        if line.cut and not waiting:
            cuts.append(at)
        waiting = waiting or line.cut
    return cuts


def _cut(work: _Work, at: int, most: float) -> Take:
    """The line in at most `most` seconds at natural speed: its first clauses, or its beginning."""
    take, segment = work.takes[at], work.transcript.segments[at]
    longest = len(take.text) * most / take.natural_seconds
    beginnings = [text for text in _beginnings(take.text) if len(text) <= longest * 1.1]
    for text in beginnings[:CLAUSES_TRIED]:
        shorter_take = work.retake(at, text)
        if shorter_take and WORTH_KEEPING * most <= shorter_take.seconds <= most:
            return shorter_take
    if most <= trim.BRIEFEST:
        return work.studio.silence(segment, take.text)
    sound = trim.from_wav(take.clip.read_bytes())
    kept = trim.shortened(sound, int(most / take.engine_rate * SAMPLE_RATE))
    cut = work.studio.keep(segment, take.text, kept)
    return replace(cut, engine_rate=take.engine_rate)


def _beginnings(text: str) -> list[str]:
    """The text without its last clause, without its last two, and so on; with a full stop."""
    clauses = wording.clauses(text)
    return [wording.closed("".join(clauses[:count])) for count in range(len(clauses) - 1, 0, -1)]


def _place(work: _Work) -> tuple[tuple[PlacedLine, ...], list[tuple[float, Path]]]:
    """Stretch every take, and place what really came out."""
    planned = fit.place(work.rooms, work.naturals, work.duration)
    factors = [
        _stretch(line.speed, take.engine_rate)
        for line, take in zip(planned, work.takes, strict=True)
    ]
    spoken = [at for at, take in enumerate(work.takes) if take.seconds > 0]
    desk = work.studio.desk
    asked = [Stretch(work.takes[at].clip, factors[at]) for at in spoken]
    clips = dict(zip(spoken, stretch(asked, work.studio.folder, stop=desk.stop), strict=True))
    lengths = [0.0] * len(work.takes)
    for at, clip in clips.items():
        lengths[at] = soundfile.info(clip).frames / SAMPLE_RATE
    settled = fit.settle(work.rooms, lengths, work.duration)
    for at, line in enumerate(settled):
        if line.cut and at in clips:
            clips[at] = _ended(work, at, clips[at], line.seconds)
            if lengths[at] - line.seconds > HEARD_AS_CUT:
                work.flag(at, Flag.SHORTENED)
    lines = tuple(_line(work, at, settled[at], factors[at]) for at in range(len(settled)))
    return lines, [(settled[at].start, clip) for at, clip in clips.items()]


def _stretch(speed: float, engine_rate: float) -> float:
    """What is left to stretch after the engine's own rate; next to nothing is left alone."""
    left = speed / engine_rate
    unnoticed = abs(left - 1) < fit.UNNOTICED - 1e-6
    return 1.0 if unnoticed and fit.SLOWEST <= engine_rate <= fit.FASTEST else left


def _ended(work: _Work, at: int, clip: Path, seconds: float) -> Path:
    sound = trim.ended(trim.from_wav(clip.read_bytes()), int(seconds * SAMPLE_RATE + 1e-3))
    take = work.takes[at]
    return work.studio.keep(work.transcript.segments[at], take.text, sound).clip


def _line(work: _Work, at: int, settled: fit.Placed, factor: float) -> PlacedLine:
    segment, take = work.transcript.segments[at], work.takes[at]
    if settled.late > fit.LATE_FROM:
        work.flag(at, Flag.LATE)
    if settled.early > fit.EARLY_FROM:
        work.flag(at, Flag.EARLY)
    return PlacedLine(
        segment=segment.index,
        start=settled.start,
        end=settled.end,
        text=take.text,
        speaker=segment.speaker,
        voice=work.studio.voice_of(segment),
        speed=factor * take.engine_rate if take.seconds > 0 else 1.0,
        borrowed=max(0.0, settled.end - segment.end) if take.seconds > 0 else 0.0,
        early=settled.early,
        late=settled.late,
        flags=tuple(work.flags.get(segment.index, ())),
    )
