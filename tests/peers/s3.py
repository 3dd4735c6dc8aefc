"""An S3 server that checks what real ones check: moto behind a front that recomputes signatures.

moto itself takes any signature, expired or for another key, and lets pages of every origin in. The
front verifies SigV4 (in headers and in presigned addresses), expiry, the hash and the length of
what is sent, answers browsers by the bucket's CORS rules alone, and then passes the request on.
Sources: Amazon S3, Authenticating Requests (Signature Version 4), and Using cross-origin resource
sharing: the first rule that fits origin, method and every header that the browser asks for counts.
"""

import hashlib
import hmac
import http.client
import threading
from collections.abc import Sequence
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
class CorsRule:
    """Which pages may do what with the bucket; the names are those of S3's own JSON."""

    AllowedOrigins: Sequence[str]
    AllowedMethods: Sequence[str]
    AllowedHeaders: Sequence[str] = ()
    ExposeHeaders: Sequence[str] = ()
    MaxAgeSeconds: int = 0

    def fits(self, origin: str, method: str, headers: Sequence[str] = ()) -> bool:
        """Say whether a page of that origin may ask so."""
        allowed = {name.lower() for name in self.AllowedHeaders}
        return (
            origin in self.AllowedOrigins
            and method in self.AllowedMethods
            and {name.lower() for name in headers} <= allowed
        )

    def told(self, origin: str) -> list[tuple[str, str]]:
        """What an answer tells the browser about it."""
        return [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", ", ".join(self.AllowedMethods)),
            ("Access-Control-Allow-Headers", ", ".join(self.AllowedHeaders)),
            ("Access-Control-Expose-Headers", ", ".join(self.ExposeHeaders)),
            ("Access-Control-Max-Age", str(self.MaxAgeSeconds)),
            ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"),
        ]


@dataclass(frozen=True)
class Call:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    status: int


class S3Peer:
    """The server, on a free port of this machine, with one empty bucket.

    `away`: it answers nobody. `expired`: of so many presigned PUTs the time is over.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.cors: list[CorsRule] = []
        self.away = False
        self.expired = 0
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

    def cors_of(self, method: str, headers: dict[str, str]) -> list[tuple[str, str]]:
        """What the bucket's rules tell a browser; nothing to who may not, or is none."""
        origin = headers.get("origin", "")
        wanted = headers.get("access-control-request-method", method)
        named = headers.get("access-control-request-headers", "").split(",")
        asked = [name.strip() for name in named if name.strip()]
        rule = next((rule for rule in self.cors if rule.fits(origin, wanted, asked)), None)
        return rule.told(origin) if rule else []

    def let_expire(self, method: str, path: str) -> None:
        """Raise Refused for a presigned PUT, so many times as were asked for."""
        if self.expired and method == "PUT" and "X-Amz-Expires" in path:
            self.expired -= 1
            raise Refused("AccessDenied")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                allowed = peer.cors_of(self.command, headers)
                try:
                    if peer.away:
                        raise Refused("SlowDown")
                    if self.command == "OPTIONS":
                        self.send_answer(200 if allowed else 403, allowed, b"")
                        return
                    check(self.command, self.path, headers, body)
                    peer.let_expire(self.command, self.path)
                    status, sent, content = peer.forward(self.command, self.path, headers, body)
                except Refused as refused:
                    status, sent = (503 if peer.away else 403), [("Content-Type", "text/xml")]
                    content = f"<Error><Code>{refused}</Code></Error>".encode()
                peer.calls.append(Call(self.command, self.path, headers, status))
                own = [one for one in sent if not one[0].lower().startswith("access-control-")]
                self.send_answer(status, [*own, *allowed], content)

            def send_answer(self, status: int, sent: list[tuple[str, str]], content: bytes) -> None:
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

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = answer  # noqa: N815

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
