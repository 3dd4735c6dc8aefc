"""Recognition with Deepgram's Nova-3.

Source: deepgram-sdk 7.17.0; https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded
(API v1). The sound goes out as mono Opus from a file, so that memory doesn't grow with its length;
nothing of it is used to train models (`mip_opt_out`).
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.http_response import HttpResponse
from deepgram.core.parse_error import ParsingError
from deepgram.core.request_options import RequestOptions
from deepgram.environment import DeepgramClientEnvironment

from jobs.pipeline import ffmpeg
from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import PipelineError, ProviderFailed
from jobs.pipeline.ports import Bill, Calls
from jobs.pipeline.timeline import Recognition, Utterance, Word
from jobs.providers import cards, statuses
from jobs.providers.sound import Unusable
from jobs.providers.voices import NOVA_PRICES

DEEPGRAM = "https://api.deepgram.com"
NAME = cards.DEEPGRAM
TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?")
UNKNOWN = "und"
ANY = "multi"  # the language when nobody knows it, or when there are several
BLOCK = 256 * 1024
SILENCE, RATE = 0.5, 16_000  # seconds and samples a second of what a model is tried with
UTTERANCE_PAUSE = 0.8  # seconds of silence that part two utterances
BEYOND = 1.0  # seconds that a word may end after the sound: the codec adds some
BACKWARDS = 0.1  # seconds that a word may begin before the one ahead of it
WITHOUT_SPACES = frozenset({"ja", "zh"})
# Full effort (10) takes twice as long, while everything else waits, and is understood no better.
OPUS = {
    "acodec": "libopus",
    "audio_bitrate": "32k",
    "ac": 1,
    "application": "voip",
    "compression_level": 3,
}
REQUEST_ID = "dg-request-id"
FAULTS = (ApiError, ParsingError, httpx.HTTPError, ValueError)


def http() -> httpx.Client:
    """Connections to the vendor, which never follow anywhere else."""
    return httpx.Client(follow_redirects=False, event_hooks={"response": [_note_id]})


def _note_id(answer: httpx.Response) -> None:
    """Keep the vendor's id with the request: the rest of the answer may never come."""
    if answer.is_success:
        answer.request.extensions[REQUEST_ID] = answer.headers.get(REQUEST_ID, "")


def client(api_key: str, base_url: str, connections: httpx.Client) -> DeepgramClient:
    """The vendor's client, which never retries."""
    base = base_url.rstrip("/")
    socket = "ws" + base.removeprefix("http")
    places = DeepgramClientEnvironment(base=base, production=socket, agent=socket, agent_rest=base)
    return DeepgramClient(
        api_key=api_key, environment=places, httpx_client=connections, max_retries=0
    )


def options(seconds: float, **headers: str) -> RequestOptions:
    """How one request is made."""
    return {"timeout": seconds, "max_retries": 0, "additional_headers": dict(headers)}


def failed(error: Exception) -> ProviderFailed:
    """What went wrong, in our words. Bodies stay out of it: they may repeat what was sent."""
    if isinstance(error, ApiError) and error.status_code and error.status_code >= 300:
        headers = error.headers or {}
        detail = f"{_error_code(error.body)} {headers.get(REQUEST_ID, '')}".strip()
        return statuses.failure(NAME, error.status_code, detail=detail, headers=headers)
    detail = str(error) if isinstance(error, Unusable) else type(error).__name__
    return ProviderFailed("ENGINE_FAILED", engine=NAME, detail=detail)


def try_key(api_key: str, base_url: str, *, seconds: float) -> None:
    """Ask which projects a key belongs to, which costs nothing. Raises ProviderFailed."""
    with http() as connections:
        vendor = client(api_key, base_url, connections)
        try:
            vendor.manage.v1.projects.list(request_options=options(seconds))
        except (*FAULTS, *statuses.UNREADABLE) as error:
            raise failed(error) from error


def answered_as(error: Exception) -> str:
    """The vendor's id of a call that it began to answer well, which it wants to be paid for."""
    if isinstance(error, httpx.RequestError):
        return str(error.request.extensions.get(REQUEST_ID, ""))
    if isinstance(error, ApiError | ParsingError) and error.status_code == httpx.codes.OK:
        return str((error.headers or {}).get(REQUEST_ID, ""))
    return ""


def _error_code(body: object) -> str:
    """Deepgram words errors in two ways: {err_code, …} and {category, …}."""
    fields = body if isinstance(body, dict) else {}
    return str(fields.get("err_code") or fields.get("category") or "")[:60]


class DeepgramTranscriber:
    """Hears any of the twelve languages, and who speaks."""

    def __init__(
        self,
        *,
        api_key: str,
        calls: Calls,
        base_url: str = DEEPGRAM,
        model: str = "nova-3",
        tag: str = "dubber",
        prices: cards.Prices = NOVA_PRICES,
    ) -> None:
        """Connect to nothing yet; `tag` marks our calls in the vendor's own statistics.

        `prices` are a second's: language known, any language, and more to tell speakers apart.
        """
        self.engine = cards.nova(model, prices)
        self._calls = calls
        self._tag = tag
        self._http = http()
        self._client = client(api_key, base_url, self._http)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def try_model(self) -> None:
        """Let the model hear a moment of silence, for less than a hundredth of a cent.

        Only that tells whether it can be used. Raises ProviderFailed, VENDOR_ACCOUNT where not.
        """
        with tempfile.TemporaryDirectory(prefix="deepgram-") as folder:
            sound = Path(folder) / "silence.flac"
            soundfile.write(sound, np.zeros(int(SILENCE * RATE)), RATE)
            try:
                self._calls.place(
                    "deepgram", "recognition", lambda most: self._heard(sound, SILENCE, None, most)
                )
            except ProviderFailed as error:
                if error.code != "ENGINE_REFUSED":
                    raise
                detail = f"no model {self.engine.model}"
                raise ProviderFailed("VENDOR_ACCOUNT", engine=NAME, detail=detail) from error

    def transcribe(
        self, speech: Path, *, language: str | None, stop: Callable[[], None] | None = None
    ) -> Recognition:
        """Recognize a 16 kHz mono FLAC; `language` is a hint, None asks for detection.

        Raises ProviderFailed, NO_SPEECH, and what encoding raises. What was sent is waited for
        whatever `stop` says: it has to be paid.
        """
        duration = soundfile.info(speech).duration
        with tempfile.TemporaryDirectory(prefix="deepgram-") as folder:
            sound = _encoded(speech, duration, Path(folder), stop)
            recognition = self._calls.place(
                "deepgram",
                "recognition",
                lambda seconds: self._heard(sound, duration, language, seconds),
            )
        if not recognition.utterances:
            raise PipelineError("NO_SPEECH")
        return recognition

    def _heard(
        self, sound: Path, duration: float, language: str | None, seconds: float
    ) -> tuple[Recognition, Bill]:
        hint = language.partition("-")[0] if language else ANY
        request = ""
        try:
            answer = self._ask(sound, hint, seconds)
            request = answer.headers.get(REQUEST_ID, "")
            heard = _recognition(answer.data, duration, language, self.engine.name)
        except (Unusable, *FAULTS, *statuses.UNREADABLE) as error:
            failure, request = failed(error), request or answered_as(error)
            if not request:
                raise failure from error
            bill, detail = self._bill(request, duration, hint), f"{failure.detail} {request}"
            raise Spoiled(failure.code, bill=bill, detail=detail, engine=NAME) from error
        return heard, self._bill(request, duration, hint)

    def _ask(self, sound: Path, language: str, seconds: float) -> HttpResponse[Any]:
        with sound.open("rb") as file:  # opened again for every attempt
            answer: HttpResponse[Any] = (
                self._client.listen.v1.media.with_raw_response.transcribe_file(
                    request=iter(lambda: file.read(BLOCK), b""),
                    model=self.engine.model,
                    language=language,
                    utterances=True,
                    utt_split=UTTERANCE_PAUSE,
                    diarize=True,
                    punctuate=True,
                    smart_format=True,
                    mip_opt_out=True,
                    tag=[self._tag],
                    # With its length told, the body isn't sent in chunks of unknown number.
                    request_options=options(
                        seconds, **{"Content-Length": str(sound.stat().st_size)}
                    ),
                )
            )
        return answer

    def _bill(self, request: str, duration: float, hint: str) -> Bill:
        known, unknown, speakers = (price.microusd for price in self.engine.prices)
        each = (unknown if hint == ANY else known) + speakers
        return Bill(self.engine.model, "seconds", duration, round(duration * each), request)


def _encoded(speech: Path, duration: float, folder: Path, stop: Callable[[], None] | None) -> Path:
    out = folder / "speech.ogg"
    work = ffmpeg.output(ffmpeg.source(speech), out=out, **OPUS)
    ffmpeg.run(work, seconds=duration, outputs=[out], stop=stop)
    return out


def _recognition(answer: Any, duration: float, language: str | None, engine: str) -> Recognition:
    """Our words for the answer. Raises Unusable, and whatever a strange answer makes fail."""
    told = float(answer.metadata.duration)
    if abs(told - duration) > max(2.0, 0.02 * duration):
        raise Unusable("only a part was heard")
    channel = answer.results.channels[0]
    alternative = (channel.alternatives or [])[0]
    words = alternative.words or []
    spoken = language or _language(words, alternative.languages, channel.detected_language)
    utterances = [
        _utterance(heard.words or [], heard.speaker, heard.transcript or "", spoken)
        for heard in answer.results.utterances or []
        if heard.words
    ] or [_utterance(group, group[0].speaker, "", spoken) for group in _groups(words)]
    utterances.sort(key=lambda utterance: utterance.start)
    _check(utterances, duration)
    return Recognition(spoken, tuple(utterances), engine)


def _language(words: Sequence[Any], listed: Sequence[str] | None, detected: str | None) -> str:
    """The language of most words; else the first that the answer names, as far as it is a tag."""
    spoken = [word.language for word in words if word.language]
    named = max(set(spoken), key=spoken.count) if spoken else (listed or [detected or UNKNOWN])[0]
    return str(named) if TAG.fullmatch(str(named)) else UNKNOWN


def _utterance(words: Sequence[Any], speaker: int | None, text: str, language: str) -> Utterance:
    heard = tuple(
        Word(float(word.start), float(word.end), _text(word), float(word.confidence or 0.0))
        for word in words
    )
    between = "" if language.partition("-")[0] in WITHOUT_SPACES else " "
    return Utterance(
        start=heard[0].start,
        end=heard[-1].end,
        speaker=int(speaker or 0),
        text=text.strip() or between.join(word.text for word in heard),
        words=heard,
    )


def _text(word: Any) -> str:
    return str(getattr(word, "punctuated_word", None) or word.word)


def _groups(words: Sequence[Any]) -> Iterator[list[Any]]:
    """Words without utterances, parted where another one speaks or nobody does."""
    group: list[Any] = []
    for word in words:
        if group and (
            word.speaker != group[-1].speaker or word.start - group[-1].end > UTTERANCE_PAUSE
        ):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _check(utterances: Iterable[Utterance], duration: float) -> None:
    """Raise Unusable where times can't be."""
    for utterance in utterances:
        for word in utterance.words:
            if not 0 <= word.start <= word.end <= duration + BEYOND:
                raise Unusable("words outside the sound")
        for word, following in pairwise(utterance.words):
            if following.start < word.start - BACKWARDS:
                raise Unusable("words that run backwards")
