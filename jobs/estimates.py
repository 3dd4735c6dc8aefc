"""What the page of a new dub shows: files, prices, the quote, and whatever is wrong, by field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from accounts.models import User
from billing import gateway, prices
from billing.plans import PLANS, Plan
from billing.prices import CLASSES, MULTIPLIER_TENTHS, LanguagePrice, Quote
from billing.queries import balance_of, entries_of, plan_of, starter_reference
from dubber.errors import UserError
from jobs import drafts, wiring
from jobs.choices import Choices
from jobs.models import Draft, Upload
from jobs.pipeline.dub import Engines
from jobs.pipeline.languages import LANGUAGES, in_words
from jobs.pipeline.ports import VoiceInfo
from jobs.quotes import check_order
from jobs.uploads import measure_upload, refuse_other_lengths
from jobs.wiring import Offer

PLACES = frozenset(
    {"voice", "background", "captions", "languages", "source_language", "title", "glossary"}
)
"""Fields of the page that have a place for what is wrong with them; all else stands on top."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file of a draft: as it was announced, came in, or was found to be. error says why not."""

    upload: Upload
    received: int
    error: str

    @property
    def arrived(self) -> bool:
        """Say whether all of it is here, and it can be used."""
        return self.upload.duration_ms is not None and not self.error

    @property
    def percent(self) -> int:
        """How much of it came, before all did."""
        size = self.upload.declared_size or 0
        return self.received * 100 // size if size else 0

    @property
    def facts(self) -> str:
        """What was found in it, in a few words."""
        found = self.upload.source
        channels = {1: _("mono"), 2: _("stereo")}.get(found.get("channels", 0), _("surround"))
        sound = f"{found.get('sample_rate', 0) / 1000:g} kHz {channels}"
        picture = found.get("picture")
        return f"{sound} · {picture['width']} × {picture['height']}" if picture else sound


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """One language to choose: what is offered, what was chosen, and what it costs.

    credits is the price of this recording with the voice that was chosen, None before its length is
    known.
    """

    offer: Offer
    chosen: bool
    variant: str
    voice: str
    credits: int | None

    @property
    def credits_a_minute(self) -> float:
        """What a minute costs, before the language is rounded up."""
        return MULTIPLIER_TENTHS[CLASSES[self.offer.code]] * (2 if self.premium else 1) * 6 / 10

    @property
    def premium(self) -> bool:
        """Say whether the voice that was chosen costs double."""
        return self.voice in {one.id for one in self.offer.voices if one.premium}

    @property
    def may_be_premium(self) -> bool:
        """Say whether there is a premium voice to choose."""
        return any(one.premium for one in self.offer.voices)

    @property
    def own_name(self) -> str:
        """What its speakers call it."""
        code = {"zh": "zh-hans"}.get(self.offer.code, self.offer.code)
        return str(get_language_info(code)["name_local"])

    @property
    def variants(self) -> list[tuple[str, str]]:
        """The variants to choose from, in words."""
        return [(tag, in_words(tag)) for tag in LANGUAGES[self.offer.code].variants]

    @property
    def voices(self) -> Sequence[VoiceInfo]:
        """The voices to choose from."""
        return self.offer.voices


@dataclass(frozen=True, slots=True)
class Estimate:
    """A dub as it would be if it were launched now. wrong holds sentences by field."""

    plan: Plan
    balance: int
    choices: Choices
    languages: Sequence[LanguageChoice]
    had_starter: bool = True
    draft: Draft | None = None
    voice: SentFile | None = None
    background: SentFile | None = None
    quote: Quote | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[tuple[str, LanguagePrice]]:
        """The quote line by line: a language's name and its price."""
        return (
            [(LANGUAGES[one.language].name, one) for one in self.quote.prices] if self.quote else []
        )

    @property
    def after(self) -> int:
        """The balance after launch; below zero where it doesn't suffice."""
        return self.balance - (self.quote.credits if self.quote else 0)

    @property
    def missing(self) -> int:
        """Credits that are missing."""
        return max(0, -self.after)

    @property
    def pack(self) -> Plan | None:
        """The smallest pack that brings what is missing, the free one too; else the largest.

        None where nothing is sold and the free one was had.
        """
        buying = gateway.is_enabled()
        had = self.had_starter
        sold = [one for one in PLANS.values() if (buying if one.price_cents else not had)]
        return next(
            (one for one in sold if one.credits >= self.missing), sold[-1] if sold else None
        )

    @property
    def ready(self) -> bool:
        """Say whether it can be launched."""
        return self.quote is not None and not self.missing and not self.wrong

    @property
    def next(self) -> str:
        """Where to come back to from buying."""
        return reverse("draft", args=[self.draft.public_id]) if self.draft else reverse("new_job")

    @property
    def pack_dollars(self) -> int:
        """What that pack costs."""
        return self.pack.price_cents // 100 if self.pack else 0

    @property
    def available(self) -> list[LanguageChoice]:
        """The languages that can be made here."""
        return [one for one in self.languages if one.offer.available]

    @property
    def unavailable(self) -> list[Offer]:
        """The languages that can't be made here."""
        return [one.offer for one in self.languages if not one.offer.available]

    @property
    def has_drafts(self) -> bool:
        """Say whether a language is made in draft quality only."""
        return any(one.offer.quality == "draft" for one in self.available)

    @property
    def wrong_elsewhere(self) -> list[str]:
        """What is wrong with no field of its own."""
        return [told for place, told in self.wrong.items() if place not in PLACES and told]

    @property
    def hindrances(self) -> list[str]:
        """What is wrong, wherever it is told."""
        return [told for told in self.wrong.values() if told]

    @property
    def glossary(self) -> list[tuple[str, str]]:
        """The rows of the glossary, and an empty one to write in."""
        return [*self.choices.glossary, ("", "")]


def estimate_nothing(user: User) -> Estimate:
    """What is shown before anything was chosen."""
    return Estimate(
        plan=plan_of(user),
        balance=balance_of(user),
        choices=Choices(),
        languages=_languages(Choices(), None),
    )


def estimate_draft(
    draft: Draft,
    *,
    launching: bool = False,
    refused: UserError | None = None,
    form_errors: Mapping[str, str] | None = None,
    engines: Callable[[], Engines] = wiring.engines,
) -> Estimate:
    """Look at everything that a draft has so far.

    launching tells what is missing too; refused is why it wasn't launched, form_errors what was
    wrong with what was sent, by field.
    """
    choices, files = Choices.from_json(draft.choices), drafts.files_of(draft)
    wrong = dict(form_errors or {})
    voice = _look_at(files.get(Upload.Role.VOICE), wrong)
    background = _look_at(files.get(Upload.Role.BACKGROUND), wrong)
    if voice and background and voice.arrived and background.arrived:
        _tell(wrong, "background", lambda: refuse_other_lengths(voice.upload, background.upload))
    quote = None
    if voice and voice.arrived and choices.languages:
        quote = _quote(draft, choices, files, wrong, engines)
    if launching:
        _tell_missing(choices, voice, wrong)
    if refused is not None:
        wrong.setdefault(field_of(refused), refused.message)
    length = voice.upload.duration_ms if voice and voice.arrived else None
    return Estimate(
        plan=plan_of(draft.user),
        balance=balance_of(draft.user),
        choices=choices,
        languages=_languages(choices, length),
        had_starter=entries_of(draft.user).filter(reference=starter_reference(draft.user)).exists(),
        draft=draft,
        voice=voice,
        background=background,
        quote=quote,
        wrong=wrong,
    )


def field_of(error: UserError) -> str:
    """The field of the page beside which an error is to be told; empty for none of them."""
    told = str(error.details.get("field") or error.details.get("option") or "")
    named = {"transcript_srt": "captions", "variants": "languages", "voices": "languages"}
    by_code = {
        "duration_mismatch": "background",
        "plan_limit": "languages",
        "plan_required": "languages",
        "language_unavailable": "languages",
        "pair_unavailable": "languages",
    }
    return named.get(told, told) or by_code.get(error.code, "")


def _quote(
    draft: Draft,
    choices: Choices,
    files: Mapping[str, Upload],
    wrong: dict[str, str],
    engines: Callable[[], Engines],
) -> Quote | None:
    try:
        return check_order(
            draft.user,
            voice=files[Upload.Role.VOICE],
            background=None,  # its length was compared already
            languages=choices.languages,
            source_language=choices.source_language,
            options=drafts.options_of(draft),
            engines=engines,
        ).quote
    except UserError as error:
        wrong.setdefault(field_of(error), error.message)
        return None


def _tell_missing(choices: Choices, voice: SentFile | None, wrong: dict[str, str]) -> None:
    if voice is None:
        wrong.setdefault("voice", _("Choose a video or a voice track."))
    if not choices.languages:
        wrong.setdefault("languages", _("Choose at least one language."))


def _look_at(upload: Upload | None, wrong: dict[str, str]) -> SentFile | None:
    """Measure a file if it arrived."""
    if upload is None:
        return None
    try:
        measure_upload(upload)
    except UserError as error:
        if error.code != "upload_missing":
            wrong[upload.role] = error.message
    return SentFile(upload, drafts.received(upload), wrong.get(upload.role, ""))


def _tell(wrong: dict[str, str], place: str, check: Callable[[], None]) -> None:
    try:
        check()
    except UserError as error:
        wrong[place] = error.message


def _languages(choices: Choices, duration_ms: int | None) -> list[LanguageChoice]:
    return [
        LanguageChoice(
            offer=offer,
            chosen=offer.code in choices.languages,
            variant=choices.variants.get(offer.code, ""),
            voice=choices.voices.get(offer.code, ""),
            credits=_credits(offer, choices.voices.get(offer.code, ""), duration_ms),
        )
        for offer in wiring.offered()
    ]


def _credits(offer: Offer, voice: str, duration_ms: int | None) -> int | None:
    if duration_ms is None:
        return None
    premium = voice in {one.id for one in offer.voices if one.premium}
    return prices.language_credits(duration_ms, offer.code, premium=premium)
