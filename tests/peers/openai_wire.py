"""OpenAI's wire: `/v1/responses`, `/v1/chat/completions`, `/v1/audio/speech`, and `/v1/models`.

Source: https://platform.openai.com/docs/api-reference.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.peers import rule, voiced
from tests.peers.exchange import Answer, Request, as_json
from tests.peers.faults import STATUS, Fault, times_as_long

SAMPLE_RATE = 24_000
NOT_YET = "of-tomorrow"  # ends the names of models that nobody has
FAR = 1000  # what wrong ids are off by
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
    raw: bytes | None = None  # sent in place of all that
    type: str = "text/html"  # of what is raw


Model = Callable[[Call], Reply]


def marked(call: Call) -> Reply:
    """A model whose answers are easy to tell: every line, marked with the language asked for."""
    language = call.asked["target_language"]
    return lines({line["id"]: f"[{language}] {line['text']}" for line in call.asked["lines"]})


def lines(texts: Texts) -> Reply:
    """An answer that holds these texts."""
    answer = {"lines": [{"id": id_, "text": text} for id_, text in texts.items()]}
    return Reply(content=json.dumps(answer))


def failing(status: int, code: str | None = None, **headers: str) -> Model:
    """A service that answers every call with this error."""
    error = {"message": "It failed.", "type": "error", "param": None, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(status=status, error=error, headers=named)


def by_rule(call: Call, *, off: int = 0) -> Reply:
    """The model by default: every line, translated by the rule; `off` is added to their ids."""
    target = str(call.asked["target_language"])
    texts = {
        line["id"] + off: rule.translated(
            line["text"],
            target,
            least=line.get("min_chars", 0),
            most=line["max_chars"] if line.get("earlier") else None,
        )
        for line in call.asked["lines"]
    }
    return lines(texts)


def translated(request: Request, fault: Fault | None, model: Model) -> Answer:
    """Every line asked for, as the model says it."""
    call = Call(request.path, dict(request.headers), dict(request.asked))
    if fault is Fault.REFUSAL:
        reply = Reply(refusal="I can't help with that.")
    elif fault is Fault.CONTENT_FILTER:
        reply = Reply(finish="content_filter")
    elif fault is Fault.WRONG_IDS:
        reply = by_rule(call, off=FAR)
    else:
        reply = model(call)
    if reply.raw is not None:
        return Answer(reply.raw, type=reply.type, headers=reply.headers)
    answer = as_json(wire(call, reply), status=reply.status, x_request_id=_id(request))
    return replace(answer, headers={**answer.headers, **reply.headers})


def spoke(request: Request, fault: Fault | None) -> Answer:
    """The speech for a text, as WAV."""
    asked = request.asked
    if str(asked["model"]).endswith(NOT_YET):
        return error(request, 404, "model_not_found")
    sound = voiced.spoken(
        str(asked["input"]),
        voice=str(asked["voice"]),
        sample_rate=SAMPLE_RATE,
        rate=float(asked.get("speed", 1.0)),
        times=times_as_long(fault),
    )
    body = voiced.wav(sound, SAMPLE_RATE)
    if fault is Fault.EMPTY_AUDIO:
        body = b""
    elif fault is Fault.MP3:
        body = voiced.mp3(sound, SAMPLE_RATE)
    return Answer(body, type="audio/wav", headers={"x-request-id": _id(request)})


def failed(request: Request, fault: Fault) -> Answer:
    """The error that a fault is; without credit it has no time."""
    if fault is Fault.UNPAID:
        return error(request, 429, "insufficient_quota")
    return error(request, STATUS[fault], "invalid_api_key" if fault is Fault.WRONG_KEY else None)


def error(request: Request, status: int, code: str | None = None) -> Answer:
    """An error as OpenAI words it."""
    told = {"message": "It failed.", "type": "error", "param": None, "code": code}
    return as_json({"error": told}, status=status, x_request_id=_id(request))


def models(_request: Request) -> Answer:
    """The models that a key may use."""
    listed = [{"id": "gpt-6-luna", "object": "model", "created": 1_790_000_000, "owned_by": "o"}]
    return as_json({"object": "list", "data": listed})


def _id(request: Request) -> str:
    return f"req-{request.kind}-{request.number}"


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
