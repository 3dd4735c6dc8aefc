"""What vendors say about when to come back, and how much of it is believed."""

import time
from email.utils import formatdate

import pytest

from jobs.providers.statuses import LONGEST_AFTER, failure, retry_after


@pytest.mark.parametrize(("said", "seconds"), [("0", 0.0), ("17", 17.0), ("2.5", 2.5), ("-3", 0.0)])
def test_seconds_are_kept_and_never_negative(said: str, seconds: float) -> None:
    assert retry_after({"Retry-After": said}) == seconds


def test_a_date_is_counted_from_now() -> None:
    said = formatdate(time.time() + 90, usegmt=True)

    assert retry_after({"retry-after": said}) == pytest.approx(90, abs=5)


def test_a_date_that_is_over_means_now() -> None:
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


@pytest.mark.parametrize("said", ["1e300", "86400", "Sat, 01 Jan 2099 00:00:00 GMT"])
def test_nobody_is_waited_for_longer_than_an_hour(said: str) -> None:
    assert retry_after({"retry-after": said}) == LONGEST_AFTER == 3600


@pytest.mark.parametrize(
    "said",
    ["", "soon", "inf", "-inf", "nan", "1e999", "Sat, 99 Foo 2099", "Sat, 01 Jan 99999 00:00 GMT"],
)
def test_what_is_neither_a_number_nor_a_date_is_not_believed(said: str) -> None:
    assert retry_after({"retry-after": said}) is None


def test_only_a_busy_vendor_is_asked_when_to_come_back() -> None:
    headers = {"Retry-After": "9"}

    assert failure("Deepgram", 429, headers=headers).after == 9
    assert failure("Deepgram", 500, headers=headers).after is None
