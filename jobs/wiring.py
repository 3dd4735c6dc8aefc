"""Which engines do the work: with `vendors`, the only place that knows the providers.

Everything is chosen from the settings and from what is installed. The first configured translator
that knows a pair translates it, the first configured voice of a language speaks it, unless a route
in the settings puts another one first; a language without either is not offered, and the refusal
says what would enable it. What vendors have ended is withdrawn.

A `Workshop` is the engines of one piece of work. They are opened when they are first used, so that
asking what can be done costs nothing, and closed with it.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from typing import Self

from django.conf import settings
from django.utils import timezone

from jobs.pipeline.calls import InProcess, PacedCalls, Patience, local_calls
from jobs.pipeline.dub import Engines, Route
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import LANGUAGES, distance, find, variant
from jobs.pipeline.ports import Engine, Price, Transcriber, Translator, Voice, VoiceInfo
from jobs.providers import apertium, cards, faster_whisper, kokoro, pico, qwen
from jobs.providers.statuses import Forbidden
from jobs.vendors import TRYING, Vendors

ONE_TRY = Patience(attempt=TRYING, total=TRYING, queue=TRYING, retries=0)
IMPATIENCE = dict.fromkeys(("recognition", "translation", "speech"), ONE_TRY)
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
    speech: tuple[str, ...]  # who can speak it, the first choice first
    translation: tuple[str, ...]  # who can translate into it, the first choice first


class Workshop:
    """The engines of one piece of work, which share one way to call vendors."""

    def __init__(self, calls: PacedCalls) -> None:
        """Open nothing yet; `calls` is how vendors are called, and to whom calls are billed."""
        self._open = ExitStack()
        self.vendors = Vendors(calls, self._open)

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
        return self.vendors.transcriber() or _whisper()

    def hearing(self) -> Transcriber | None:
        """The recognizer that hears a finished dub again, None where that is switched off."""
        if settings.HEAR_AGAIN == "off":
            return None
        vendor = self.vendors.transcriber() if settings.HEAR_AGAIN == "vendor" else None
        return vendor or _whisper()

    def route(
        self, source: str | None, target: str, speech: str = "", translation: str = ""
    ) -> Route:
        """The engines from `source` (None: not known yet) into `target`.

        `speech` and `translation` are who has to speak and to translate, by the names that settings
        use; "" for whoever comes first. Raises PipelineError LANGUAGE_UNKNOWN, LANGUAGE_UNAVAILABLE
        where nothing here makes the target, and PAIR_UNAVAILABLE where nothing translates into it
        from this source.
        """
        language = find(target)
        reason = self.missing(language.code, speech, translation)
        if reason:
            raise PipelineError("LANGUAGE_UNAVAILABLE", language=language.name, reason=reason)
        voice = next(voice for name, voice in self._voices(language.code) if speech in {name, ""})
        for name, translator in self._translators(language.code):
            if translation in {name, ""} and _translates(translator.engine, source, language.code):
                return Route(translator, voice, _speaking(voice, language.code, variant(target)))
        raise PipelineError(
            "PAIR_UNAVAILABLE",
            source=_name(source or ""),
            target=language.name,
            reason=_why_no_pair(source or "", language.code, translation),
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
            speech=tuple(dict.fromkeys(name for name, _ in self._voices(code))),
            translation=tuple(name for name, _ in self._translators(code)),
        )

    def missing(self, code: str, speech: str = "", translation: str = "") -> str:
        """Why a target can't be made here from any language; empty if it can."""
        language = LANGUAGES[code].name
        speakers = {name for name, _ in self._voices(code)}
        translators = {name for name, _ in self._translators(code)}
        if speech and speech not in speakers:
            return f"{speech} isn't set up here, or doesn't speak {language}"
        if translation and translation not in translators:
            return f"{translation} isn't set up here, or doesn't translate into {language}"
        if not speakers:
            if any(voice.language.partition("-")[0] == code for voice in pico.VOICES):
                return "its voice isn't installed; run: make setup"
            return f"no voice that is set up here speaks {language}; {_how_to_speak(code)}"
        if not translators:
            return f"nothing here translates into {language}; {_how_to_translate(None, code)}"
        return ""

    def _translators(self, code: str) -> Iterator[tuple[str, Translator]]:
        """Those that translate into a language today, by the names that routes give them.

        The best comes first, or the one that the settings want.
        """
        first = settings.TRANSLATION_ROUTES.get(code)
        for name, one in sorted(self._all_translators(), key=lambda named: named[0] != first):
            if not has_ended(one.engine) and _translates(one.engine, None, code):
                yield name, one

    def _voices(self, code: str) -> Iterator[tuple[str, Voice]]:
        """Those that speak a language today, the best first, by the names that routes give them."""
        first = settings.SPEECH_ROUTES.get(code)
        for name, voice in sorted(self._all_voices(), key=lambda one: one[0] != first):
            if not has_ended(voice.engine) and _speaking(voice, code, code):
                yield name, voice

    def _all_translators(self) -> Iterator[tuple[str, Translator]]:
        """All that are set up, the best first, by the names that routes give them."""
        yield from self.vendors.translators()
        if settings.FULL_SET and qwen.installed(settings.MODELS):
            yield "qwen", qwen.Qwen(settings.MODELS, slots=settings.SCRATCH / "slots")
        if apertium.installed():
            yield "apertium", apertium.Apertium()

    def _all_voices(self) -> Iterator[tuple[str, Voice]]:
        """All that are set up, the best first, by the names that routes give them."""
        yield from self.vendors.voices()
        if settings.FULL_SET and kokoro.installed(settings.MODELS):
            yield "kokoro", _kokoro(os.getpid())
        if pico.installed():
            yield "pico", _pico(os.getpid())


def load_libraries() -> None:
    """Load the libraries of the vendors that are set up, which takes a second.

    What is loaded before workers are forked is loaded once, and its memory is shared.
    """
    if settings.DEEPGRAM_API_KEY:
        import jobs.providers.aura  # noqa: PLC0415 (it brings that of recognition, too)
    if settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL:
        import jobs.providers.openai_translation  # noqa: PLC0415
    if settings.POLLY:
        import jobs.providers.polly  # noqa: F401, PLC0415


def engines() -> Engines:
    """Everything that a whole dub needs, to ask what can be done. Raises MODEL_MISSING."""
    return Workshop(local_calls()).engines()


def route(source: str | None, target: str, speech: str = "", translation: str = "") -> Route:
    """The engines from one language into another; see `Workshop.route`."""
    return Workshop(local_calls()).route(source, target, speech, translation)


def offered() -> list[Offer]:
    """The twelve languages in their order, each with what can be made of it here."""
    shop = Workshop(local_calls())
    return [shop.offer(code) for code in LANGUAGES]


def withdrawn() -> list[Engine]:
    """The engines that are set up here, but that their vendors have ended."""
    engines = Workshop(local_calls()).vendors.engines()
    return [engine for engine in engines if has_ended(engine)]


def vendor_prices() -> list[tuple[str, Price]]:
    """What the vendors' engines that are set up here cost, each with its name."""
    engines = Workshop(local_calls()).vendors.engines()
    every = [(f"{one.name} {one.model}", price) for one in engines for price in one.prices]
    return list(dict.fromkeys(every))  # Aura has two cards for one price


def try_keys() -> Iterator[tuple[str, PipelineError | None]]:
    """Try the key of every vendor that is set up: its name, and what is wrong.

    What can't be seen without buying something is tried with a letter or a word. A key needn't be
    allowed to look at the account: those that may do no more than they must are the safest.
    """
    with Workshop(PacedCalls(InProcess(), patience=IMPATIENCE)) as shop:
        for name, (looks, *buys) in shop.vendors.attempts():
            try:
                with suppress(Forbidden):
                    looks()
                for buy in buys:
                    buy()
            except PipelineError as error:
                yield name, error
            else:
                yield name, None


def in_dollars(price: Price) -> tuple[float, str]:
    """A price as price lists state it: dollars, and for what."""
    return cards.in_dollars(price)


def narrator() -> Voice:
    """The voice that speaks the sample: the local one, so that it is the same everywhere."""
    return pico.Pico(repeatable=True)


def has_ended(engine: Engine) -> bool:
    """Whether the last day of an engine is over."""
    return engine.ends is not None and timezone.now().date() > engine.ends


def _quality(made: Route) -> str:
    """That of the worse of the two engines."""
    both = {made.translator.engine.quality, made.voice.engine.quality}
    return "studio" if both == {"studio"} else "draft"


def _why_no_pair(source: str, target: str, translation: str) -> str:
    if source.partition("-")[0] == target:
        return "that is the language already spoken"
    if translation:
        return f"{translation}, who was chosen to translate, doesn't know both"
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
    """The voices of a language; those nearest to the variant that is wanted come first."""
    voices = (one for one in voice.engine.voices if one.language.partition("-")[0] == code)
    return tuple(sorted(voices, key=lambda one: distance(one.language, wanted)))


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
