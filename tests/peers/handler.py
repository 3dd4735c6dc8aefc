"""The HTTP of the peer: reads requests, writes answers, and breaks connections where it should."""

import hashlib
import json
import socket
import struct
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import soundfile

from tests.peers.exchange import JSON, Answer, Request
from tests.peers.faults import Fault

BLOCK = 256 * 1024
ROUTES = {
    "/v1/listen": ("deepgram", "recognition"),
    "/v1/speak": ("deepgram", "speech"),
    "/v1/responses": ("openai", "translation"),
    "/v1/chat/completions": ("openai", "translation"),
    "/v1/audio/speech": ("openai", "speech"),
    "/v1/speech": ("polly", "speech"),
}


class Peer(Protocol):
    """What decides on answers."""

    trickle: float

    def fault(self, vendor: str, kind: str) -> tuple[int, Fault | None]:
        """The number of the next call of a kind, and how it fails."""

    def look(self, request: Request) -> Answer:
        """What is told about the account."""

    def answer(self, request: Request, fault: Fault | None) -> Answer:
        """What goes back."""

    def wait(self, seconds: float) -> bool:
        """Let time pass; says whether the call is to be given up."""


class PeerServer(ThreadingHTTPServer):
    """Serves a peer, each connection in a thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], peer: Peer) -> None:
        self.peer = peer
        super().__init__(address, PeerHandler)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what is tried here."""


class PeerHandler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: PeerServer

    def do_GET(self) -> None:
        """Tell about the account."""
        self._send(self.server.peer.look(self._told("", "look", 0, b"")))

    def do_POST(self) -> None:
        """Take a call of a vendor's."""
        route = ROUTES.get(urlsplit(self.path).path)
        if route is None:
            self._send(Answer(b"{}", status=404))
            return
        number, fault = self.server.peer.fault(*route)
        if fault is Fault.REFUSED:
            self._drop()
            return
        request = replace(self._told(*route, number, self._body()), fault=fault or "")
        answer = self.server.peer.answer(request, fault)
        if fault is Fault.RESET:
            self._drop()
        else:
            share = 0.5 if fault is Fault.HALF_CLOSED else 1.0
            self._send(answer, share=share, slowly=fault is Fault.TRICKLE)

    def _body(self) -> bytes:
        left, body = int(self.headers.get("Content-Length") or 0), bytearray()
        while left and (block := self.rfile.read(min(left, BLOCK))):
            body += block
            left -= len(block)
        return bytes(body)

    def _told(self, vendor: str, kind: str, number: int, body: bytes) -> Request:
        """The request as the log keeps it."""
        address = urlsplit(self.path)
        is_json = self.headers.get("Content-Type", "").startswith(JSON) or body[:1] == b"{"
        return Request(
            vendor=vendor,
            kind=kind,
            number=number,
            path=address.path,
            query={name: tuple(values) for name, values in parse_qs(address.query).items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
            asked=json.loads(body) if body and is_json else {},
            seconds=0.0 if is_json or not body else soundfile.info(BytesIO(body)).duration,
        )

    def _send(self, answer: Answer, *, share: float = 1.0, slowly: bool = False) -> None:
        self.send_response(answer.status)
        length = {"Content-Type": answer.type, "Content-Length": str(len(answer.body))}
        for name, value in {**length, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if slowly:
            self._trickle(answer.body)
        else:
            self.wfile.write(answer.body[: int(len(answer.body) * share)])
        self.close_connection = slowly or share < 1

    def _trickle(self, body: bytes) -> None:
        for byte in body:
            self.wfile.write(bytes([byte]))
            if self.server.peer.wait(self.server.peer.trickle):
                return

    def _drop(self) -> None:
        """Close with a reset: whatever was sent or is still unread is lost."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing: the peer keeps a log of its own."""
