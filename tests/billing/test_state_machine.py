"""The books stay right whatever happens, in whatever order."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.machine import Money
from tests.billing.paying import Till


def explore(till: Till, *, examples: int, steps: int) -> int:
    """Run the machine; how many steps that was."""
    Money.till, Money.steps = till, 0
    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Money.steps


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_books_stay_right_whatever_happens(till: Till) -> None:
    assert explore(till, examples=12, steps=30) > 200


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db
def test_the_books_stay_right_for_ten_thousand_steps(till: Till) -> None:
    assert explore(till, examples=240, steps=50) >= 10_000
