"""Other wordings for lines whose speech was measured: shorter, or once fuller."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.pipeline import fit
from jobs.pipeline.parallel import in_order
from jobs.pipeline.segment import Slot, slots
from jobs.pipeline.timeline import Take, Transcript
from jobs.pipeline.translate import BATCH, Task, around, reworded, to_reword

ROUNDS = 3  # times that a shorter wording is asked for; a fuller one is asked for once


@dataclass(frozen=True, slots=True)
class Rewording:
    """What the rounds share.

    rooms are the slots of all segments, speak makes a take of a segment by its position, or nothing
    where the engine can't. With `parallel` above 1 it is called from that many threads.
    """

    task: Task
    transcript: Transcript
    rooms: Sequence[Slot]
    speak: Callable[[int, str], Take | None]
    fuller: bool
    parallel: int

    def wanted(self, at: int, take: Take, number: int) -> bool:
        """Say whether a line wants another wording in a round, counted from 0."""
        translator, seconds = self.task.translator, take.natural_seconds
        if translator.rewords and fit.wants_shorter_wording(seconds, self.rooms[at]):
            return True
        may_grow = self.fuller and translator.expands and number == 0
        return may_grow and fit.wants_fuller_wording(seconds, self.rooms[at])

    def asked(self, batch: Sequence[tuple[int, Take]]) -> dict[int, str]:
        """Other texts by position, where the translator has any."""
        segments = self.transcript.segments
        lines = [
            to_reword(self.task, segments[at], self.rooms[at], take, at=at) for at, take in batch
        ]
        texts = [segment.text for segment in segments]
        context = around(texts, batch[0][0], batch[-1][0] + 1)
        return reworded(self.task, lines, context=context)


def better_takes(
    work: Rewording, takes: Sequence[Take], *, settled: Collection[int]
) -> dict[int, Take]:
    """Takes that fit better than these, by position; lines in `settled` keep their wording.

    What has no better wording isn't asked for again.
    """
    best, left = dict(enumerate(takes)), set(range(len(takes))) - set(settled)
    changed: dict[int, Take] = {}
    for number in range(ROUNDS):
        wanted = [(at, best[at]) for at in sorted(left) if work.wanted(at, best[at], number)]
        if not wanted:
            break
        better = _round(work, wanted)
        left -= {at for at, _ in wanted} - better.keys()
        changed |= better
        best |= better
    return changed


def _round(work: Rewording, wanted: Sequence[tuple[int, Take]]) -> dict[int, Take]:
    """The lines of one round of which another wording fits better."""
    before = dict(wanted)
    batches = [wanted[first : first + BATCH] for first in range(0, len(wanted), BATCH)]
    at_once = min(len(batches), work.task.translator.engine.at_once)
    answers = in_order(work.asked, batches, at_once)
    texts = [wording for answer in answers for wording in sorted(answer.items())]
    spoken = in_order(lambda wording: work.speak(*wording), texts, work.parallel)
    return {
        at: take
        for (at, _), take in zip(texts, spoken, strict=True)
        if take and fit.fits_better(take.seconds, before[at].natural_seconds, work.rooms[at])
    }


def shorter_wording(
    task: Task, transcript: Transcript, *, index: int, text: str, spoken: float, duration: float
) -> str:
    """A shorter wording than `text` for the segment at `index`, "" where the translator has none.

    spoken is how many seconds `text` takes to say, duration the seconds of the medium. Raises
    ProviderFailed, Stopped.
    """
    segments = transcript.segments
    at = next(at for at, segment in enumerate(segments) if segment.index == index)
    slot = slots(segments, duration)[at]
    take = Take(index, text, Path(), spoken)
    line = to_reword(task, segments[at], slot, take, at=index)
    context = around([segment.text for segment in segments], at, at + 1)
    return reworded(task, [line], context=context).get(index, "")
