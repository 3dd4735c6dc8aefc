"""Forms of the dubbing pages. What a plan allows is for the services to say."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.pipeline.languages import LANGUAGES


class NewDubForm(forms.Form):
    """A recording and the languages that it is to speak."""

    voice = forms.FileField(
        error_messages={
            "required": _("Choose a video or a voice track."),
            "empty": _("The file is empty. Choose another one."),
        },
    )
    background = forms.FileField(
        required=False,
        error_messages={"empty": _("The background file is empty. Choose another one.")},
    )
    title = forms.CharField(max_length=200, required=False)
    source_language = forms.ChoiceField(required=False)
    languages = forms.MultipleChoiceField(
        error_messages={"required": _("Choose at least one language.")}
    )

    def __init__(self, *args: Any, offered: Sequence[str], **options: Any) -> None:
        """Let the customer choose among the languages with the codes `offered`."""
        super().__init__(*args, **options)
        names = [(code, language.name) for code, language in LANGUAGES.items()]
        self._choice("languages").choices = [pair for pair in names if pair[0] in offered]
        self._choice("source_language").choices = [("", _("Find out")), *names]

    def _choice(self, name: str) -> forms.ChoiceField:
        return cast("forms.ChoiceField", self.fields[name])
