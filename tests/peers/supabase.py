"""A server that speaks what we use of Supabase's Auth: its published keys, and who a token is.

It signs tokens of both kinds, and of kinds that nobody should accept.
"""

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

SECRET = "the-legacy-secret-of-the-project-0123456789"
SERVICE_KEY = "the-service-key-of-the-project"


@dataclass
class Person:
    """A user of the project."""

    email: str
    confirmed: bool = True
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class SupabasePeer:
    """The server, on a free port of this machine. `calls` says what was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.people: dict[str, Person] = {}
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.down = False
        self.add_key("first")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The project's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add_key(self, key_id: str) -> None:
        """Publish another key."""
        self.keys[key_id] = ec.generate_private_key(ec.SECP256R1())

    def add_person(self, email: str, *, confirmed: bool = True) -> Person:
        """Let somebody sign up."""
        person = Person(email, confirmed)
        self.people[person.id] = person
        return person

    def claims(self, person: Person, **others: Any) -> dict[str, Any]:
        """What a token of theirs says; None removes a claim."""
        now = int(time.time())
        said = {
            "iss": f"{self.url}/auth/v1",
            "aud": "authenticated",
            "role": "authenticated",
            "sub": person.id,
            "email": person.email,
            "iat": now,
            "exp": now + 3600,
            "is_anonymous": False,
            "user_metadata": {"email_verified": True},
            **others,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, person: Person, *, key_id: str = "first", **others: Any) -> str:
        """A new token: ES256, by a published key."""
        headers = {"kid": key_id}
        key = self.keys.get(key_id) or ec.generate_private_key(ec.SECP256R1())
        return jwt.encode(self.claims(person, **others), key, "ES256", headers=headers)

    def legacy_token(self, person: Person, **others: Any) -> str:
        """An old token: HS256, by the project's secret."""
        return jwt.encode(self.claims(person, **others), SECRET, "HS256")

    def public_key(self, key_id: str = "first") -> bytes:
        """A published key as everybody may have it."""
        return (
            self.keys[key_id]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def answer(self, path: str, token: str, api_key: str) -> tuple[int, dict[str, Any]]:
        """Status and body for a request."""
        if self.down:
            return 500, {}
        if path == "/auth/v1/.well-known/jwks.json":
            return 200, {"keys": [self._published(key_id) for key_id in self.keys]}
        if path != "/auth/v1/user" or api_key != SERVICE_KEY:
            return 401, {"code": 401, "msg": "no such place"}
        sub = jwt.decode(token, options={"verify_signature": False})["sub"]
        person = self.people.get(sub)
        if person is None:
            return 403, {"code": 403, "error_code": "user_not_found"}
        at = "2026-01-01T00:00:00Z" if person.confirmed else None
        return 200, {"id": person.id, "email": person.email, "email_confirmed_at": at}

    def _published(self, key_id: str) -> dict[str, Any]:
        key = ECAlgorithm.to_jwk(self.keys[key_id].public_key(), as_dict=True)
        return {**key, "kid": key_id, "alg": "ES256", "use": "sig"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                peer.calls.append(self.path)
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                status, body = peer.answer(self.path, token, self.headers.get("apikey", ""))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing: `calls` is the log."""

        return Handler
