"""What a dub would be and cost: everything that is looked at before one is ordered."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import prices
from billing.plans import Plan
from billing.queries import plan_of
from dubber.errors import Conflict, PermissionRefused, UserError
from jobs import options as job_options
from jobs import wiring
from jobs.glossary import with_own_terms
from jobs.models import Upload
from jobs.pipeline.dub import Engines
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find, variants_of
from jobs.refusals import refusal
from jobs.uploads import is_used, measure_upload, refuse_other_lengths


@dataclass(frozen=True, slots=True)
class Order:
    """A dub that can be made. variants: each language, and what is spoken of it."""

    voice: Upload
    background: Upload | None
    variants: Mapping[str, str]
    options: dict[str, Any]
    quote: prices.Quote

    @property
    def duration_ms(self) -> int:
        """The length that is paid for."""
        return self.voice.duration_ms or 0


def check_order(
    user: User,
    *,
    voice: Upload,
    background: Upload | None,
    languages: Collection[str],
    source_language: str = "",
    options: Mapping[str, Any],
    engines: Callable[[], Engines] = wiring.engines,
) -> Order:
    """Look at files and wishes, and name the price. Whether it can be paid is not asked.

    `languages` may be variants (es-MX). Raises UserError: a code of DESIGN's media codes,
    plan_limit, plan_required, conflict.
    """
    plan = plan_of(user)
    variants = targets_of(languages, source_language, plan)
    chosen = job_options.checked(options, variants)
    variants |= chosen.pop("variants", {})
    if terms := with_own_terms(user, chosen.get("glossary", ())):
        chosen["glossary"] = terms
    if chosen.get("transcript_srt") and not source_language:
        raise UserError(
            "validation_error",
            _("Say which language your captions are in."),
            field="source_language",
        )
    premium = premium_of(variants, source_language, chosen, plan, engines)
    voice = measure_upload(_own(user, voice))
    if background is not None:
        background = measure_upload(_own(user, background))
        refuse_other_lengths(voice, background)
    quote = prices.quote(voice.duration_ms or 0, list(variants), premium=premium)
    return Order(voice, background, variants, chosen, quote)


def refuse_too_many(languages: int, plan: Plan) -> None:
    """Raise UserError plan_limit when a plan allows fewer languages."""
    if languages > plan.limits.languages:
        raise PermissionRefused(
            _("Your plan allows %(most)d languages a job.") % {"most": plan.limits.languages},
            code="plan_limit",
            most=plan.limits.languages,
        )


def targets_of(languages: Collection[str], source_language: str, plan: Plan) -> dict[str, str]:
    """Language code to the variant asked for. Raises UserError."""
    try:
        targets = variants_of(languages)
        spoken = find(source_language) if source_language else None
        if spoken and spoken.code in targets:
            raise UserError(
                "validation_error",
                _("The recording is in %(language)s already. Take that language out.")
                % {"language": spoken.name},
                field="languages",
            )
    except PipelineError as error:
        raise refusal(error) from error
    if not targets:
        raise UserError("validation_error", _("Choose a language."), field="languages")
    refuse_too_many(len(targets), plan)
    return targets


def premium_of(
    variants: Mapping[str, str],
    source_language: str,
    options: Mapping[str, Any],
    plan: Plan,
    engines: Callable[[], Engines],
) -> set[str]:
    """The languages spoken by a premium voice. Raises UserError where one can't be made here."""
    premium = set()
    try:
        made = engines()
        for code, target in variants.items():
            speech, words = (options.get(of, {}).get(code, "") for of in ("speech", "translation"))
            route = made.route(source_language or None, target, speech, words)
            chosen = set(options.get("voices", {}).get(code, {}).values())
            voices = {voice.id: voice for voice in route.voices}
            if chosen - set(voices):
                raise UserError(
                    "validation_error", _("There is no such voice."), field="voices", language=code
                )
            if any(voices[name].premium for name in chosen):
                premium.add(code)
    except PipelineError as error:
        raise refusal(error) from error
    if premium and not plan.limits.premium_voices:
        raise PermissionRefused(_("Your plan has no premium voices."), code="plan_required")
    return premium


def _own(user: User, upload: Upload) -> Upload:
    """The upload, if it is the user's, still there, and not in a job yet."""
    if upload.user_id != user.pk or upload.expires_at < timezone.now():
        sentence = _("This file is not there. Upload it again.")
        raise Conflict(sentence, code="upload_missing", role=upload.role)
    if is_used(upload):
        raise Conflict(_("This file belongs to another job. Upload it again."))
    return upload
