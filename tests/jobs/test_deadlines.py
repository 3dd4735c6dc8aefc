"""How long steps may take, and that nothing they wait for takes longer."""

import pytest

from jobs.models import DubbingJob, Step
from jobs.pipeline.calls import PATIENCE
from jobs.states import StepKind
from jobs.steps import allowed_seconds


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (StepKind.TRANSCRIBE, "recognition"),
        (StepKind.TRANSLATE, "translation"),
        (StepKind.DUB, "speech"),
        (StepKind.DUB, "translation"),
        (StepKind.EXPORT, "recognition"),
        (StepKind.PREVIEW, "speech"),
        (StepKind.SHORTEN, "translation"),
    ],
)
def test_a_step_may_take_longer_than_the_slowest_of_its_calls(kind: StepKind, call: str) -> None:
    step = Step(job=DubbingJob(duration_ms=1000), kind=kind)

    assert allowed_seconds(step) > PATIENCE[call].longest
