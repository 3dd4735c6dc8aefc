"""Hearing a recording once: what a recognizer said is remembered, for it had to be paid."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs.pipeline.ports import Desk, Transcriber
from jobs.pipeline.timeline import Recognition, Utterance, Word
from jobs.pipeline.translate import key


def once(transcriber: Transcriber, speech: Path, *, hint: str | None, desk: Desk) -> Recognition:
    """What is said in a 16 kHz mono FLAC, asked for once; `hint` is its language, where known.

    Raises what the transcriber raises, and Stopped.
    """

    def make() -> bytes:
        recognition = transcriber.transcribe(speech, language=hint, stop=desk.stop)
        return json.dumps(asdict(recognition), ensure_ascii=False).encode()

    with speech.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    engine = transcriber.engine
    name = key("recognition", engine.name, engine.model, hint, digest)
    return _recognition(json.loads(desk.remember(name, make)))


def _recognition(kept: Mapping[str, Any]) -> Recognition:
    return Recognition(**{**kept, "utterances": tuple(map(_utterance, kept["utterances"]))})


def _utterance(kept: Mapping[str, Any]) -> Utterance:
    return Utterance(**{**kept, "words": tuple(Word(**word) for word in kept["words"])})
