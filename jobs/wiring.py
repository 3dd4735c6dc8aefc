"""Which engines do the work: the only place that knows the providers.

Everything is chosen from the settings and from what is installed. The first configured translator
that knows a pair translates it, the first configured voice of a language speaks it; a language
without either is not offered, and the refusal says what would enable it. What vendors have ended is
withdrawn.

A `Workshop` is the engines of one piece of work. They are opened when they are first used, so that
asking what can be done costs nothing, and closed with it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from django.conf import settings
from django.utils import timezone

from jobs.pipeline.calls import PacedCalls, local_calls
from jobs.pipeline.dub import Engines, Route
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import LANGUAGES, find, variant
from jobs.pipeline.ports import Engine, Transcriber, Translator, Voice, VoiceInfo
from jobs.providers import apertium, cards, faster_whisper, kokoro, pico, qwen
from jobs.providers.later import LaterTranscriber, LaterTranslator, LaterVoice

if TYPE_CHECKING:
    from jobs.providers.openai_translation import OpenAITranslator
    from jobs.providers.polly import Polly

TRYING = 10.0  # seconds that trying a key may take
ANY = "*"  # as a source: the translator reads every language


class Closable(Protocol):
    """An engine with connections."""

    def close(self) -> None:
        """Close them."""


Opened = TypeVar("Opened", bound=Closable)


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


class Workshop:
    """The engines of one piece of work, which share one way to call vendors."""

    def __init__(self, calls: PacedCalls) -> None:
        """Open nothing yet; `calls` is how vendors are called, and to whom calls are billed."""
        self._calls = calls
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def engines(self) -> Engines:
        """Everything that a whole dub needs. Raises MODEL_MISSING where nothing hears."""
        return Engines(transcriber=self.transcriber(), route=self.route, hearing=self.hearing())

    def transcriber(self) -> Transcriber:
        """The recognizer of what is said. Raises MODEL_MISSING where there is none.

        Local weights are looked at when it starts to work: whoever only mixes does without them.
        """
        if settings.DEEPGRAM_API_KEY:
            return self._deepgram()
        return _whisper()

    def hearing(self) -> Transcriber | None:
        """The recognizer that hears a finished dub again, None where that is switched off."""
        if settings.HEAR_AGAIN == "off":
            return None
        return self._deepgram() if settings.HEAR_AGAIN == "vendor" else _whisper()

    def route(self, source: str | None, target: str) -> Route:
        """The engines from `source` (None: not known yet) into `target`.

        Raises PipelineError LANGUAGE_UNKNOWN, LANGUAGE_UNAVAILABLE where nothing here makes the
        target, and PAIR_UNAVAILABLE where nothing translates into it from this source.
        """
        language = find(target)
        reason = self.missing(language.code)
        if reason:
            raise PipelineError("LANGUAGE_UNAVAILABLE", language=language.name, reason=reason)
        voice = next(voice for voice in self._voices(language.code))
        for translator in self._translators():
            if _translates(translator.engine, source, language.code):
                return Route(translator, voice, _speaking(voice, language.code, variant(target)))
        raise PipelineError(
            "PAIR_UNAVAILABLE",
            source=_name(source or ""),
            target=language.name,
            reason=_why_no_pair(source or "", language.code),
        )

    def offer(self, code: str) -> Offer:
        """What can be made of a language here."""
        language = LANGUAGES[code]
        reason = self.missing(code)
        made = None if reason else self.route(None, code)
        return Offer(
            code=code,
            name=language.name,
            flag=language.flag,
            available=not reason,
            quality=_quality(made) if made else "draft",
            reason=reason,
            voices=made.voices if made else (),
        )

    def missing(self, code: str) -> str:
        """Why a target can't be made here from any language; empty if it can."""
        language = LANGUAGES[code].name
        if not any(self._voices(code)):
            if any(voice.language.partition("-")[0] == code for voice in pico.VOICES):
                return "its voice isn't installed; run: make setup"
            return f"no voice that is set up here speaks {language}; {_how_to_speak(code)}"
        if not any(_translates(one.engine, None, code) for one in self._translators()):
            return f"nothing here translates into {language}; {_how_to_translate(None, code)}"
        return ""

    def configured(self) -> Iterator[Engine]:
        """The cards of all vendors' engines that are set up here, those too that have ended."""
        if settings.DEEPGRAM_API_KEY:
            yield cards.nova(settings.RECOGNITION_MODEL)
        yield from (translator.engine for translator in self._all_translators())
        yield from (voice.engine for _, voice in self._all_voices())

    def attempts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """For every vendor that is set up: its name, and a call that tries its key."""
        if settings.DEEPGRAM_API_KEY:
            from jobs.providers.deepgram import try_key  # noqa: PLC0415

            key, url = settings.DEEPGRAM_API_KEY, settings.DEEPGRAM_BASE_URL
            yield cards.DEEPGRAM, lambda: try_key(key, url, seconds=TRYING)
        if settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL:
            translator = self._openai_translation()
            yield translator.engine.name, lambda: translator.try_key(seconds=TRYING)
        if settings.POLLY:
            yield cards.POLLY_NAME, self._polly().try_key

    def _translators(self) -> Iterator[Translator]:
        """Those that can be used today, the best first."""
        return (one for one in self._all_translators() if not has_ended(one.engine))

    def _voices(self, code: str) -> Iterator[Voice]:
        """Those that speak a language today, the best first."""
        first = settings.SPEECH_ROUTES.get(code)
        for _, voice in sorted(self._all_voices(), key=lambda one: one[0] != first):
            if not has_ended(voice.engine) and _speaking(voice, code, code):
                yield voice

    def _all_translators(self) -> Iterator[Translator]:
        if settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY:
            card = cards.openai_translation(settings.TRANSLATION_MODEL, own=not _is_openai())
            yield LaterTranslator(card, self._openai_translation)
        if settings.FULL_SET and qwen.installed(settings.MODELS):
            yield qwen.Qwen(settings.MODELS, slots=settings.SCRATCH / "slots")
        if apertium.installed():
            yield apertium.Apertium()

    def _all_voices(self) -> Iterator[tuple[str, Voice]]:
        """All that are set up, the best first, by the names that routes give them."""
        if settings.DEEPGRAM_API_KEY:
            yield "deepgram", self._aura(paced=True)
            yield "deepgram", self._aura(paced=False)
        if settings.POLLY:
            yield "polly", LaterVoice(cards.POLLY, cards.POLLY_RATES, self._polly)
        if settings.SPEECH_MODEL and (settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY):
            model = settings.SPEECH_MODEL
            card = cards.openai_speech(model, own=bool(settings.OPENAI_BASE_URL))
            yield "openai", LaterVoice(card, cards.openai_rates(model), self._openai_speech)
        if settings.FULL_SET and kokoro.installed(settings.MODELS):
            yield "kokoro", _kokoro(os.getpid())
        if pico.installed():
            yield "pico", _pico(os.getpid())

    def _kept(self, engine: Opened) -> Opened:
        self._open.callback(engine.close)
        return engine

    # Vendors' libraries take a second and many megabytes to load: not where nobody calls them.

    def _deepgram(self) -> Transcriber:
        def opens() -> Transcriber:
            from jobs.providers.deepgram import DeepgramTranscriber  # noqa: PLC0415

            return self._kept(
                DeepgramTranscriber(
                    api_key=settings.DEEPGRAM_API_KEY,
                    calls=self._calls,
                    base_url=settings.DEEPGRAM_BASE_URL,
                    model=settings.RECOGNITION_MODEL,
                )
            )

        return LaterTranscriber(cards.nova(settings.RECOGNITION_MODEL), opens)

    def _aura(self, *, paced: bool) -> Voice:
        def opens() -> Voice:
            from jobs.providers.aura import Aura  # noqa: PLC0415

            return self._kept(
                Aura(
                    api_key=settings.DEEPGRAM_API_KEY,
                    calls=self._calls,
                    paced=paced,
                    base_url=settings.DEEPGRAM_BASE_URL,
                )
            )

        return LaterVoice(cards.aura(paced=paced), cards.AURA_RATES if paced else None, opens)

    def _polly(self) -> "Polly":
        from jobs.providers.polly import Polly  # noqa: PLC0415

        return self._kept(
            Polly(
                calls=self._calls,
                region=settings.POLLY_REGION,
                base_url=settings.AWS_ENDPOINT_URL_POLLY,
                access_key=settings.POLLY_ACCESS_KEY_ID or settings.AWS_ACCESS_KEY_ID,
                secret_key=settings.POLLY_SECRET_ACCESS_KEY or settings.AWS_SECRET_ACCESS_KEY,
            )
        )

    def _openai_translation(self) -> "OpenAITranslator":
        from jobs.providers.openai_translation import OPENAI, OpenAITranslator  # noqa: PLC0415

        return self._kept(
            OpenAITranslator(
                calls=self._calls,
                base_url=settings.OPENAI_BASE_URL or OPENAI,
                api_key=settings.OPENAI_API_KEY,
                model=settings.TRANSLATION_MODEL,
                responses=_is_openai(),
                vendor="openai" if _is_openai() else "own server",
            )
        )

    def _openai_speech(self) -> Voice:
        from jobs.providers.openai_speech import OPENAI, OpenAISpeech  # noqa: PLC0415

        return self._kept(
            OpenAISpeech(
                calls=self._calls,
                base_url=settings.OPENAI_BASE_URL or OPENAI,
                api_key=settings.OPENAI_API_KEY,
                model=settings.SPEECH_MODEL,
                vendor="own server" if settings.OPENAI_BASE_URL else "openai",
            )
        )


def engines() -> Engines:
    """Everything that a whole dub needs, to ask what can be done. Raises MODEL_MISSING."""
    return Workshop(local_calls()).engines()


def route(source: str | None, target: str) -> Route:
    """The engines from one language into another; see `Workshop.route`."""
    return Workshop(local_calls()).route(source, target)


def offered() -> list[Offer]:
    """The twelve languages in their order, each with what can be made of it here."""
    shop = Workshop(local_calls())
    return [shop.offer(code) for code in LANGUAGES]


def withdrawn() -> list[Engine]:
    """The engines that are set up here, but that their vendors have ended."""
    return [engine for engine in Workshop(local_calls()).configured() if has_ended(engine)]


def try_keys() -> Iterator[tuple[str, PipelineError | None]]:
    """Try the key of every vendor that is set up, at no cost: its name, and what is wrong."""
    with Workshop(local_calls()) as shop:
        for name, attempt in shop.attempts():
            try:
                attempt()
            except PipelineError as error:
                yield name, error
            else:
                yield name, None


def narrator() -> Voice:
    """The voice that speaks the sample: the local one, so that it is the same everywhere."""
    return pico.Pico(repeatable=True)


def has_ended(engine: Engine) -> bool:
    """Whether the last day of an engine is over."""
    return engine.ends is not None and timezone.now().date() > engine.ends


def _is_openai() -> bool:
    """Whether translations are asked for by OpenAI's own protocol, of OpenAI."""
    api = settings.TRANSLATION_API
    return api == "responses" or (api == "auto" and not settings.OPENAI_BASE_URL)


def _quality(made: Route) -> str:
    """That of the worse of the two engines."""
    both = {made.translator.engine.quality, made.voice.engine.quality}
    return "studio" if both == {"studio"} else "draft"


def _why_no_pair(source: str, target: str) -> str:
    if source.partition("-")[0] == target:
        return "that is the language already spoken"
    return f"no translator here knows both; {_how_to_translate(source, target)}"


def _how_to_translate(source: str | None, target: str) -> str:
    ways = "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own"
    if _translates(apertium.Apertium.engine, source, target):
        return f"{ways}, or install apertium-eng-spa for English to Spanish"
    return ways


def _how_to_speak(code: str) -> str:
    by_aura = any(
        voice.language.startswith(code)
        for paced in (True, False)
        for voice in cards.aura(paced=paced).voices
    )
    return "set DEEPGRAM_API_KEY" if by_aura else "set DUBBER_POLLY=true and AWS keys"


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


def _speaking(voice: Voice, code: str, wanted: str) -> tuple[VoiceInfo, ...]:
    """The voices of a language; those of the variant that is wanted come first."""
    voices = (one for one in voice.engine.voices if one.language.partition("-")[0] == code)
    return tuple(sorted(voices, key=lambda one: one.language != wanted))


def _whisper() -> Transcriber:
    if not faster_whisper.installed():
        raise PipelineError("MODEL_MISSING", model="faster-whisper", command="make setup")
    return faster_whisper.FasterWhisper(settings.MODELS, slots=settings.SCRATCH / "slots")


@cache
def _pico(process: int) -> pico.Pico:
    # One for each process: a forked worker must not share the pipes of its parent's child.
    del process
    return pico.Pico()


@cache
def _kokoro(process: int) -> kokoro.Kokoro:
    del process
    return kokoro.Kokoro(settings.MODELS, slots=settings.SCRATCH / "slots")
