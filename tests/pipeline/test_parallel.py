"""Doing many things at once, and one thing once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.pipeline.parallel import Turns, both


def test_the_same_name_is_had_by_one_thread_at_a_time() -> None:
    turns, made = Turns(), dict[str, int]()
    start = threading.Barrier(8)

    def make(_number: int) -> None:
        start.wait(timeout=10)
        with turns.turn("line"):
            if "line" not in made:
                threading.Event().wait(0.02)
                made["line"] = made.get("line", 0) + 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(8)))

    assert made == {"line": 1}


def test_different_names_do_not_wait_for_each_other() -> None:
    turns = Turns()
    both = threading.Barrier(2)

    def make(name: str) -> bool:
        with turns.turn(name):
            both.wait(timeout=10)  # which breaks where one has to wait for the other
            return True

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(make, ("one", "other"))) == [True, True]


def test_a_turn_ends_with_an_error_too() -> None:
    turns = Turns()

    def fail() -> None:
        with turns.turn("line"):
            raise ValueError

    def have() -> str:
        with turns.turn("line"):
            return "had"

    with ThreadPoolExecutor(2) as threads:
        assert isinstance(threads.submit(fail).exception(timeout=10), ValueError)
        assert threads.submit(have).result(timeout=10) == "had"


def test_two_pieces_of_work_are_done_at_the_same_time() -> None:
    meeting = threading.Barrier(2)

    def one(answer: str) -> str:
        meeting.wait(timeout=10)  # which breaks where one has to wait for the other
        return answer

    assert both(lambda: one("one"), lambda: one("other")) == ("one", "other")


def test_an_error_of_either_piece_of_work_comes_out() -> None:
    def fail() -> None:
        raise LookupError

    for pair in ((fail, str), (str, fail)):
        with pytest.raises(LookupError):
            both(*pair)
