"""The desk of the command line: it keeps what was bought in a folder and shows a progress bar."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from jobs.pipeline.parallel import Turns

STAGES = {
    "ingest": "Reading the sound",
    "transcribe": "Listening",
    "translate": "Translating line",
    "dub": "Speaking line",
    "mix": "Mixing",
    "export": "Writing the files",
}
WIDTH = 24


class LocalDesk:
    """A desk for one run in one process: nothing outlives its folder."""

    def __init__(self, folder: Path, out: TextIO | None) -> None:
        """Keep things in `folder`; draw the bar on `out`, None for no bar."""
        self.folder = folder
        self.out = out
        self.stage = ""
        self.began = 0.0
        self._making = Turns()

    def remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes kept under `key`, made and kept now if there are none."""
        name = hashlib.sha256(key.encode()).hexdigest()
        with self._making.turn(name):  # lines that are the same are bought once, whoever asks
            path = self.folder / name
            if not path.exists():
                path.write_bytes(make())
            return path.read_bytes()

    def progress(self, stage: str, n: int, m: int) -> None:
        """Draw how far `stage` is, with the time that it still needs at this speed."""
        if self.out is None:
            return
        if stage != self.stage:
            self._end_line()
            self.stage, self.began = stage, time.monotonic()
        elif not self.out.isatty() and n < m:
            return  # a log wants one line a stage, not one a step
        self.out.write(("\r" if self.out.isatty() else "") + self._bar(n, m))
        self.out.write("\033[K" if self.out.isatty() else "\n")
        self.out.flush()

    def stop(self) -> None:
        """Nobody but Ctrl-C stops the command line, and that raises by itself."""

    def close(self) -> None:
        """Leave the terminal on a fresh line."""
        self._end_line()

    def _bar(self, n: int, m: int) -> str:
        done = round(WIDTH * n / m) if m else WIDTH
        bar = "#" * done + "." * (WIDTH - done)
        text = f"[{bar}] {STAGES.get(self.stage, self.stage)}"
        if self.stage in {"translate", "dub"}:
            text += f" {n} of {m}"
        if 0 < n < m:
            left = (time.monotonic() - self.began) / n * (m - n)
            text += f", about {left:.0f} s left"
        return text

    def _end_line(self) -> None:
        if self.out is not None and self.stage and self.out.isatty():
            self.out.write("\n")
