"""OpenAI's wire: `/v1/responses`, `/v1/chat/completions`, `/v1/audio/speech`, and `/v1/models`.

Source: https://platform.openai.com/docs/api-reference.
"""

from tests.peers import openai, rule, voiced
from tests.peers.exchange import Answer, Request, as_json
from tests.peers.faults import STATUS, Fault

SAMPLE_RATE = 24_000
FAR = 1000  # what wrong ids are off by


def translated(request: Request, fault: Fault | None) -> Answer:
    """Every line asked for, translated by the rule."""
    call = openai.Call(request.path, dict(request.headers), dict(request.asked))
    if fault is Fault.REFUSAL:
        reply = openai.Reply(refusal="I can't help with that.")
    elif fault is Fault.CONTENT_FILTER:
        reply = openai.Reply(finish="content_filter")
    else:
        reply = _lines(call, FAR if fault is Fault.WRONG_IDS else 0)
    return as_json(openai.wire(call, reply), x_request_id=_id(request))


def _lines(call: openai.Call, off: int) -> openai.Reply:
    target = str(call.asked["target_language"])
    texts = {
        line["id"] + off: rule.translated(
            line["text"], target, most=line["max_chars"] if line.get("earlier") else None
        )
        for line in call.asked["lines"]
    }
    return openai.lines(texts)


def spoke(request: Request, fault: Fault | None) -> Answer:
    """The speech for a text, as WAV."""
    asked = request.asked
    times = 10.0 if fault is Fault.TOO_LONG else 1.0
    sound = voiced.spoken(
        str(asked["input"]),
        voice=str(asked["voice"]),
        sample_rate=SAMPLE_RATE,
        rate=float(asked.get("speed", 1.0)),
        times=times,
    )
    body = voiced.wav(sound, SAMPLE_RATE)
    if fault is Fault.EMPTY_AUDIO:
        body = b""
    elif fault is Fault.MP3:
        body = voiced.mp3(sound, SAMPLE_RATE)
    return Answer(body, type="audio/wav", headers={"x-request-id": _id(request)})


def failed(request: Request, fault: Fault) -> Answer:
    """The error that a fault is."""
    return error(request, STATUS[fault])


def error(request: Request, status: int) -> Answer:
    """An error as OpenAI words it."""
    told = {"message": "It failed.", "type": "error", "param": None, "code": None}
    return as_json({"error": told}, status=status, x_request_id=_id(request))


def models(_request: Request) -> Answer:
    """The models that a key may use."""
    listed = [{"id": "gpt-6-luna", "object": "model", "created": 1_790_000_000, "owned_by": "o"}]
    return as_json({"object": "list", "data": listed})


def _id(request: Request) -> str:
    return f"req-{request.kind}-{request.number}"
