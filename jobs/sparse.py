"""A file on S3 as a sparse local one: only the parts that say what is in it are fetched.

Head and tail of any file; of an MP4 also the headers of its boxes and the whole `moov`, wherever it
stands (ISO/IEC 14496-12). All parts are of one version of the object.
"""

from pathlib import Path

from jobs import objects
from jobs.pipeline import container

END = 1024 * 1024
"""Bytes of head and tail that are fetched."""

LARGEST_MOOV = 64 * 1024 * 1024
MOST_BOXES = 64
WHOLE = 64 * 1024 * 1024
"""Up to this size an mp3 or aac is fetched whole: only counting its frames tells its length."""


class SparseCopy:
    """The parts of one object, at their places in a local file of its size."""

    def __init__(self, key: str, into: Path, *, size: int, etag: str) -> None:
        self.key, self.path, self.size, self.etag = key, into, size, etag
        self.complete = False
        into.touch()
        with into.open("r+b") as file:
            file.truncate(size)

    def fill(self) -> None:
        """Fetch what a probe wants to read. Raises UPLOAD_CHANGED, STORAGE_AWAY."""
        self.fetch(0, END)
        if self.size > END:
            self.fetch(max(END, self.size - END), END)
        self.complete = self.size <= 2 * END
        if self.complete:
            return
        kind = container.look(self.path)
        if kind and container.DEMUXER[kind.name] == "mov":
            self._fetch_moov()
        elif kind and kind.name in {"mp3", "aac"} and self.size <= WHOLE:
            self.fetch(END, self.size - 2 * END)
            self.complete = True

    def fetch(self, start: int, length: int) -> bytes:
        """Fetch some bytes and put them where they belong."""
        length = min(length, self.size - start)
        content = objects.part(self.key, start=start, length=length, etag=self.etag)
        with self.path.open("r+b") as file:
            file.seek(start)
            file.write(content)
        return content

    def _fetch_moov(self) -> None:
        start = 0
        for _ in range(MOST_BOXES):
            if start + 16 > self.size:
                return
            header = self._header(start)
            length, kind = int.from_bytes(header[:4], "big"), header[4:8]
            if length == 1:
                length = int.from_bytes(header[8:16], "big")
            if length < 8:
                return  # 0: up to the end of the file
            inside = start + length > END and start < self.size - END
            if kind == b"moov" and inside and length <= LARGEST_MOOV:
                self.fetch(start, length)
            start += length

    def _header(self, start: int) -> bytes:
        if start + 16 > END and start < self.size - END:
            return self.fetch(start, 16)
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(16)
