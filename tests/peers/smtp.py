"""A mail server (RFC 5321) that takes every letter, but for the mailboxes that it refuses."""

import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Self


class MailPeer:
    """The server, on a free port of this machine.

    `refused` says with which answer a mailbox is refused; `taken` is whose letters were taken.
    """

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}
        self.taken: list[str] = []
        self._server = ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[StreamRequestHandler]:
        peer = self

        class Handler(StreamRequestHandler):
            """One conversation, a line at a time."""

            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    self.wfile.write(f"{self.answer(line.decode().strip())}\r\n".encode())

            def answer(self, line: str) -> str:
                verb = line[:4].upper()
                if verb == "RCPT":
                    mailbox = line[line.index("<") + 1 : line.index(">")]
                    self.mailbox = mailbox
                    return peer.refused.get(mailbox, "250 yes")
                if verb == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    while self.rfile.readline() not in {b".\r\n", b""}:
                        pass
                    peer.taken.append(self.mailbox)
                return "221 bye" if verb == "QUIT" else "250 yes"

        return Handler
