from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.ranges import Blocks, ByteRange, NotSatisfiable, byte_range


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, 5),
        ("bytes=5-99", 5, 5),
        ("bytes=-3", 7, 3),
        ("bytes=-99", 0, 10),
        ("Bytes=1-2", 1, 2),
    ],
)
def test_one_range_is_served(header: str, start: int, length: int) -> None:
    assert byte_range(header, 10) == ByteRange(start, length)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=-",
        "bytes",
        "items=0-1",
        "bytes=4-2",
        "bytes=0-1,4-5",
        "bytes=a-b",
        "bytes=٣-",
        f"bytes={'9' * 4400}-",
        f"bytes=0-{'9' * 4400}",
        f"bytes=-{'9' * 4400}",
    ],
)
def test_what_is_no_single_range_gets_the_whole_file(header: str | None) -> None:
    assert byte_range(header, 10) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_outside_the_file_is_not_satisfiable(header: str, size: int) -> None:
    with pytest.raises(NotSatisfiable):
        byte_range(header, size)


def test_content_range_names_first_last_and_size() -> None:
    assert ByteRange(2, 3).content_range(10) == "bytes 2-4/10"


@given(content=st.binary(min_size=1, max_size=300_000), first=st.integers(0), last=st.integers(0))
def test_blocks_give_exactly_the_bytes_asked_for(content: bytes, first: int, last: int) -> None:
    first, last = sorted((first % len(content), last % len(content)))
    part = byte_range(f"bytes={first}-{last}", len(content))
    file = BytesIO(content)

    assert part is not None
    assert b"".join(Blocks(file, part)) == content[first : last + 1]


def test_closing_the_blocks_unread_closes_the_file() -> None:
    file = BytesIO(b"content")

    Blocks(file, ByteRange(0, 7)).close()

    assert file.closed
