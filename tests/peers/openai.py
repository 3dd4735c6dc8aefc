"""A server that speaks OpenAI's wire format: chat completions and responses.

It answers translation requests over real HTTP, keeps every call, and fails when a test says so.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Texts = dict[int, str]


@dataclass(frozen=True)
class Call:
    """One request as it came in: headers by lower-case name, body from JSON."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        """What the model is told to do."""
        if self.path.endswith("/responses"):
            return str(self.body["instructions"])
        return str(self.body["messages"][0]["content"])

    @property
    def asked(self) -> dict[str, Any]:
        """What the model is asked: the JSON of the last message."""
        if self.path.endswith("/responses"):
            text = self.body["input"]
        else:
            text = self.body["messages"][-1]["content"]
        return dict(json.loads(text))

    @property
    def ids(self) -> list[int]:
        """The lines asked for."""
        return [line["id"] for line in self.asked["lines"]]


@dataclass(frozen=True)
class Reply:
    """What to answer: the model's words, or an error as the vendor's service words it."""

    content: str = ""
    finish: str = "stop"
    refusal: str | None = None
    status: int = 200
    error: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None  # sent as HTML in place of JSON


def translated(call: Call) -> Reply:
    """A well-behaved model: every line, marked with the language that was asked for."""
    language = call.asked["target_language"]
    return lines({line["id"]: f"[{language}] {line['text']}" for line in call.asked["lines"]})


def lines(texts: Texts) -> Reply:
    """An answer that holds these texts."""
    answer = {"lines": [{"id": id_, "text": text} for id_, text in texts.items()]}
    return Reply(content=json.dumps(answer))


def failing(status: int, code: str | None = None, **headers: str) -> Callable[[Call], Reply]:
    """A service that answers every call with this error."""
    error = {"message": "It failed.", "type": "error", "param": None, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(status=status, error=error, headers=named)


class OpenAIPeer:
    """The server, on a free port of this machine; `answer` says what to reply."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer: Callable[[Call], Reply] = translated
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.path, headers, body)
                peer.calls.append(call)
                reply = peer.answer(call)
                content = reply.raw or json.dumps(wire(call, reply)).encode()
                self.send_response(reply.status)
                kind = "text/html" if reply.raw else "application/json"
                sent = {"Content-Type": kind, "Content-Length": str(len(content))} | reply.headers
                for name, value in sent.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing: `calls` is the log."""

        return Handler


def wire(call: Call, reply: Reply) -> dict[str, Any]:
    """A reply as the service words it on the path that was called."""
    if reply.status != 200:
        return {"error": reply.error}
    if call.path == "/v1/responses":
        return _response(call, reply)
    if call.path == "/v1/chat/completions":
        return _completion(call, reply)
    raise ValueError(f"no such path: {call.path}")


def _completion(call: Call, reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": call.body["model"],
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def _response(call: Call, reply: Reply) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": reply.content, "annotations": []}
    if reply.refusal:
        part = {"type": "refusal", "refusal": reply.refusal}
    reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
    reason = reasons.get(reply.finish)
    status = "incomplete" if reason else "completed"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "model": call.body["model"],
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "status": status,
                "role": "assistant",
                "content": [part],
            }
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 120,
        },
    }
