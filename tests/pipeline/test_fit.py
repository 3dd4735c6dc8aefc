"""The ladder of DESIGN §4, rung by rung, and what must hold whatever is spoken."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.pipeline.fit import place, settle, smooth, wants_shorter_wording
from jobs.pipeline.segment import overlap, slots
from jobs.pipeline.timeline import Segment

SAMPLE = 1 / 48_000


def lines(*edges: tuple[float, float], speakers: tuple[int, ...] = ()) -> list[Segment]:
    return [
        Segment(i, start, end, speakers[i] if speakers else 0, "text")
        for i, (start, end) in enumerate(edges)
    ]


def test_a_line_as_long_as_the_original_is_left_alone() -> None:
    (placed,) = place(slots(lines((1, 3)), 10), [2.0], 10)

    assert (placed.start, placed.seconds, placed.speed) == (1.0, 2.0, 1.0)


def test_a_difference_of_three_percent_is_not_stretched() -> None:
    (placed,) = place(slots(lines((1, 3)), 10), [1.95], 10)

    assert placed.speed == 1.0


def test_a_short_line_slows_down_no_further_than_090() -> None:
    (placed,) = place(slots(lines((1, 3)), 10), [1.0], 10)

    assert placed.speed == 0.90


def test_a_long_line_borrows_the_pause_before_it_speeds_up() -> None:
    first, second = place(slots(lines((1, 3), (5, 6)), 10), [3.9, 1.0], 10)

    assert (first.speed, second.start) == (1.0, 5.0)
    assert first.end == pytest.approx(4.9)


def test_a_line_longer_than_its_pause_speeds_up_and_leaves_a_breath() -> None:
    first, _ = place(slots(lines((1, 3), (5, 6)), 10), [4.3, 1.0], 10)

    assert first.speed == pytest.approx(4.3 / 3.92)
    assert first.end == pytest.approx(5 - 0.08)


def test_a_line_that_needs_more_than_115_asks_for_a_shorter_wording() -> None:
    slot = slots(lines((1, 3), (3.08, 4)), 10)[0]

    assert wants_shorter_wording(2.31, slot)
    assert not wants_shorter_wording(2.29, slot)


def test_a_line_too_long_for_125_starts_early_into_the_gap_before_it() -> None:
    line, _ = place(slots(lines((1, 3), (3, 9)), 10), [2.6, 5.0], 10)

    assert line.early == pytest.approx(0.08, abs=SAMPLE)
    assert line.speed == 1.25
    assert line.end == pytest.approx(3.0, abs=SAMPLE)


def test_no_line_starts_more_than_200_ms_early() -> None:
    line, following = place(slots(lines((1, 3), (3, 9)), 10), [3.5, 5.0], 10)

    assert line.early == pytest.approx(0.2, abs=SAMPLE)
    assert following.late == pytest.approx(0.6, abs=2 * SAMPLE)


def test_an_early_start_never_runs_into_the_line_before() -> None:
    before, line, _ = place(slots(lines((0, 1), (1.1, 3), (3, 9)), 10), [1.0, 3.0, 1.0], 10)

    assert line.start >= before.end + 0.08 - SAMPLE


def test_a_late_line_is_back_on_time_after_the_next_pause() -> None:
    first, second, third = place(slots(lines((0, 2), (2, 4), (7, 8)), 12), [3.5, 2.0, 1.0], 12)

    assert first.end == pytest.approx(2.8, abs=SAMPLE)
    assert second.late == pytest.approx(0.8, abs=SAMPLE)
    assert third.late == 0
    assert not any(placed.cut for placed in (first, second, third))


def test_a_line_that_would_make_the_next_more_than_two_seconds_late_is_cut() -> None:
    first, second = place(slots(lines((0, 2), (2, 20)), 20), [9.0, 5.0], 20)

    assert first.cut
    assert second.late <= 2.0
    assert first.seconds == pytest.approx(4.0, abs=0.01)


def test_a_dense_run_is_on_time_again_within_ten_seconds_of_the_next_pause() -> None:
    dense = [(i * 2.0, i * 2.0 + 2.0) for i in range(10)]
    after = [(20.6 + i * 2.0, 22.6 + i * 2.0) for i in range(10)]

    placed = place(slots(lines(*dense, *after), 60), [2.8] * 20, 60)

    assert max(line.late for line in placed[:10]) > 1.5
    within_ten_seconds = [line for line in placed[10:] if line.start - line.late <= 31]
    assert min(line.late for line in within_ten_seconds) <= 0.125 + SAMPLE


def test_nothing_is_spoken_after_the_end_of_the_medium() -> None:
    (line,) = place(slots(lines((8, 9.5)), 10), [5.0], 10)

    assert line.cut
    assert line.end <= 10


def test_speakers_who_overlapped_may_overlap_as_much_and_no_more() -> None:
    talk = lines((0, 3), (2.5, 5), speakers=(0, 1))

    first, second = place(slots(talk, 10), [3.9, 2.5], 10)

    assert first.end - second.start <= 0.5 + SAMPLE
    assert first.end > second.start


def test_a_word_said_into_a_long_line_stays_where_it_was() -> None:
    talk = lines((0, 10), (4, 5), (10.5, 12), speakers=(0, 1, 0))

    long, word, _ = place(slots(talk, 15), [10.0, 1.1, 1.5], 15)

    assert (long.start, word.start) == (0, 4)
    assert word.end <= 5 + SAMPLE


def test_neighbours_of_a_fast_line_are_raised_by_steps_of_at_most_a_tenth() -> None:
    raised = smooth([0.9, 1.0, 1.25, 0.9, 0.9, 0.9])

    assert raised[2] == 1.25
    assert all(abs(one - two) <= 0.1 + 1e-9 for one, two in pairwise(raised))


def test_smoothing_stretches_nothing_by_less_than_three_percent() -> None:
    raised = smooth([1.0, 1.12, 1.0, 0.9, 1.0])

    assert all(speed == 1.0 or abs(speed - 1) >= 0.03 for speed in raised)


def test_settling_keeps_the_lengths_and_moves_only_starts() -> None:
    rooms = slots(lines((1, 3), (3.1, 5)), 10)

    first, second = settle(rooms, [2.1, 1.9], 10)

    assert (first.seconds, second.seconds) == (2.1, 1.9)
    assert (first.speed, second.speed) == (1.0, 1.0)
    assert second.start >= first.end


@st.composite
def talks(draw: st.DrawFn) -> tuple[list[Segment], list[float], float]:
    """Any talk of up to three speakers, who may interrupt each other but not themselves."""
    count = draw(st.integers(1, 14))
    speakers = draw(
        st.lists(st.integers(0, draw(st.integers(0, 2))), min_size=count, max_size=count)
    )
    free: dict[int, float] = {}
    last = 0.0
    talk: list[Segment] = []
    naturals: list[float] = []
    for speaker in speakers:
        step = draw(st.sampled_from([0.0, 0.0, 0.05, 0.3, 1.0, 4.0]))
        interrupts = draw(st.booleans())
        earliest = max(
            free.get(speaker, 0.0), last if interrupts else max(free.values(), default=0.0)
        )
        start = earliest + step
        end = start + draw(st.floats(0.1, 12.0))
        talk.append(Segment(len(talk), start, end, speaker, "text"))
        naturals.append(draw(st.floats(0.1, 2.2)) * (end - start))
        last, free[speaker] = start, end
    return talk, naturals, max(free.values()) + draw(st.floats(0.0, 3.0))


@given(talks())
@settings(max_examples=150, deadline=None)
def test_whatever_is_spoken_the_targets_hold(
    talk: tuple[list[Segment], list[float], float],
) -> None:
    segments, naturals, duration = talk
    rooms = slots(segments, duration)

    placed = place(rooms, naturals, duration)

    assert all(0.90 <= line.speed <= 1.25 for line in placed)
    assert all(line.early <= 0.2 + SAMPLE for line in placed)
    assert all(line.late <= 2.0 + SAMPLE for line in placed)
    assert all(0 <= line.start <= line.end <= duration + SAMPLE for line in placed)
    assert all(one.start <= two.start for one, two in pairwise(placed))
    assert all(
        line.cut or line.seconds == pytest.approx(n / line.speed)
        for line, n in zip(placed, naturals, strict=True)
    )
    for i, j in combinations(range(len(placed)), 2):
        both = min(placed[i].end, placed[j].end) - placed[j].start
        assert both <= overlap(segments[i], segments[j]) + 2 * SAMPLE


@given(talks())
@settings(max_examples=80, deadline=None)
def test_neighbouring_speeds_never_differ_by_more_than_a_tenth(
    talk: tuple[list[Segment], list[float], float],
) -> None:
    segments, naturals, duration = talk

    placed = place(slots(segments, duration), naturals, duration)

    assert all(abs(one.speed - two.speed) <= 0.1 + 1e-6 for one, two in pairwise(placed))


@given(talks())
@settings(max_examples=80, deadline=None)
def test_a_line_that_fits_and_is_not_pushed_starts_with_the_original(
    talk: tuple[list[Segment], list[float], float],
) -> None:
    segments, naturals, duration = talk
    rooms = slots(segments, duration)

    placed = place(rooms, naturals, duration)

    for at, line in enumerate(placed):
        fits = naturals[at] / 1.25 <= segments[at].end - segments[at].start - SAMPLE
        pushed = any(
            earlier.end > segments[at].start - 0.08 or earlier.late > 0 for earlier in placed[:at]
        )
        if fits and not pushed:
            assert line.start == pytest.approx(segments[at].start, abs=SAMPLE)


@given(talks(), st.floats(0.97, 1.03))
@settings(max_examples=80, deadline=None)
def test_settled_lines_overlap_no_more_than_the_original_even_if_stretching_was_inexact(
    talk: tuple[list[Segment], list[float], float], error: float
) -> None:
    segments, naturals, duration = talk
    rooms = slots(segments, duration)
    lengths = [line.seconds * error for line in place(rooms, naturals, duration)]

    settled = settle(rooms, lengths, duration)

    assert all(line.end <= duration + SAMPLE for line in settled)
    # Every start is rounded up to a sample, and a run of late lines adds these up.
    assert all(line.late <= 2.001 and line.early <= 0.201 for line in settled)
    for i, j in combinations(range(len(settled)), 2):
        both = min(settled[i].end, settled[j].end) - settled[j].start
        assert both <= overlap(segments[i], segments[j]) + 2 * SAMPLE
