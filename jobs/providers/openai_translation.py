"""Translation by OpenAI, or by any server that speaks its protocol.

Source: openai 3.54.0; https://platform.openai.com/docs/guides/structured-outputs. OpenAI itself is
asked through its Responses API, other servers (llama.cpp, vLLM, Ollama) through chat completions,
which is what they have.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass

import httpx2
import openai
from openai import APIResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import (
    Response,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseTextConfigParam,
)
from openai.types.shared_params import Reasoning, ResponseFormatJSONSchema
from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.pipeline.calls import Spoiled
from jobs.pipeline.errors import ProviderFailed
from jobs.pipeline.ports import Bill, Calls, Line, Tone
from jobs.providers import cards, statuses
from jobs.providers.openai_prompts import NO_TERMS, instructions, question

OPENAI = "https://api.openai.com/v1"
SECONDS = 60.0  # for an answer to begin
SECONDS_A_LINE = 10.0  # what a small model on a small machine takes
UNPAID = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
TOO_LONG = frozenset({"context_length_exceeded", "string_above_max_length"})
FAULTS = (openai.OpenAIError, httpx2.HTTPError, ValueError)
FILTER = "content_filter"
CUT = frozenset({"length", FILTER})
UNTHINKING = ("gpt-3", "gpt-4")  # models that refuse to be told how much to reason
ALWAYS_THINKING = re.compile(r"gpt-5(-mini|-nano)?(-\d{4}-\d{2}-\d{2})?")  # and 5.1 is none of them


class TranslatedLine(BaseModel):
    """One line of an answer."""

    model_config = ConfigDict(extra="forbid")

    id: int
    text: str


class Answer(BaseModel):
    """A whole answer."""

    model_config = ConfigDict(extra="forbid")

    lines: list[TranslatedLine]


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer holds, by whichever protocol it came; read and written are tokens."""

    content: str
    cut: str | None  # why it is unfinished
    refused: bool
    read: int
    written: int
    id: str


SCHEMA = Answer.model_json_schema()
TEXT: ResponseTextConfigParam = {
    "format": {"type": "json_schema", "name": "translation", "schema": SCHEMA, "strict": True}
}
RESPONSE_FORMAT: ResponseFormatJSONSchema = {
    "type": "json_schema",
    "json_schema": {"name": "translation", "schema": SCHEMA, "strict": True},
}
NO_REASONING: Reasoning = {"effort": "none"}
LEAST_REASONING: Reasoning = {"effort": "minimal"}


class OpenAITranslator:
    """Translates between any of the twelve languages, and gives a shorter or fuller wording."""

    rewords = True
    expands = True

    def __init__(
        self,
        *,
        model: str,
        calls: Calls,
        api_key: str = "",
        base_url: str = OPENAI,
        responses: bool = True,
        vendor: str = "openai",
        prices: cards.Prices | None = None,
    ) -> None:
        """Connect to nothing yet.

        `responses` says that the server is OpenAI's and has its Responses API; `vendor` is the
        account that calls count for. `prices` are those of tokens in and out, None: published ones.
        """
        self.engine = cards.openai_translation(model, own=not responses, prices=prices)
        self._responses = responses
        self._vendor = vendor
        self._calls = calls
        # Retrying is ours. A server that wants no key still has to be sent one by the library.
        self._client = openai.OpenAI(api_key=api_key or "none", base_url=base_url, max_retries=0)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def try_key(self, *, seconds: float) -> None:
        """Ask which models a key may use, which costs nothing. Raises ProviderFailed.

        VENDOR_ACCOUNT also where our model isn't among them.
        """
        try:
            listed = {one.id for one in self._client.models.list(timeout=seconds)}
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except (*FAULTS, *statuses.UNREADABLE) as error:
            raise self._failed("ENGINE_FAILED", type(error).__name__) from error
        if self._responses and self.engine.model not in listed:
            raise self._failed("VENDOR_ACCOUNT", f"no model {self.engine.model}")

    def translate(
        self,
        lines: Sequence[Line],
        *,
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str] = NO_TERMS,
        tone: Tone = Tone.NEUTRAL,
    ) -> dict[int, str]:
        """Say each line in `target`; a line whose answer never ends is missing.

        Raises ProviderFailed; ENGINE_REFUSED where the model refuses one of the lines.
        """
        if not lines:
            return {}
        user = question(
            lines, source=source, target=target, context=context, terms=terms, tone=tone
        )
        answer = self._calls.place(
            self._vendor,
            "translation",
            lambda seconds: self._asked(instructions(target), user, lines, seconds),
        )
        if answer is None:
            return self._in_halves(lines, source, target, context, terms, tone)
        return _texts(answer, {line.id for line in lines})

    def _in_halves(
        self,
        lines: Sequence[Line],
        source: str,
        target: str,
        context: Sequence[str],
        terms: Mapping[str, str],
        tone: Tone,
    ) -> dict[int, str]:
        if len(lines) == 1:
            raise self._failed("ENGINE_REFUSED", "an answer to one line that never ends")
        middle = len(lines) // 2
        said: dict[int, str] = {}
        for half in (lines[:middle], lines[middle:]):
            said |= self.translate(
                half, source=source, target=target, context=context, terms=terms, tone=tone
            )
        return said

    def _asked(
        self, system: str, user: str, lines: Sequence[Line], seconds: float
    ) -> tuple[Answer | None, Bill]:
        """The answer, None where it is unfinished. Every error of the library becomes ours."""
        ask = self._ask_responses if self._responses else self._ask_chat
        request = ""
        try:
            with ask(
                system,
                user,
                max_tokens=256 + sum(32 + 3 * len(line.text) for line in lines),
                timeout=min(seconds, SECONDS + SECONDS_A_LINE * len(lines)),
            ) as raw:
                request = raw.headers.get("x-request-id", "")
                said = _said(raw.parse())
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except (*FAULTS, *statuses.UNREADABLE) as error:
            raise self._unreadable(request, error) from error
        return self._read(said, self._bill(said.read, said.written, request or said.id))

    def _ask_responses(
        self, system: str, user: str, *, max_tokens: int, timeout: float
    ) -> AbstractContextManager[APIResponse[Response]]:
        # Not `responses.parse`: it fails on an answer that was cut before one can see that it was.
        return self._client.responses.with_streaming_response.create(
            model=self.engine.model,
            instructions=system,
            input=user,
            text=TEXT,
            reasoning=_reasoning(self.engine.model),
            max_output_tokens=max_tokens,
            store=False,
            timeout=timeout,
        )

    def _ask_chat(
        self, system: str, user: str, *, max_tokens: int, timeout: float
    ) -> AbstractContextManager[APIResponse[ChatCompletion]]:
        return self._client.chat.completions.with_streaming_response.create(
            model=self.engine.model,
            messages=[
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            response_format=RESPONSE_FORMAT,
            max_tokens=max_tokens,
            timeout=timeout,
        )

    def _read(self, said: Said, bill: Bill) -> tuple[Answer | None, Bill]:
        """The texts, None where they were too long. All answers have to be paid for."""
        if said.refused or said.cut == FILTER:
            raise self._spoiled("ENGINE_REFUSED", bill, said.cut or "refusal")
        if said.cut:
            return None, bill
        try:
            return _answer_in(said.content, bare=self._responses), bill
        except ValidationError as error:
            raise self._spoiled("ENGINE_FAILED", bill, "an answer in another form") from error

    def _unreadable(self, request: str, error: Exception) -> ProviderFailed:
        """What has the vendor's own id was paid for, nobody knows how much; the rest wasn't."""
        detail = f"{type(error).__name__} {request}".strip()
        if not request:
            return self._failed("ENGINE_FAILED", detail)
        return self._spoiled("ENGINE_FAILED", self._bill(0, 0, request), detail)

    def _bill(self, read: int, written: int, request: str) -> Bill:
        each = [price.microusd for price in self.engine.prices] or [0.0, 0.0]
        cost = round(read * each[0] + written * each[1])
        return Bill(self.engine.model, "tokens", read + written, cost, request)

    def _refused(self, error: openai.APIStatusError) -> ProviderFailed:
        detail = f"{error.code or ''} {error.request_id or ''}".strip()
        if error.code in TOO_LONG:
            return self._failed("ENGINE_REFUSED", f"{error.status_code} {detail}")
        if error.status_code == statuses.GONE:
            return self._failed("VENDOR_ACCOUNT", f"{error.status_code} {detail}")
        status = 402 if error.code in UNPAID else error.status_code
        headers = dict(error.response.headers)
        return statuses.failure(self.engine.name, status, detail=detail, headers=headers)

    def _failed(self, code: str, detail: str) -> ProviderFailed:
        return ProviderFailed(code, detail=detail, engine=self.engine.name)

    def _spoiled(self, code: str, bill: Bill, detail: str) -> Spoiled:
        return Spoiled(code, bill=bill, detail=detail, engine=self.engine.name)


def _reasoning(model: str) -> Reasoning | openai.Omit:
    """The least that a model can be told to reason."""
    if model.startswith(UNTHINKING):
        return openai.omit
    return LEAST_REASONING if ALWAYS_THINKING.fullmatch(model) else NO_REASONING


def _said(answer: Response | ChatCompletion) -> Said:
    """What an answer holds. Raises UNREADABLE: the library checks nothing of what came."""
    id_ = str(getattr(answer, "id", ""))
    cut: str | None
    if isinstance(answer, Response):
        cut = answer.incomplete_details.reason if answer.incomplete_details else None
        refused = any(part.type == "refusal" for part in _parts(answer))
        tokens = _tokens(answer, "input_tokens"), _tokens(answer, "output_tokens")
        return Said(answer.output_text, cut, refused, *tokens, id_)
    choice = answer.choices[0]
    cut = choice.finish_reason if choice.finish_reason in CUT else None
    tokens = _tokens(answer, "prompt_tokens"), _tokens(answer, "completion_tokens")
    content = str(choice.message.content or "")
    return Said(content, cut, bool(choice.message.refusal), *tokens, id_)


def _tokens(answer: object, name: str) -> int:
    """A count of tokens; none where it isn't told: that is no reason to lose a translation."""
    count = getattr(getattr(answer, "usage", None), name, None)
    return count if isinstance(count, int) else 0


def _parts(answer: Response) -> Iterator[ResponseOutputText | ResponseOutputRefusal]:
    for item in answer.output:
        if isinstance(item, ResponseOutputMessage):
            yield from item.content


def _answer_in(content: str, *, bare: bool) -> Answer:
    """The texts in an answer; raises ValidationError.

    Only what isn't valid as it stands (and isn't told to be `bare`) is unwrapped: the translated
    speech may have in it whatever answers are wrapped in.
    """
    try:
        return Answer.model_validate_json(content)
    except ValidationError:
        if bare:
            raise
    return Answer.model_validate_json(_unwrapped(content))


def _texts(answer: Answer, wanted: Set[int]) -> dict[int, str]:
    """The texts of the lines wanted; none that may be another line's."""
    given = Counter(line.id for line in answer.lines)
    if given.keys() - wanted and wanted - given.keys():
        return {}  # counted otherwise: all may be shifted by a line
    texts = {line.id: " ".join(line.text.split()) for line in answer.lines if given[line.id] == 1}
    return {id_: text for id_, text in texts.items() if id_ in wanted and text}


def _unwrapped(content: str) -> str:
    """The object in an answer: small models like to think aloud before it, and to fence it."""
    spoken = re.sub(r"\A\s*<think>.*?</think>", "", content, flags=re.DOTALL)
    found = re.search(r"\{.*\}", spoken, re.DOTALL)
    return found[0] if found else spoken
