"""Speech with Amazon Polly.

Source: boto3 1.44; https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html
(API 2016-06-10). Ogg Vorbis at 24 kHz, because its PCM ends at 16 kHz. Credentials are those of the
AWS library, unless given.
"""

from contextlib import closing
from typing import Any
from xml.sax.saxutils import escape

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Bill, Calls, Speech, VoiceInfo
from jobs.pipeline.wording import chunks
from jobs.providers import cards, sound, statuses
from jobs.providers.voices import POLLY_NEURAL_VOICES, POLLY_PRICES, POLLY_VOICES

NAME = cards.POLLY_NAME
BLOCK = 64 * 1024
CONNECT_SECONDS = 10
SILENT_SECONDS = 60
THROTTLED = frozenset({"ThrottlingException", "TooManyRequestsException", "Throttling"})
DENIED = "AccessDeniedException"  # the key is good, but not for this
ACCOUNT = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)
UNKNOWN = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)  # who we are
FAULTS = (ClientError, BotoCoreError, ResponseParserError, *statuses.UNREADABLE)
CODES = {"zh-CN": "cmn-CN"}  # languages that it names otherwise


class Polly:
    """Speaks all twelve languages: Russian with standard voices, the others with neural ones."""

    rates: tuple[float, float] | None = cards.POLLY_RATES

    def __init__(
        self,
        *,
        calls: Calls,
        region: str = "us-east-1",
        base_url: str = "",
        access_key: str = "",
        secret_key: str = "",
        prices: cards.Prices = POLLY_PRICES,
    ) -> None:
        """Connect to nothing yet; `prices` are for neural and for standard characters.

        Raises ProviderFailed VENDOR_ACCOUNT for half of a key.
        """
        self.engine = cards.polly(prices)
        self._calls = calls
        try:
            self._client = boto3.client(
                "polly",
                region_name=region,
                endpoint_url=base_url or None,
                aws_access_key_id=access_key or None,
                aws_secret_access_key=secret_key or None,
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=SILENT_SECONDS,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    max_pool_connections=16,
                ),
            )
        except BotoCoreError as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def try_key(self) -> None:
        """Ask for the voices of one language, which costs nothing. Raises ProviderFailed."""
        try:
            self._client.describe_voices(LanguageCode="ko-KR")
        except FAULTS as error:
            raise _failed(error) from error

    def speak(self, text: str, *, language: str, voice: str, rate: float = 1.0) -> Speech:
        """Speak `text` at 24 kHz. Raises ProviderFailed."""
        known = next((one for one in POLLY_VOICES if one.id == voice), None)
        if known is None:  # as the vendors do who look at voices themselves
            raise ProviderFailed("ENGINE_REFUSED", engine=NAME, detail=f"no voice {voice}")
        return sound.joined(
            [self._part(part, known, rate) for part in chunks(text, cards.POLLY_LONGEST)]
        )

    def _part(self, text: str, voice: VoiceInfo, rate: float) -> Speech:
        return self._calls.place(
            "polly", "speech", lambda seconds: self._spoken(text, voice, rate, seconds)
        )

    def _spoken(
        self, text: str, voice: VoiceInfo, rate: float, seconds: float
    ) -> tuple[Speech, Bill]:
        least = sound.shortest(text, voice.language, rate)
        most = sound.longest(text, voice.language, rate)
        try:
            answer = self._client.synthesize_speech(**_request(text, voice, rate))
            audio = answer["AudioStream"]
        except FAULTS as error:
            raise _failed(error) from error
        try:
            with closing(audio) as stream:
                content = sound.collected(
                    stream.iter_chunks(BLOCK),
                    seconds=seconds,
                    most=sound.most_bytes(most),
                    faults=(BotoCoreError,),
                )
            return sound.from_ogg(content, least=least, most=most), self._bill(text, voice, answer)
        except sound.Unusable as error:
            raise self._unusable(error, text, voice, answer) from error

    def _bill(self, text: str, voice: VoiceInfo, answer: dict[str, Any]) -> Bill:
        neural, standard = (price.microusd for price in self.engine.prices)
        is_neural = voice in POLLY_NEURAL_VOICES
        counted = answer.get("RequestCharacters") or len(text)
        cost = round(counted * (neural if is_neural else standard))
        model = "neural" if is_neural else "standard"
        return Bill(model, "characters", counted, cost, _request_id(answer))

    def _unusable(
        self, error: sound.Unusable, text: str, voice: VoiceInfo, answer: dict[str, Any]
    ) -> ProviderFailed:
        """What has the vendor's own id was paid for; the rest came from somebody between."""
        if not _request_id(answer):
            return ProviderFailed("ENGINE_FAILED", engine=NAME, detail=str(error))
        bill = self._bill(text, voice, answer)
        return Spoiled("ENGINE_FAILED", bill=bill, detail=str(error), engine=NAME)


def marked(text: str, rate: float) -> str:
    """The text as SSML, spoken at `rate`."""
    return f'<speak><prosody rate="{round(rate * 100)}%">{escape(text)}</prosody></speak>'


def _request(text: str, voice: VoiceInfo, rate: float) -> dict[str, str]:
    return {
        "Engine": "neural" if voice in POLLY_NEURAL_VOICES else "standard",
        "LanguageCode": CODES.get(voice.language, voice.language),
        "OutputFormat": "ogg_vorbis",
        "SampleRate": "24000",
        "Text": text if rate == 1.0 else marked(text, rate),
        "TextType": "text" if rate == 1.0 else "ssml",
        "VoiceId": voice.id,
    }


def _request_id(answer: dict[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def _failed(error: Exception) -> ProviderFailed:
    """What went wrong, in our words."""
    name = type(error).__name__
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, UNKNOWN):
        return ProviderFailed("VENDOR_ACCOUNT", engine=NAME, detail=f"no credentials {name}")
    return ProviderFailed("ENGINE_FAILED", engine=NAME, detail=name)


def _refused(error: ClientError) -> ProviderFailed:
    """What an error of the service means; its message stays out, it may repeat what was sent."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    about = error.response.get("ResponseMetadata", {})
    status = int(about.get("HTTPStatusCode", 500))
    detail = f"{code} {about.get('RequestId', '')}".strip()
    if code in THROTTLED:
        status = 429
    elif code == DENIED:
        status = statuses.FORBIDDEN
    elif code in ACCOUNT:
        status = 401
    return statuses.failure(NAME, status, detail=detail, headers=about.get("HTTPHeaders", {}))
