"""An S3 server that checks what real ones check: moto behind a front that recomputes signatures.

moto itself takes any signature, expired or for another key. The front verifies SigV4 (in headers
and in presigned addresses), expiry, the hash and the length of what is sent, and then passes the
request on. Source: Amazon S3, Authenticating Requests (Signature Version 4).
"""

import hashlib
import hmac
import http.client
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

KEY, SECRET, REGION, BUCKET = "test-key", "test-secret", "eu-west-1", "uploads"
STAMP = "%Y%m%dT%H%M%SZ"
SKEW = timedelta(minutes=15)
HOP_BY_HOP = {"connection", "transfer-encoding", "server", "date"}


class Refused(Exception):
    """The request is not what was signed."""


@dataclass(frozen=True)
class Call:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    status: int


class S3Peer:
    """The server, on a free port of this machine, with one empty bucket."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.away = False
        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._front = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._front.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self._front.server_port}"

    def __enter__(self) -> Self:
        self._moto.start()
        self._thread.start()
        self.forward("PUT", f"/{BUCKET}", {}, LOCATION)
        return self

    def __exit__(self, *_: object) -> None:
        self._front.shutdown()
        self._thread.join()
        self._front.server_close()
        self._moto.stop()

    def forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask moto, which believes everything."""
        host, port = self._moto.get_host_and_port()
        connection = http.client.HTTPConnection(host, port, timeout=30)
        try:
            named = {**headers, "host": f"{host}:{port}", "content-length": str(len(body))}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                try:
                    if peer.away:
                        raise Refused("SlowDown")
                    check(self.command, self.path, headers, body)
                    status, sent, content = peer.forward(self.command, self.path, headers, body)
                except Refused as refused:
                    status, sent = (503 if peer.away else 403), [("Content-Type", "text/xml")]
                    content = f"<Error><Code>{refused}</Code></Error>".encode()
                peer.calls.append(Call(self.command, self.path, headers, status))
                self.send_response(status)
                for name, value in sent:
                    if name.lower() not in {*HOP_BY_HOP, "content-length"}:
                        self.send_header(name, value)
                length = {n.lower(): v for n, v in sent}.get("content-length")
                is_head = self.command == "HEAD"
                self.send_header(
                    "Content-Length", length if is_head and length else str(len(content))
                )
                self.end_headers()
                if not is_head:
                    self.wfile.write(content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing: `calls` is the log."""

        return Handler


LOCATION = (
    f"<CreateBucketConfiguration><LocationConstraint>{REGION}"
    "</LocationConstraint></CreateBucketConfiguration>"
).encode()


def check(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    """Raise Refused unless this request is signed, in time, and holds what was signed."""
    query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
    if "X-Amz-Signature" in query:
        _check_presigned(method, path, headers, query)
    elif "authorization" in headers:
        _check_signed(method, path, headers, body)
    else:
        raise Refused("AccessDenied")


def _check_presigned(
    method: str, path: str, headers: dict[str, str], query: dict[str, str]
) -> None:
    when = datetime.strptime(query["X-Amz-Date"], STAMP).replace(tzinfo=UTC)
    if datetime.now(UTC) > when + timedelta(seconds=int(query["X-Amz-Expires"])):
        raise Refused("AccessDenied")
    place = urlsplit(path)
    rest = [one for one in place.query.split("&") if not one.startswith("X-Amz-Signature=")]
    url = f"http://{headers['host']}{place.path}?{'&'.join(rest)}"
    auth = S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", REGION)
    names = query["X-Amz-SignedHeaders"].split(";")
    _compare(auth, method, url, names, headers, query["X-Amz-Date"], query["X-Amz-Signature"])


def _check_signed(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    given = headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ")
    parts = dict(part.strip().split("=", 1) for part in given.split(","))
    when = datetime.strptime(headers["x-amz-date"], STAMP).replace(tzinfo=UTC)
    if abs(datetime.now(UTC) - when) > SKEW:
        raise Refused("RequestTimeTooSkewed")
    told = headers["x-amz-content-sha256"]
    if told != "UNSIGNED-PAYLOAD" and told != hashlib.sha256(body).hexdigest():
        raise Refused("XAmzContentSHA256Mismatch")
    auth = S3SigV4Auth(Credentials(KEY, SECRET), "s3", REGION)
    names = parts["SignedHeaders"].split(";")
    url = f"http://{headers['host']}{path}"
    _compare(auth, method, url, names, headers, headers["x-amz-date"], parts["Signature"])


def _compare(
    auth: S3SigV4Auth,
    method: str,
    url: str,
    names: list[str],
    headers: dict[str, str],
    stamp: str,
    signature: str,
) -> None:
    if missing := [name for name in names if name not in headers]:
        raise Refused(f"SignatureDoesNotMatch: {missing}")
    signed = {name: headers[name] for name in names}
    request = AWSRequest(method=method, url=url, headers=signed)
    request.context["timestamp"] = stamp
    wanted = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    if not hmac.compare_digest(wanted, signature):
        raise Refused("SignatureDoesNotMatch")
