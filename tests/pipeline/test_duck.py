import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.pipeline import duck

RATE = 48_000


def decibels(shape: duck.Envelope, seconds: float) -> float:
    return float(20 * np.log10(shape.gain(round(seconds * RATE), 1)[0]))


def test_full_depth_is_reached_where_speech_starts() -> None:
    shape = duck.envelope([(2.0, 4.0)])

    levels = [decibels(shape, at) for at in (1.979, 2.0, 3.0, 4.0, 4.251)]

    assert levels == pytest.approx([0, -10, -10, -10, 0], abs=0.05)


def test_background_away_from_speech_is_untouched() -> None:
    shape = duck.envelope([(2.0, 4.0), (6.0, 7.0)])

    levels = [decibels(shape, at) for at in (0.0, 1.4, 4.6, 5.4, 7.6, 9.0, 10_000.0)]

    assert levels == [0.0] * 7


def test_a_short_pause_between_lines_stays_ducked() -> None:
    shape = duck.envelope([(1.0, 2.0), (2.4, 3.0)])

    levels = [decibels(shape, at) for at in (2.0, 2.2, 2.4)]

    assert levels == pytest.approx([-10, -10, -10], abs=0.01)


def test_a_long_pause_lets_the_background_come_back() -> None:
    shape = duck.envelope([(1.0, 2.0), (2.8, 3.0)])

    assert decibels(shape, 2.5) == 0.0


def test_speech_at_the_very_start_is_ducked_from_the_first_sample() -> None:
    shape = duck.envelope([(0.0, 1.0)])

    assert decibels(shape, 0.0) == pytest.approx(-10, abs=0.01)


def test_without_speech_nothing_changes() -> None:
    shape = duck.envelope([])

    assert shape.gain(0, 4096).tolist() == [1.0]


def test_spans_that_overlap_or_are_empty_are_joined() -> None:
    spans = [(3.0, 4.0), (1.0, 2.0), (1.5, 3.2), (9.0, 9.0)]

    assert duck.joined(spans) == ((1.0, 4.0),)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 8), st.floats(0, 3)), max_size=6),
    st.integers(64, 5000),
)
def test_blocks_of_any_size_give_the_same_gain(pairs: list[tuple[float, float]], size: int) -> None:
    shape = duck.envelope([(start, start + length) for start, length in pairs])
    whole = np.broadcast_to(shape.gain(0, 20_000), 20_000)

    parts = [
        np.broadcast_to(shape.gain(at, min(size, 20_000 - at)), min(size, 20_000 - at))
        for at in range(0, 20_000, size)
    ]

    assert np.allclose(np.concatenate(parts), whole, atol=1e-6)


def test_nothing_goes_down_in_a_hole_and_there_is_room_to_come_up_before_it() -> None:
    left = duck.without([(0.0, 10.0), (20.0, 21.0)], [(4.0, 5.0)])

    assert left == ((0.0, 3.75), (5.02, 10.0), (20.0, 21.0))


def test_a_span_within_a_hole_is_gone() -> None:
    assert duck.without([(4.1, 4.9)], [(4.0, 5.0)]) == ()


def test_an_opening_is_silent_but_for_its_spans() -> None:
    opening = duck.opening([(4.0, 5.0)], until=10.0)

    def at(second: float) -> float:
        return float(opening.gain(round(second * RATE), 1)[0])

    assert [at(second) for second in (4.0, 4.5, 5.0)] == [1.0, 1.0, 1.0]
    assert max(at(second) for second in (0.0, 3.7, 5.1, 9.9)) < 1e-4
