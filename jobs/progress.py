"""How far a job is, in percent and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.models import LanguageTask, Step
from jobs.states import STAGE_OF, Stage, StepKind, StepStatus

SHARE: Mapping[str, tuple[int, int]] = {
    StepKind.INGEST: (0, 5),
    StepKind.TRANSCRIBE: (5, 20),
    StepKind.TRANSLATE: (20, 35),
    StepKind.DUB: (35, 80),
    StepKind.MIX: (80, 90),
    StepKind.EXPORT: (90, 100),
}
"""From which percent to which each kind of step brings its language."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one language is. sentence says what happens now."""

    percent: int
    sentence: str


def progress_of(task: LanguageTask, steps: Sequence[Step]) -> Progress:
    """Where a language stands; `steps` are its own and those of the whole job."""
    if task.stage == Stage.COMPLETE:
        return Progress(100, _("Ready"))
    if task.stage in {Stage.FAILED, Stage.CANCELLED}:
        return Progress(0, str(Stage(task.stage).label))
    step = current_step(steps)
    if step is None:
        return Progress(0, _("Waiting for its turn"))
    begin, end = SHARE[step.kind]
    done = step.part / step.parts if step.parts and step.status == StepStatus.RUNNING else 0.0
    return Progress(round(begin + (end - begin) * min(done, 1.0)), _sentence(step))


def current_step(steps: Sequence[Step]) -> Step | None:
    """The first step, in the order of the work, that isn't done; None when all are."""
    order = list(STAGE_OF)
    open_steps = [
        step for step in steps if step.status != StepStatus.DONE and step.kind in STAGE_OF
    ]
    return min(open_steps, key=lambda step: order.index(StepKind(step.kind)), default=None)


def ending_of(tasks: Sequence[LanguageTask]) -> str:
    """What became of a job whose languages have all ended; names those that failed."""
    made = [task for task in tasks if task.stage == Stage.COMPLETE]
    failed = [task.language_name for task in tasks if task.stage == Stage.FAILED]
    if not made and not failed:
        return _("Cancelled.")
    if not failed:
        return _("Done!") if len(made) == len(tasks) else _("Done, the rest was cancelled.")
    if not made:
        return _("No language could be dubbed.")
    return _("Done, except %(languages)s.") % {"languages": ", ".join(failed)}


def _held_up(step: Step) -> str:
    """Say whom a step waits for that was put off."""
    words = {
        "vendor_account": _(
            "On hold while we fix a problem with a provider. You won’t be charged more."
        ),
        "vendor_busy": _("Waiting for a provider that is busy. We try again by ourselves."),
    }
    return words.get(step.reason, _("Something failed. We are trying again."))


def _sentence(step: Step) -> str:
    if step.reason:
        return _held_up(step)
    if step.status != StepStatus.RUNNING:
        return _waiting(step)
    if step.kind == StepKind.TRANSLATE and step.parts:
        return _("Translating line %(n)d of %(m)d") % _line(step)
    if step.kind == StepKind.DUB and step.parts:
        return _("Speaking line %(n)d of %(m)d") % _line(step)
    return {
        StepKind.INGEST: _("Reading the sound"),
        StepKind.TRANSCRIBE: _("Listening to the original"),
        StepKind.TRANSLATE: _("Translating"),
        StepKind.DUB: _("Speaking"),
        StepKind.MIX: _("Mixing voice and background"),
        StepKind.EXPORT: _("Writing and measuring the files"),
    }[StepKind(step.kind)]


def _waiting(step: Step) -> str:
    if step.kind == StepKind.INGEST:
        return _("Waiting for its turn")
    return _("Waiting to go on")


def _line(step: Step) -> dict[str, int]:
    return {"n": min(step.part + 1, step.parts), "m": step.parts}
