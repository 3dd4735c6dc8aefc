"""A connection between browser and site that can be slow, and cut."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

BLOCK = 64 * 1024


class Cable:
    """Passes on what comes to `url`. bytes_a_second is how much of it, at most, goes up."""

    def __init__(self, site: str, *, bytes_a_second: int) -> None:
        self.bytes_a_second = bytes_a_second
        self._target = ("127.0.0.1", urlsplit(site).port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where a browser reaches the site through this cable."""
        return f"http://localhost:{self._listening.getsockname()[1]}"

    def cut(self) -> None:
        """Break what goes through it, and let nothing through."""
        self._is_cut = True
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let everything through again, as fast as it comes."""
        self._is_cut, self.bytes_a_second = False, 0

    def close(self) -> None:
        """End it."""
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._ends |= {near, far}
            threading.Thread(target=self._pass_on, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(far, near, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(BLOCK):
                target.sendall(block)
                if up and self.bytes_a_second:
                    time.sleep(len(block) / self.bytes_a_second)
        for end in (source, target):
            self._ends.discard(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cable(site: str, *, bytes_a_second: int) -> Iterator[Cable]:
    """A cable for as long as it is needed."""
    one = Cable(site, bytes_a_second=bytes_a_second)
    try:
        yield one
    finally:
        one.close()
