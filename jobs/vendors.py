"""The vendors' engines, as the settings have them: keys, addresses, models and prices.

Nothing is opened before it is used: vendors' libraries take a second and many megabytes to load,
which nobody shall pay who only asks what can be done.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from django.conf import settings

from jobs.pipeline.calls import OTHER_PLACES, PLACES, PacedCalls
from jobs.pipeline.ports import Engine, Line, Price, Tone, Transcriber, Translator, Voice
from jobs.providers import cards
from jobs.providers.later import LaterTranscriber, LaterTranslator, LaterVoice, Once
from jobs.providers.voices import AURA_PRICES, NOVA_PRICES, POLLY_PRICES

if TYPE_CHECKING:
    from jobs.providers.deepgram import DeepgramTranscriber
    from jobs.providers.openai_speech import OpenAISpeech
    from jobs.providers.openai_translation import OpenAITranslator
    from jobs.providers.polly import Polly

TRYING = 10.0  # seconds that trying a key may take
WORD = Line(0, "Hello.", 1.0)  # what is bought to see whether anything can be
LETTER = "A"
DEEPGRAM, POLLY, OPENAI = "deepgram", "polly", "openai"  # what routes of settings and jobs say
OWN = "own server"  # the account that calls to a server of one's own count for

Prices = tuple[Price, ...]


class Closable(Protocol):
    """An engine with connections."""

    def close(self) -> None:
        """Close them."""


Opened = TypeVar("Opened", bound=Closable)


class Vendors:
    """The engines of vendors for one piece of work; `opened` closes those that were opened."""

    def __init__(self, calls: PacedCalls, opened: ExitStack) -> None:
        """Open nothing yet; `calls` is how vendors are called, and to whom calls are billed."""
        self._calls = calls
        self._open = opened

    def transcriber(self) -> Transcriber | None:
        """Deepgram's ears, where there is a key."""
        if not settings.DEEPGRAM_API_KEY:
            return None
        return LaterTranscriber(self._nova(), self._deepgram)

    def translators(self) -> Iterator[tuple[str, Translator]]:
        """OpenAI, or the server that stands in for it, by the name that routes give it."""
        if settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY:
            card = cards.openai_translation(
                settings.TRANSLATION_MODEL, own=not is_openai(), prices=_token_prices()
            )
            card = _placed(card, OPENAI if is_openai() else OWN, "translation")
            yield OPENAI, LaterTranslator(card, self._openai_translation)

    def voices(self) -> Iterator[tuple[str, Voice]]:
        """All that speak, the best first, by the names that routes give them."""
        if settings.DEEPGRAM_API_KEY:
            yield DEEPGRAM, self._aura(paced=True)
            yield DEEPGRAM, self._aura(paced=False)
        if settings.POLLY:
            card = _placed(cards.polly(_polly_prices()), POLLY, "speech")
            yield POLLY, LaterVoice(card, cards.POLLY_RATES, self._polly)
        if settings.SPEECH_MODEL and (settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY):
            model = settings.SPEECH_MODEL
            card = cards.openai_speech(
                model, own=not _openai_speaks(), prices=_speech_prices(model)
            )
            card = _placed(card, OPENAI if _openai_speaks() else OWN, "speech")
            yield OPENAI, LaterVoice(card, cards.openai_rates(model), self._openai_speech)

    def engines(self) -> Iterator[Engine]:
        """The cards of all of them."""
        if settings.DEEPGRAM_API_KEY:
            yield self._nova()
        yield from (translator.engine for _, translator in self.translators())
        yield from (voice.engine for _, voice in self.voices())

    def attempts(self) -> Iterator[tuple[str, Sequence[Callable[[], object]]]]:
        """For every vendor that is set up: its name, and calls that try its key.

        The first costs nothing; the others buy a letter, a word or a moment, for only that tells
        whether anything can be bought, and from these models.
        """
        if settings.DEEPGRAM_API_KEY:
            yield (
                cards.DEEPGRAM,
                (
                    self._try_deepgram,
                    lambda: _say(self._aura(paced=True)),
                    lambda: self._deepgram().try_model(),
                ),
            )
        if settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL:
            translator = self._openai_translation()
            speech = (lambda: _say(self._openai_speech()),) if settings.SPEECH_MODEL else ()
            yield (
                translator.engine.name,
                (
                    lambda: translator.try_key(seconds=TRYING),
                    lambda: _translate(translator),
                    *speech,
                ),
            )
        if settings.POLLY:
            polly = Once(self._polly)  # opening it fails where there is half of a key
            yield cards.POLLY_NAME, (lambda: polly().try_key(), lambda: _say(polly()))

    def _kept(self, engine: Opened) -> Opened:
        self._open.callback(engine.close)
        return engine

    def _nova(self) -> Engine:
        return cards.nova(settings.RECOGNITION_MODEL, _nova_prices())

    def _try_deepgram(self) -> None:
        from jobs.providers.deepgram import try_key  # noqa: PLC0415

        try_key(settings.DEEPGRAM_API_KEY, settings.DEEPGRAM_BASE_URL, seconds=TRYING)

    def _deepgram(self) -> "DeepgramTranscriber":
        from jobs.providers.deepgram import DeepgramTranscriber  # noqa: PLC0415

        return self._kept(
            DeepgramTranscriber(
                api_key=settings.DEEPGRAM_API_KEY,
                calls=self._calls,
                base_url=settings.DEEPGRAM_BASE_URL,
                model=settings.RECOGNITION_MODEL,
                prices=_nova_prices(),
            )
        )

    def _aura(self, *, paced: bool) -> Voice:
        prices = _priced(("deepgram-speech",), AURA_PRICES)

        def opens() -> Voice:
            from jobs.providers.aura import Aura  # noqa: PLC0415

            return self._kept(
                Aura(
                    api_key=settings.DEEPGRAM_API_KEY,
                    calls=self._calls,
                    paced=paced,
                    base_url=settings.DEEPGRAM_BASE_URL,
                    prices=prices,
                )
            )

        card = _placed(cards.aura(paced=paced, prices=prices), DEEPGRAM, "speech")
        return LaterVoice(card, cards.AURA_RATES if paced else None, opens)

    def _polly(self) -> "Polly":
        from jobs.providers.polly import Polly  # noqa: PLC0415

        return self._kept(
            Polly(
                calls=self._calls,
                region=settings.POLLY_REGION,
                base_url=settings.AWS_ENDPOINT_URL_POLLY,
                access_key=settings.POLLY_ACCESS_KEY_ID or settings.AWS_ACCESS_KEY_ID,
                secret_key=settings.POLLY_SECRET_ACCESS_KEY or settings.AWS_SECRET_ACCESS_KEY,
                prices=_polly_prices(),
            )
        )

    def _openai_translation(self) -> "OpenAITranslator":
        from jobs.providers.openai_translation import OPENAI as ADDRESS  # noqa: PLC0415
        from jobs.providers.openai_translation import OpenAITranslator  # noqa: PLC0415

        return self._kept(
            OpenAITranslator(
                calls=self._calls,
                base_url=settings.OPENAI_BASE_URL or ADDRESS,
                api_key=settings.OPENAI_API_KEY,
                model=settings.TRANSLATION_MODEL,
                responses=is_openai(),
                vendor=OPENAI if is_openai() else OWN,
                prices=_token_prices(),
            )
        )

    def _openai_speech(self) -> "OpenAISpeech":
        from jobs.providers.openai_speech import OPENAI as ADDRESS  # noqa: PLC0415
        from jobs.providers.openai_speech import OpenAISpeech  # noqa: PLC0415

        return self._kept(
            OpenAISpeech(
                calls=self._calls,
                base_url=settings.OPENAI_BASE_URL or ADDRESS,
                api_key=settings.OPENAI_API_KEY,
                model=settings.SPEECH_MODEL,
                vendor=OPENAI if _openai_speaks() else OWN,
                prices=_speech_prices(settings.SPEECH_MODEL),
            )
        )


def places() -> dict[tuple[str, str], int]:
    """How many calls may be made at once, by vendor and kind, over all machines."""
    usual = {**PLACES, (OWN, "translation"): OTHER_PLACES, (OWN, "speech"): OTHER_PLACES}
    said = settings.VENDOR_PLACES
    return {
        (vendor, kind): said.get(f"{vendor}-{kind}".replace(" ", "-"), most)
        for (vendor, kind), most in usual.items()
    }


def _placed(card: Engine, vendor: str, kind: str) -> Engine:
    """The card, with as many calls at once as there are places."""
    # What others serve stays a server (`Engine.is_server`), even where it has one place only.
    return replace(card, at_once=max(2, places()[vendor, kind]))


def is_openai() -> bool:
    """Whether translations are asked for by OpenAI's own protocol, of OpenAI."""
    api = settings.TRANSLATION_API
    return bool(api == "responses" or (api == "auto" and not settings.OPENAI_BASE_URL))


def _openai_speaks() -> bool:
    """Whether speech comes from OpenAI, directly or by another way to it."""
    return not settings.OPENAI_BASE_URL or is_openai()


def _say(voice: Voice) -> None:
    first = voice.engine.voices[0]
    voice.speak(LETTER, language=first.language, voice=first.id)


def _translate(translator: Translator) -> None:
    translator.translate([WORD], source="en", target="es", context=(), terms={}, tone=Tone.NEUTRAL)


def _nova_prices() -> Prices:
    names = ("deepgram-recognition", "deepgram-recognition-any", "deepgram-speakers")
    return _priced(names, NOVA_PRICES)


def _polly_prices() -> Prices:
    return _priced(("polly-neural", "polly-standard"), POLLY_PRICES)


def _token_prices() -> Prices:
    return _priced(
        ("openai-input", "openai-output"), cards.token_prices(settings.TRANSLATION_MODEL)
    )


def _speech_prices(model: str) -> Prices:
    return _priced(("openai-speech",), cards.speech_prices(model))


def _priced(names: Sequence[str], published: Prices) -> Prices:
    """Published prices, and in their place those that the settings know better."""
    return tuple(
        cards.stated(price.unit, *settings.VENDOR_PRICES[name])
        if name in settings.VENDOR_PRICES
        else price
        for name, price in zip(names, published, strict=True)
    )
