"""What the site really makes of each language."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from billing.prices import CLASSES, PriceClass
from dubber.public.pricing import credits_a_minute
from jobs.pipeline.languages import LANGUAGES, Language
from jobs.wiring import Offer, offered

REGIONS = {
    "AE": _("United Arab Emirates"),
    "AR": _("Argentina"),
    "AT": _("Austria"),
    "AU": _("Australia"),
    "BE": _("Belgium"),
    "BR": _("Brazil"),
    "CA": _("Canada"),
    "CH": _("Switzerland"),
    "CN": _("Mainland China"),
    "CO": _("Colombia"),
    "DE": _("Germany"),
    "ES": _("Spain"),
    "FR": _("France"),
    "GB": _("United Kingdom"),
    "IE": _("Ireland"),
    "IN": _("India"),
    "IT": _("Italy"),
    "JP": _("Japan"),
    "KR": _("South Korea"),
    "MX": _("Mexico"),
    "NZ": _("New Zealand"),
    "PH": _("Philippines"),
    "PT": _("Portugal"),
    "RU": _("Russia"),
    "TW": _("Taiwan"),
    "US": _("United States"),
    "ZA": _("South Africa"),
    "419": _("Latin America"),
}
"""The regions in tags of voices."""


@dataclass(frozen=True, slots=True)
class LanguageOffer:
    """One language as the public page shows it."""

    language: Language
    offer: Offer

    @property
    def classification(self) -> PriceClass:
        """Its price class."""
        return CLASSES[self.language.code]

    @property
    def credits_a_minute(self) -> float:
        """What a minute costs, before the language is rounded up."""
        return credits_a_minute(self.classification)

    @property
    def draft(self) -> bool:
        """Say whether it is made in draft quality."""
        return self.offer.quality == "draft"

    @property
    def voices(self) -> int:
        """How many voices speak it."""
        return len(self.offer.voices)

    @property
    def premium(self) -> int:
        """How many of them are premium."""
        return sum(voice.premium for voice in self.offer.voices)

    @property
    def origins(self) -> list[str]:
        """Where its voices come from, as their tags say."""
        regions = dict.fromkeys(voice.language.split("-")[-1] for voice in self.offer.voices)
        return [str(REGIONS[region]) for region in regions if region in REGIONS]


def offers() -> tuple[list[LanguageOffer], list[LanguageOffer]]:
    """The languages that are made here, and those that are not."""
    found = list(_all())
    return [one for one in found if one.offer.available], [
        one for one in found if not one.offer.available
    ]


def _all() -> Iterator[LanguageOffer]:
    for offer in offered():
        yield LanguageOffer(LANGUAGES[offer.code], offer)
