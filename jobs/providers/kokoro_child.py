"""The process in which Kokoro speaks: 0.6 GB, which end with it."""

import base64
from functools import cache
from typing import Any
from unicodedata import category

import numpy as np
import onnxruntime
from kokoro_onnx import Kokoro

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.process import serve

FIRST_PICTURE = "\u2300"
THREADS = 1  # a second one makes it little faster, and waits spinning
ESPEAK = {  # what espeak, which knows how words sound, calls the languages
    "en-US": "en-us",
    "es-ES": "es",
    "fr-FR": "fr-fr",
    "it-IT": "it",
    "pt-BR": "pt-br",
}


@cache
def load(model: str, voices: str) -> Kokoro:
    """The model with its voices."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return Kokoro.from_session(session, voices)


@cache
def chinese() -> Any:
    """What knows how Chinese sounds."""
    import jieba  # noqa: PLC0415 - takes a second
    from misaki.zh import ZHG2P  # noqa: PLC0415

    # Left to itself it reads what anybody may have put into the machine's folder for such files.
    words = jieba.dt
    words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
    words.initialized = True
    return ZHG2P()


@cache
def japanese() -> Any:
    """What knows how Japanese sounds."""
    from misaki.ja import JAG2P  # noqa: PLC0415 - takes a second

    return JAG2P(version="pyopenjtalk")


def phonemes(text: str, language: str, kokoro: Kokoro) -> str:
    """How `text` sounds, in the signs that the model was taught."""
    if language == "zh-CN":
        return str(chinese()(text)[0])
    if language == "ja-JP":
        return str(japanese()(text)[0])
    said = "".join(" " if is_picture(sign) else sign for sign in text)
    return str(kokoro.tokenizer.phonemize(said, ESPEAK[language]))


def is_picture(sign: str) -> bool:
    """Whether a sign is one that espeak would describe ("grinning face"); "°" and "№" are not."""
    return sign >= FIRST_PICTURE and category(sign) == "So"


def speak(question: dict[str, Any]) -> dict[str, str]:
    """Say `text` with `voice`; 16-bit PCM, 24 kHz mono, base64.

    Raises PipelineError ENGINE_REFUSED.
    """
    kokoro = load(question["model"], question["voices"])
    sounds = phonemes(question["text"], question["language"], kokoro)
    known = set(kokoro.tokenizer.vocab)
    if not any(sign in known and sign.isalpha() for sign in sounds):
        raise PipelineError("ENGINE_REFUSED", engine="Kokoro", detail="nothing to say")
    sound, _ = kokoro.create(sounds, question["voice"], is_phonemes=True)
    whole = (np.clip(sound, -1, 1) * 32767).astype("<i2")
    return {"pcm": base64.b64encode(whole.tobytes()).decode()}


if __name__ == "__main__":
    serve(speak)
