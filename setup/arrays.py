"""Writing NumPy's .npz files without NumPy, which isn't there yet when set-up runs.

Source: numpy.lib.format, version 1.0 of the format. The same arrays always give the same bytes.
"""

from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

MAGIC = b"\x93NUMPY\x01\x00"
ALIGNED = 64  # the array starts at a multiple of so many bytes


def write_npz(target: Path, arrays: Iterable[tuple[str, bytes]], shape: tuple[int, ...]) -> None:
    """Write named little-endian float32 arrays, all of that shape, into one file."""
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for name, content in arrays:
            # Without a date of its own the entry would be dated now, and the file never the same.
            archive.writestr(ZipInfo(f"{name}.npy"), header(shape) + content)


def header(shape: tuple[int, ...]) -> bytes:
    """What stands before the numbers of one array."""
    words = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    bare = len(MAGIC) + 2 + len(words) + 1
    words += b" " * (-bare % ALIGNED) + b"\n"
    return MAGIC + len(words).to_bytes(2, "little") + words
