"""What goes over the wire between us and a vendor: one request, and its answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """One call as it came in. sha256 and size are those of its body, of which only JSON is kept.

    seconds is the length of the sound in it, where there is any.
    """

    vendor: str
    kind: str
    number: int  # how many of this vendor and kind came before
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]  # by lower-case name
    sha256: str
    size: int
    asked: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    fault: str = ""

    def option(self, name: str, otherwise: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, (otherwise,))[-1]


@dataclass(frozen=True)
class Answer:
    """One answer as it goes out; takes is how long it is thought about."""

    body: bytes
    status: int = 200
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: float = 0.0


def as_json(content: object, *, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON; underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(content, ensure_ascii=False).encode(), status, headers=named)
