"""How long a step may take: after that it is taken for hung, and given to another worker."""

from collections.abc import Mapping

from jobs.models import Step
from jobs.pipeline.calls import PATIENCE
from jobs.states import StepKind

SLACK = 900.0
"""Seconds that any step may take, beside its share of the source's length."""

LONGEST = 20 * 3600.0
"""Seconds after which any step is taken for hung: well before the queue would end it, and before
its folder is taken for forgotten."""

SHARE: Mapping[StepKind, float] = {
    StepKind.INGEST: 2,
    StepKind.TRANSCRIBE: 8,
    StepKind.TRANSLATE: 6,
    StepKind.DUB: 12,
    StepKind.MIX: 2,
    StepKind.EXPORT: 8,
    StepKind.WAV: 1,
    StepKind.BUNDLE: 1,
    StepKind.PREVIEW: 0,
    StepKind.SHORTEN: 0,
}
"""How many times the source's length a step of each kind may take."""

CALLS: Mapping[StepKind, tuple[str, ...]] = {
    StepKind.TRANSCRIBE: ("recognition",),
    StepKind.TRANSLATE: ("translation",),
    StepKind.DUB: ("speech", "translation"),
    StepKind.EXPORT: ("recognition",),
    StepKind.PREVIEW: ("speech",),
    StepKind.SHORTEN: ("translation",),
}
"""The kinds of calls to vendors that a step of each kind may make."""


def allowed_seconds(step: Step) -> float:
    """How long a step may take before it is taken for hung.

    That is longer than any one call that it makes to a vendor may take, with all waits and retries.
    """
    kind = StepKind(step.kind)
    calls = sum(PATIENCE[call].longest for call in CALLS.get(kind, ()))
    return min(SLACK + SHARE[kind] * step.job.duration_ms / 1000 + calls, LONGEST)
