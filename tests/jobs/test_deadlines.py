"""How long steps may take, and that nothing they wait for takes longer."""

import pytest
from django_q.conf import Conf

from jobs import scratch
from jobs.deadlines import allowed_seconds
from jobs.models import DubbingJob, Step
from jobs.pipeline.calls import PATIENCE
from jobs.states import StepKind


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


@pytest.mark.parametrize("kind", list(StepKind))
def test_a_step_is_taken_for_hung_long_before_its_message_or_its_folder(
    kind: StepKind,
) -> None:
    step = Step(kind=kind, job=DubbingJob(duration_ms=10**9))

    seconds = allowed_seconds(step)

    assert seconds < min(Conf.TIMEOUT, scratch.OLD_SECONDS) - 3600
    assert Conf.TIMEOUT < Conf.RETRY
