"""The process in which Pico speaks: its C code holds Python's lock and has been seen to hang."""

import base64
from typing import Any

from py_nanotts import NanoTTS

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.process import serve

VOLUME = 0.5  # at its own 1.0 it clips about one sample in a hundred


def speak(question: dict[str, Any]) -> dict[str, str]:
    """Say `text` with `voice` at `rate`; 16-bit PCM, 16 kHz mono, base64.

    Raises PipelineError ENGINE_REFUSED.
    """
    rate = question["rate"]
    try:
        sound: bytes = NanoTTS().speak(
            question["text"],
            voice=question["voice"],
            volume=VOLUME,
            speed=None if rate == 1.0 else rate,
        )
    except RuntimeError as error:  # "error in processing unit": a text that it can't say
        raise PipelineError("ENGINE_REFUSED", engine="Pico", detail=str(error)) from error
    return {"pcm": base64.b64encode(sound).decode()}


if __name__ == "__main__":
    serve(speak)
