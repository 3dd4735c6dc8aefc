"""Deepgram's wire: `/v1/listen`, `/v1/speak`, and `/v1/projects` to try a key with.

Source: https://developers.deepgram.com/reference; the two forms of its errors are both in use.
"""

from typing import Any

from jobs.pipeline.timeline import Recognition, Utterance, Word
from tests.peers import voiced
from tests.peers.exchange import Answer, Request, as_json
from tests.peers.faults import STATUS, Fault, times_as_long

LONGEST_TEXT = 2000
NOT_YET = "of-tomorrow"  # ends the names of models that nobody has


def listened(request: Request, heard: Recognition, fault: Fault | None) -> Answer:
    """The answer to a recording in which `heard` is said."""
    if request.option("model").endswith(NOT_YET):
        return error(request, 400)
    told = heard.language if request.option("language") in {"multi", ""} else None
    channel = {
        "alternatives": [
            {
                "transcript": " ".join(said.text for said in heard.utterances),
                "confidence": 0.98,
                "languages": [heard.language],
                "words": [_word(w, u, told) for u in heard.utterances for w in u.words],
            }
        ]
    }
    results: dict[str, Any] = {"channels": [channel]}
    if request.option("utterances") == "true":
        results["utterances"] = [_utterance(said, told) for said in heard.utterances]
    seconds = request.seconds * (10 if fault is Fault.TOO_LONG else 1)
    metadata = {
        "transaction_key": "deprecated",
        "request_id": _id(request),
        "sha256": request.sha256,
        "created": "2026-11-22T12:00:00.000Z",
        "duration": round(seconds, 4),
        "channels": 1,
        "models": ["model-1"],
        "model_info": {},
    }
    return as_json({"metadata": metadata, "results": results}, dg_request_id=_id(request))


def spoke(request: Request, fault: Fault | None) -> Answer:
    """The speech for a text, as a streamed WAV file."""
    text = str(request.asked["text"])
    if len(text) > LONGEST_TEXT:
        return error(request, 413)
    rate, sample_rate = float(request.option("speed", "1")), int(request.option("sample_rate"))
    sound = voiced.spoken(
        text,
        voice=request.option("model"),
        sample_rate=sample_rate,
        rate=rate,
        times=times_as_long(fault),
    )
    body = voiced.wav(sound, sample_rate, streamed=True)
    if fault is Fault.EMPTY_AUDIO:
        body = b""
    elif fault is Fault.MP3:
        body = voiced.mp3(sound, sample_rate)
    headers = {"dg-request-id": _id(request), "dg-char-count": str(len(text))}
    return Answer(body, type="audio/wav", headers=headers)


def error(request: Request, status: int, **headers: str) -> Answer:
    """An error as Deepgram words it, in both ways in turn."""
    old = {"err_code": f"E{status}", "err_msg": "It failed.", "request_id": _id(request)}
    new = {"category": f"E{status}", "message": "It failed.", "request_id": _id(request)}
    form = old if request.number % 2 else new
    return as_json(form, status=status, dg_request_id=_id(request), **headers)


def failed(request: Request, fault: Fault) -> Answer:
    """The error that a fault is."""
    return error(request, STATUS[fault])


def projects(_request: Request) -> Answer:
    """What a key may see."""
    return as_json({"projects": [{"project_id": "project-1", "name": "A project"}]})


def _id(request: Request) -> str:
    return f"dg-{request.kind}-{request.number}"


def _word(word: Word, said: Utterance, language: str | None) -> dict[str, Any]:
    known = {"language": language} if language else {}
    return known | {
        "word": word.text.strip(".,!?").lower(),
        "punctuated_word": word.text,
        "start": word.start,
        "end": word.end,
        "confidence": word.probability,
        "speaker": said.speaker,
    }


def _utterance(said: Utterance, language: str | None) -> dict[str, Any]:
    return {
        "start": said.start,
        "end": said.end,
        "confidence": 0.98,
        "channel": 0,
        "transcript": said.text,
        "words": [_word(word, said, language) for word in said.words],
        "speaker": said.speaker,
        "id": f"utterance-{said.start}",
    }
