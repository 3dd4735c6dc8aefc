"""What the public pages ask for."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.plans import MOST_LANGUAGES, PROFESSIONAL
from jobs.pipeline.languages import LANGUAGES

LONGEST_MINUTES = PROFESSIONAL.limits.longest_ms // 60_000


class CalculatorForm(forms.Form):
    """Minutes and languages, to be priced."""

    minutes = forms.DecimalField(
        min_value=0,
        max_value=LONGEST_MINUTES,
        decimal_places=2,
        error_messages={
            "required": _("Enter the minutes of your recording."),
            "invalid": _("Enter the minutes as a number, such as 3.5."),
            "max_value": _("A recording may have %(limit_value)s minutes at most."),
        },
    )
    languages = forms.MultipleChoiceField(
        choices=[(code, language.name) for code, language in LANGUAGES.items()],
        error_messages={"required": _("Choose at least one language.")},
    )

    def clean_languages(self) -> list[str]:
        """Take as many as one dub may have, each once."""
        chosen = list(dict.fromkeys(self.cleaned_data["languages"]))
        if len(chosen) > MOST_LANGUAGES:
            raise forms.ValidationError(
                _("One dub has %(most)d languages at most.") % {"most": MOST_LANGUAGES}
            )
        return chosen


class ContactForm(forms.Form):
    """A message to whoever runs the site. No person sees `website`; programs fill it in."""

    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": _("Enter the e-mail address that we should answer to."),
            "invalid": _("Enter an e-mail address."),
        },
    )
    message = forms.CharField(
        max_length=5000, error_messages={"required": _("Write what it is about.")}
    )
    website = forms.CharField(required=False)

    @property
    def by_program(self) -> bool:
        """Say whether what people don't see was filled in."""
        sent: dict[str, Any] = self.cleaned_data
        return bool(sent.get("website"))
