"""Speech with OpenAI, or with any server that has its `/audio/speech`.

Source: openai 3.54.0; https://platform.openai.com/docs/api-reference/audio/createSpeech. OpenAI's
own models end on 2027-01-06 (https://platform.openai.com/docs/deprecations), so this is a route
only where somebody asks for it.
"""

import httpx2
import openai

from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Bill, Calls, Price, Speech, VoiceInfo
from jobs.pipeline.wording import chunks
from jobs.providers import cards, sound, statuses

OPENAI = "https://api.openai.com/v1"
UNPAID = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
FAULTS = (openai.OpenAIError, httpx2.HTTPError, ValueError)


class OpenAISpeech:
    """Speaks with the voices of OpenAI, or those of another server."""

    def __init__(
        self,
        *,
        calls: Calls,
        model: str,
        api_key: str = "",
        base_url: str = OPENAI,
        voices: tuple[VoiceInfo, ...] | None = None,
        vendor: str = "openai",
        prices: cards.Prices | None = None,
    ) -> None:
        """Connect to nothing yet; `vendor` is the account that calls count for.

        Any other than OpenAI's is a server of one's own: free, of draft quality, without an end.
        `prices` is that of a character or a second, None: the published one.
        """
        own = vendor != "openai"
        self.engine = cards.openai_speech(model, own=own, voices=voices, prices=prices)
        self.rates = cards.openai_rates(model)
        self._vendor = vendor
        self._calls = calls
        # A server that wants no key still has to be sent one by the library.
        self._client = openai.OpenAI(api_key=api_key or "none", base_url=base_url, max_retries=0)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Speak `text`. Raises ProviderFailed."""
        parts = chunks(text, cards.OPENAI_LONGEST)
        return sound.joined([self._part(part, language, voice, rate) for part in parts])

    def _part(self, text: str, language: str, voice: str, rate: float) -> Speech:
        return self._calls.place(
            self._vendor,
            "speech",
            lambda seconds: self._spoken(text, language, voice, rate, seconds),
        )

    def _spoken(
        self, text: str, language: str, voice: str, rate: float, seconds: float
    ) -> tuple[Speech, Bill]:
        rate = rate if self.rates else 1.0
        least = sound.shortest(text, language, rate)
        most = sound.longest(text, language, rate)
        request = ""
        try:
            with self._client.audio.speech.with_streaming_response.create(
                model=self.engine.model,
                voice=voice,
                input=text,
                response_format="wav",
                speed=openai.omit if rate == 1.0 else round(rate, 3),
                timeout=seconds,
            ) as answer:
                request = answer.headers.get("x-request-id", "")
                content = sound.collected(
                    answer.iter_bytes(),
                    seconds=seconds,
                    most=sound.most_bytes(most),
                    faults=FAULTS,
                )
            speech = sound.from_wav(content, least=least, most=most)
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except FAULTS as error:
            raise self._failed(type(error).__name__) from error
        except sound.Unusable as error:
            if not request:
                raise self._failed(str(error)) from error
            bill = self._bill(text, 0.0, request)
            name = self.engine.name
            raise Spoiled("ENGINE_FAILED", bill=bill, detail=str(error), engine=name) from error
        return speech, self._bill(text, speech.samples.size / speech.sample_rate, request)

    def _bill(self, text: str, seconds: float, request: str) -> Bill:
        price = next(iter(self.engine.prices), Price("characters", 0.0, cards.OPENAI_READ))
        units = len(text) if price.unit == "characters" else seconds
        cost = round(units * price.microusd)
        return Bill(self.engine.model, price.unit, units, cost, request)

    def _refused(self, error: openai.APIStatusError) -> ProviderFailed:
        detail = f"{error.code or ''} {error.request_id or ''}".strip()
        if error.status_code == statuses.GONE:
            detail, name = f"{error.status_code} {detail}", self.engine.name
            return ProviderFailed("VENDOR_ACCOUNT", detail=detail, engine=name)
        status = 402 if error.code in UNPAID else error.status_code
        headers = dict(error.response.headers)
        return statuses.failure(self.engine.name, status, detail=detail, headers=headers)

    def _failed(self, detail: str) -> ProviderFailed:
        return ProviderFailed("ENGINE_FAILED", engine=self.engine.name, detail=detail)
