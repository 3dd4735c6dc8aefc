"""Speech with Deepgram's Aura-2.

Source: deepgram-sdk 7.17.0; https://developers.deepgram.com/reference/text-to-speech/speak-request
(API v1). How long a text may be is told as 1000 here and 2000 there: we send 1000 characters at
most, and halve what is refused as too long.
"""

from collections.abc import Callable

from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Bill, Calls, Speech
from jobs.pipeline.timeline import SAMPLE_RATE
from jobs.pipeline.wording import chunks
from jobs.providers import cards, sound
from jobs.providers.deepgram import DEEPGRAM, FAULTS, NAME, client, failed, http, options
from jobs.providers.statuses import TooLong
from jobs.providers.voices import AURA_PRICES

SHORTEST_HALVED = 100


class Aura:
    """Speaks English and Spanish (`paced`), or French, German, Italian and Japanese.

    Only the paced voices can speak slower and faster, so the two are engines apart.
    """

    def __init__(
        self,
        *,
        api_key: str,
        calls: Calls,
        paced: bool,
        base_url: str = DEEPGRAM,
        tag: str = "dubber",
        prices: cards.Prices = AURA_PRICES,
    ) -> None:
        """Connect to nothing yet; `tag` marks our calls in the vendor's own statistics.

        `prices` is a character's.
        """
        self.engine = cards.aura(paced=paced, prices=prices)
        self.rates = cards.AURA_RATES if paced else None
        self._calls = calls
        self._tag = tag
        self._http = http()
        self._client = client(api_key, base_url, self._http)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Speak `text` at 48 kHz; `rate` counts for paced voices only. Raises ProviderFailed."""

        def call(part: str) -> Callable[[float], tuple[Speech, Bill]]:
            return lambda seconds: self._spoken(part, language, voice, rate, seconds)

        parts = chunks(text, cards.AURA_LONGEST)
        return sound.joined([piece for part in parts for piece in self._halving(part, call)])

    def _halving(
        self, text: str, call: Callable[[str], Callable[[float], tuple[Speech, Bill]]]
    ) -> list[Speech]:
        try:
            return [self._calls.place("deepgram", "speech", call(text))]
        except TooLong:
            if len(text) < SHORTEST_HALVED:
                raise
        halves = chunks(text, len(text) // 2 + 1)
        return [piece for half in halves for piece in self._halving(half, call)]

    def _spoken(
        self, text: str, language: str, voice: str, rate: float, seconds: float
    ) -> tuple[Speech, Bill]:
        rate = rate if self.rates else 1.0
        least = sound.shortest(text, language, rate)
        most = sound.longest(text, language, rate)
        try:
            with self._client.speak.v1.audio.with_raw_response.generate(
                text=text,
                model=voice,
                encoding="linear16",
                container="wav",
                sample_rate=SAMPLE_RATE,
                speed=None if rate == 1.0 else round(rate, 3),
                mip_opt_out=True,
                tag=[self._tag],
                request_options=options(seconds),
            ) as answer:
                request = answer.headers.get("dg-request-id", "")
                content = sound.collected(
                    answer.data, seconds=seconds, most=sound.most_bytes(most), faults=FAULTS
                )
            return sound.from_wav(content, least=least, most=most), self._bill(text, request)
        except FAULTS as error:
            raise failed(error) from error
        except sound.Unusable as error:
            raise self._unusable(error, text, request) from error

    def _bill(self, text: str, request: str) -> Bill:
        cost = round(len(text) * self.engine.prices[0].microusd)
        return Bill(self.engine.model, "characters", len(text), cost, request)

    def _unusable(self, error: sound.Unusable, text: str, request: str) -> ProviderFailed:
        """What has the vendor's own id was paid for; anything else came from somebody between."""
        if not request:
            return ProviderFailed("ENGINE_FAILED", engine=NAME, detail=str(error))
        bill = self._bill(text, request)
        return Spoiled("ENGINE_FAILED", bill=bill, detail=f"{error} {request}", engine=NAME)
