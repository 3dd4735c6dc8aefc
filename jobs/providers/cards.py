"""What the vendors' engines can do and cost, without loading any vendor's library.

Each is the card of one adapter in this folder; where the facts come from is said there.
"""

import re
from collections.abc import Sequence
from datetime import date

from jobs.pipeline.languages import LANGUAGES
from jobs.pipeline.ports import Engine, Price, VoiceInfo
from jobs.providers.voices import (
    AURA_PACED_VOICES,
    AURA_PRICES,
    AURA_UNPACED_VOICES,
    NOVA_PRICES,
    POLLY_PRICES,
    POLLY_VOICES,
)

DEEPGRAM = "Deepgram"
POLLY_NAME = "Amazon Polly"
OPENAI = "OpenAI"

AURA_LONGEST = 1000  # characters
AURA_RATES = (0.7, 1.5)
POLLY_LONGEST = 3000  # billed characters; marks aren't billed
POLLY_RATES = (0.5, 2.0)
OPENAI_LONGEST = 4096  # characters
OPENAI_RATES = (0.5, 2.0)  # it takes 0.25 to 4, of which the ends are no speech
OPENAI_OBEYING = frozenset({"tts-1", "tts-1-hd"})  # models that `speed` means something to

# https://platform.openai.com/docs/deprecations
OPENAI_ENDS = {
    **dict.fromkeys(("tts-1", "tts-1-hd", "gpt-4o-mini-tts"), date(2027, 1, 6)),
    **dict.fromkeys(("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"), date(2027, 1, 14)),
}
# https://developers.openai.com/api/docs/pricing. gpt-4o-mini-tts is told in tokens, which answers
# don't count: OpenAI's own estimate is 0.015 $ a minute.
OPENAI_READ = date(2026, 11, 22)
OPENAI_SPEECH_PRICES = {
    "tts-1": (Price("characters", 15.0, OPENAI_READ),),
    "tts-1-hd": (Price("characters", 30.0, OPENAI_READ),),
    "gpt-4o-mini-tts": (Price("seconds", 15_000 / 60, OPENAI_READ),),
}
OPENAI_TRANSLATION_PRICES = {
    "gpt-6-luna": (
        Price("input tokens", 0.1, OPENAI_READ),
        Price("output tokens", 0.5, OPENAI_READ),
    ),
}
Prices = tuple[Price, ...]
OPENAI_VOICES = (("nova", "female"), ("onyx", "male"), ("shimmer", "female"), ("echo", "male"))


def nova(model: str, prices: Prices = NOVA_PRICES) -> Engine:
    """Deepgram's recognition."""
    return Engine(
        name=DEEPGRAM,
        model=model,
        quality="studio",
        pairs=tuple((code, code) for code in LANGUAGES),
        prices=prices,
    )


def aura(*, paced: bool, prices: Prices = AURA_PRICES) -> Engine:
    """Deepgram's speech: English and Spanish (`paced`), or the languages without rate control."""
    return Engine(
        name=DEEPGRAM,
        model="aura-2",
        quality="studio",
        voices=AURA_PACED_VOICES if paced else AURA_UNPACED_VOICES,
        longest_text=AURA_LONGEST,
        prices=prices,
        at_once=15,
    )


def polly(prices: Prices = POLLY_PRICES) -> Engine:
    """Amazon's speech."""
    return Engine(
        name=POLLY_NAME,
        model="neural",
        quality="studio",
        voices=POLLY_VOICES,
        longest_text=POLLY_LONGEST,
        prices=prices,
        at_once=8,
    )


def openai_translation(model: str, *, own: bool, prices: Prices | None = None) -> Engine:
    """Translation by OpenAI, or by a server of one's `own` that speaks its protocol."""
    return Engine(
        name="The translation server" if own else OPENAI,
        model=model,
        quality="draft" if own else "studio",
        pairs=tuple(("*", code) for code in LANGUAGES),
        longest_text=4000,
        ends=None if own else openai_end(model),
        prices=_prices(own, prices, token_prices(model)),
        at_once=4 if own else 16,
    )


def openai_speech(
    model: str,
    *,
    own: bool,
    voices: tuple[VoiceInfo, ...] | None = None,
    prices: Prices | None = None,
) -> Engine:
    """Speech by OpenAI, or by a server of one's `own` that has its `/audio/speech`."""
    return Engine(
        name="The speech server" if own else OPENAI,
        model=model,
        quality="draft" if own else "studio",
        voices=every_language() if voices is None else voices,
        longest_text=OPENAI_LONGEST,
        ends=None if own else openai_end(model),
        prices=_prices(own, prices, speech_prices(model)),
        at_once=4 if own else 8,
    )


def openai_end(model: str) -> date | None:
    """The last day of one of OpenAI's models; dated ones (tts-1-1106) end with their model."""
    undated = re.sub(r"-(\d{4}-\d{2}-\d{2}|\d{4})$", "", model)
    return OPENAI_ENDS.get(undated)


def token_prices(model: str) -> Prices:
    """The published prices of tokens in and out; nothing for a model that we don't know."""
    unknown = (Price("input tokens", 0.0, OPENAI_READ), Price("output tokens", 0.0, OPENAI_READ))
    return OPENAI_TRANSLATION_PRICES.get(model, unknown)


def speech_prices(model: str) -> Prices:
    """The published price of a model's speech; nothing for one that we don't know."""
    return OPENAI_SPEECH_PRICES.get(model, (Price("characters", 0.0, OPENAI_READ),))


def stated(unit: str, dollars: float, day: date) -> Price:
    """A price as price lists state it: for a minute, or for a million characters or tokens."""
    return Price(unit, dollars * 1e6 / 60 if unit.startswith("seconds") else dollars, day)


def in_dollars(price: Price) -> tuple[float, str]:
    """The same the other way round: dollars, and for what."""
    kind, _, which = price.unit.partition(", ")
    if kind == "seconds":
        return price.microusd * 60 / 1e6, f"a minute, {which}" if which else "a minute"
    return price.microusd, f"a million {price.unit}"


def _prices(own: bool, told: Prices | None, built_in: Prices) -> Prices:
    """A server of one's own costs nothing by the call."""
    if own:
        return ()
    return built_in if told is None else told


def openai_rates(model: str) -> tuple[float, float] | None:
    """The slowest and the fastest that a model can speak; None where it doesn't obey."""
    return OPENAI_RATES if model in OPENAI_OBEYING else None


def every_language(names: Sequence[tuple[str, str]] = OPENAI_VOICES) -> tuple[VoiceInfo, ...]:
    """Voices (name and gender) that speak all twelve languages."""
    return tuple(
        VoiceInfo(name, name.capitalize(), language, gender)
        for language in LANGUAGES
        for name, gender in names
    )
