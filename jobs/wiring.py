"""Which engines do the work: the only place that knows the providers.

Everything is chosen from the settings and from what is installed. The first configured translator
that knows a pair translates it, the first configured voice of a language speaks it; a language
without either is not offered, and the refusal says what would enable it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings

from jobs.pipeline.dub import Engines, Route
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import LANGUAGES, find
from jobs.pipeline.ports import Engine, Transcriber, Translator, Voice, VoiceInfo
from jobs.providers import apertium, faster_whisper, kokoro, pico, qwen

ANY = "*"  # as a source: the translator reads every language


@dataclass(frozen=True, slots=True)
class Offer:
    """One of the twelve languages as a target: can it be made here, how well, and if not, why not.

    reason is a clause ("no voice here speaks Korean"), empty where it is available.
    """

    code: str
    name: str
    flag: str
    available: bool
    quality: str  # "studio" or "draft"
    reason: str
    voices: tuple[VoiceInfo, ...]


def engines() -> Engines:
    """Everything that a whole dub needs. Raises MODEL_MISSING where nothing hears."""
    return Engines(transcriber=transcriber(), route=route, hearing=hearing())


def transcriber() -> Transcriber:
    """The recognizer of what is said. Raises MODEL_MISSING where there is none.

    Its weights are looked at when it starts to work: whoever only mixes does without them.
    """
    if not faster_whisper.installed():
        raise PipelineError("MODEL_MISSING", model="faster-whisper", command="make setup")
    return faster_whisper.FasterWhisper(settings.MODELS, slots=settings.SCRATCH / "slots")


def hearing() -> Transcriber | None:
    """The recognizer that hears a finished dub again, None where that is switched off."""
    # "vendor" needs a vendor's recognizer, and there is none yet.
    return transcriber() if settings.HEAR_AGAIN == "local" else None


def narrator() -> Voice:
    """The voice that speaks the sample: the local one, so that it is the same everywhere."""
    return pico.Pico(repeatable=True)


def route(source: str | None, target: str) -> Route:
    """The engines from `source` (None: not known yet) into `target`.

    Raises PipelineError LANGUAGE_UNKNOWN, LANGUAGE_UNAVAILABLE where nothing here makes the target,
    and PAIR_UNAVAILABLE where nothing translates into it from this source.
    """
    language = find(target)
    reason = _missing(language.code)
    if reason:
        raise PipelineError("LANGUAGE_UNAVAILABLE", language=language.name, reason=reason)
    voice = next(voice for voice in _voices() if _speaking(voice, language.code))
    for translator in _translators():
        if _translates(translator.engine, source, language.code):
            return Route(translator, voice, _speaking(voice, language.code))
    raise PipelineError(
        "PAIR_UNAVAILABLE",
        source=_name(source or ""),
        target=language.name,
        reason=_why_no_pair(source or "", language.code),
    )


def offered() -> list[Offer]:
    """The twelve languages in their order, each with what can be made of it here."""
    return [_offer(code) for code in LANGUAGES]


def _offer(code: str) -> Offer:
    language = LANGUAGES[code]
    reason = _missing(code)
    voices = next((_speaking(voice, code) for voice in _voices() if _speaking(voice, code)), ())
    return Offer(
        code=code,
        name=language.name,
        flag=language.flag,
        available=not reason,
        quality="draft" if reason else _quality(code),
        reason=reason,
        voices=() if reason else voices,
    )


def _quality(code: str) -> str:
    """That of the worse of the two engines."""
    made = route(None, code)
    both = {made.translator.engine.quality, made.voice.engine.quality}
    return "studio" if both == {"studio"} else "draft"


def _missing(code: str) -> str:
    """Why a target can't be made here from any language; empty if it can."""
    language = LANGUAGES[code].name
    if not any(_speaking(voice, code) for voice in _voices()):
        if any(voice.language.partition("-")[0] == code for voice in pico.VOICES):
            return "its voice isn't installed; run: make setup"
        return f"no voice that this version of Dubber can use speaks {language}"
    if not any(_translates(one.engine, None, code) for one in _translators()):
        return f"nothing here translates into {language}; {_how_to_translate(None, code)}"
    return ""


def _why_no_pair(source: str, target: str) -> str:
    if source.partition("-")[0] == target:
        return "that is the language already spoken"
    return f"no translator here knows both; {_how_to_translate(source, target)}"


def _how_to_translate(source: str | None, target: str) -> str:
    ways = "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own"
    if _translates(apertium.Apertium.engine, source, target):
        return f"{ways}, or install apertium-eng-spa for English to Spanish"
    return ways


def _name(code: str) -> str:
    """The language's name; the bare code for one outside the twelve, which may be detected."""
    return LANGUAGES[code].name if code in LANGUAGES else code


def _translates(engine: Engine, source: str | None, target: str) -> bool:
    spoken = None if source is None else source.partition("-")[0]
    if spoken == target:
        return False
    return any(
        known == target and (spoken is None or heard in {spoken, ANY})
        for heard, known in engine.pairs
    )


def _speaking(voice: Voice, code: str) -> tuple[VoiceInfo, ...]:
    return tuple(one for one in voice.engine.voices if one.language.partition("-")[0] == code)


def _translators() -> Iterator[Translator]:
    """Those configured here, the best first."""
    if settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY:
        yield _openai(settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY, settings.TRANSLATION_MODEL)
    if settings.FULL_SET and qwen.installed(settings.MODELS):
        yield qwen.Qwen(settings.MODELS, slots=settings.SCRATCH / "slots")
    if apertium.installed():
        yield apertium.Apertium()


def _voices() -> Iterator[Voice]:
    """Those configured here, the best first."""
    if settings.FULL_SET and kokoro.installed(settings.MODELS):
        yield _kokoro(os.getpid())
    if pico.installed():
        yield _pico(os.getpid())


@cache
def _openai(base_url: str, api_key: str, model: str) -> Translator:
    # Its library takes a second and 60 MB to load: not where nobody asks for it.
    from jobs.providers.openai_translation import OPENAI, OpenAITranslator  # noqa: PLC0415

    return OpenAITranslator(
        base_url=base_url or OPENAI, api_key=api_key, model=model, responses=not base_url
    )


@cache
def _pico(process: int) -> pico.Pico:
    # One for each process: a forked worker must not share the pipes of its parent's child.
    del process
    return pico.Pico()


@cache
def _kokoro(process: int) -> kokoro.Kokoro:
    del process
    return kokoro.Kokoro(settings.MODELS, slots=settings.SCRATCH / "slots")
