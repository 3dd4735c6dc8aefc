"""Byte ranges of a stored file, as players and resumed downloads ask for them (RFC 9110, 14)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 64 * 1024

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
# More digits than any file needs are nonsense, and of thousands of them Python makes no number.


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Part of a file: its first byte, and how many follow from there."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The value of Content-Range for a file of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class NotSatisfiable(Exception):
    """The range lies outside the file."""


def byte_range(header: str | None, size: int) -> ByteRange | None:
    """The one range that a Range header asks of a file of `size` bytes.

    None where the whole file is the right answer: no header, another unit, many ranges, nonsense.
    Raises NotSatisfiable.
    """
    found = _ONE_RANGE.fullmatch(header) if header else None
    if found is None or found.group(0).strip().endswith("=-"):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(int(last), size)
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None
    if start >= size:
        raise NotSatisfiable
    return ByteRange(start, end - start + 1)


class Blocks:
    """A part of an open file in blocks, to be read once.

    Whoever sends it calls `close`, also when the other side left before the first block: a
    generator that never started would leave the file open.
    """

    def __init__(self, file: BinaryIO, part: ByteRange) -> None:
        self.file = file
        self.part = part

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.part.start)
        left = self.part.length
        while left and (block := self.file.read(min(BLOCK, left))):
            left -= len(block)
            yield block

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _suffix(length: int, size: int) -> ByteRange:
    if length == 0 or size == 0:
        raise NotSatisfiable
    length = min(length, size)
    return ByteRange(size - length, length)
