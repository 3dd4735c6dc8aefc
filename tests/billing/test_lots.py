"""Which credits are unspent."""

from hypothesis import given
from hypothesis import strategies as st

from billing.lots import Entry, sources, unspent


def test_the_oldest_lot_is_spent_first() -> None:
    entries = [
        Entry("grant", 10, "starter:1"),
        Entry("purchase", 50, "purchase:a"),
        Entry("job_consumption", -25, "job_1:es:1"),
        Entry("purchase", 50, "purchase:b"),
    ]

    assert unspent(entries, returned={}) == {"starter:1": 0, "purchase:a": 35, "purchase:b": 50}


def test_credits_of_a_failed_language_were_never_spent() -> None:
    entries = [
        Entry("purchase", 50, "purchase:a"),
        Entry("job_consumption", -25, "job_1:es:1"),
        Entry("refund", 25, "job_1:es:1"),
    ]

    assert unspent(entries, returned={}) == {"purchase:a": 50}


def test_a_refund_of_money_makes_its_own_lot_smaller() -> None:
    entries = [
        Entry("purchase", 50, "purchase:a"),
        Entry("purchase", 50, "purchase:b"),
        Entry("adjustment", -50, "purchase-refund:1"),
    ]

    assert unspent(entries, returned={"purchase:b": 50}) == {"purchase:a": 50, "purchase:b": 0}


def test_what_was_spent_of_a_lot_that_went_back_is_paid_by_the_next() -> None:
    entries = [
        Entry("purchase", 50, "purchase:a"),
        Entry("job_consumption", -30, "job_1:es:1"),
        Entry("purchase", 50, "purchase:b"),
        Entry("adjustment", -50, "dispute:1"),
    ]

    assert unspent(entries, returned={"purchase:a": 50}) == {"purchase:a": 0, "purchase:b": 20}


@given(
    sizes=st.lists(st.integers(1, 300), min_size=1, max_size=8),
    spent=st.integers(0, 3000),
)
def test_what_is_left_is_all_that_came_less_what_was_spent(sizes: list[int], spent: int) -> None:
    entries = [Entry("purchase", size, f"purchase:{n}") for n, size in enumerate(sizes)]
    if spent:
        entries.append(Entry("job_consumption", -spent, "job_1:es:1"))

    left = unspent(entries, returned={})

    assert sum(left.values()) == max(sum(sizes) - spent, 0)
    assert all(0 <= left[f"purchase:{n}"] <= size for n, size in enumerate(sizes))


def test_a_charge_is_paid_by_the_oldest_credits_and_what_came_back_counts_for_nothing() -> None:
    entries = [
        Entry("grant", 20, "starter:1"),
        Entry("purchase", 50, "purchase:a"),
        Entry("job_consumption", -15, "job_1:es:1"),
        Entry("job_consumption", -30, "job_1:fr:1"),
        Entry("refund", 30, "job_1:fr:1"),
        Entry("job_consumption", -25, "job_2:es:1"),
    ]

    assert sources(entries, returned={}) == {
        "job_1:es:1": {"starter:1": 15},
        "job_1:fr:1": {},
        "job_2:es:1": {"starter:1": 5, "purchase:a": 20},
    }


def test_credits_whose_money_went_back_paid_nothing() -> None:
    entries = [
        Entry("purchase", 50, "purchase:a"),
        Entry("job_consumption", -10, "job_1:es:1"),
        Entry("adjustment", -50, "dispute:1"),
    ]

    assert sources(entries, returned={"purchase:a": 50}) == {"job_1:es:1": {}}
