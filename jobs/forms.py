"""Forms of the dubbing pages. What a plan allows is for the services to say."""

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobs.choices import Choices
from jobs.models import Upload
from jobs.options import LONGEST_CAPTIONS, MOST_TERMS
from jobs.pipeline.languages import LANGUAGES
from jobs.pipeline.ports import Tone

LONGEST_CHOICE = 100
LONGEST_TYPED = 300
"""Characters kept of one field of the glossary: more than it may have, so that it can be told."""


TONES = (
    ("", _("As in the recording")),
    (Tone.FORMAL.value, _("Formal")),
    (Tone.INFORMAL.value, _("Informal")),
)
"""How the translation may address people."""


class NewDubForm(forms.Form):
    """A recording, the languages that it is to speak, and how. Nothing of it must be there."""

    voice = forms.FileField(
        required=False, error_messages={"empty": _("The file is empty. Choose another one.")}
    )
    background = forms.FileField(
        required=False,
        error_messages={"empty": _("The background file is empty. Choose another one.")},
    )
    captions = forms.FileField(
        required=False,
        error_messages={"empty": _("The captions are empty. Choose another file.")},
    )
    title = forms.CharField(max_length=200, required=False)
    source_language = forms.ChoiceField(
        required=False, choices=[("", ""), *((code, code) for code in LANGUAGES)]
    )
    languages = forms.MultipleChoiceField(
        required=False, choices=[(code, code) for code in LANGUAGES]
    )
    tone = forms.ChoiceField(
        required=False,
        choices=TONES,
    )
    review = forms.BooleanField(required=False)
    same_loudness = forms.BooleanField(required=False)
    mute_original = forms.BooleanField(required=False)
    wav = forms.BooleanField(required=False)

    def choices(self) -> Choices:
        """What was chosen, as far as it can be kept."""
        self.full_clean()
        chosen = self.cleaned_data
        return Choices(
            languages=tuple(chosen.get("languages", ())),
            variants=self._of_languages("variant"),
            voices=self._of_languages("voice"),
            source_language=chosen.get("source_language", ""),
            title=chosen.get("title", ""),
            tone=chosen.get("tone", ""),
            glossary=self._glossary(),
            review=chosen.get("review", False),
            same_loudness=chosen.get("same_loudness", False),
            mute_original=chosen.get("mute_original", False),
            wav=chosen.get("wav", False),
        )

    def _of_languages(self, name: str) -> dict[str, str]:
        """The fields of a name that each language has, where they were filled in."""
        typed = {code: str(self.data.get(f"{name}-{code}", "")) for code in LANGUAGES}
        return {
            code: one[:LONGEST_CHOICE] for code, one in typed.items() if one.isprintable() and one
        }

    def _glossary(self) -> tuple[tuple[str, str], ...]:
        if not isinstance(self.data, QueryDict):
            return ()
        terms, said = self.data.getlist("term"), self.data.getlist("said")
        rows = [(_typed(term), _typed(one)) for term, one in zip(terms, said, strict=False)]
        return tuple(row for row in rows if any(row))[: MOST_TERMS + 1]


class FileForm(forms.Form):
    """A file that is to be sent. modified is in milliseconds since 1970."""

    role = forms.ChoiceField(choices=Upload.Role.choices)
    name = forms.CharField(max_length=1000)
    size = forms.IntegerField(
        min_value=1,
        max_value=2**53,
        error_messages={"min_value": _("The file is empty. Choose another one.")},
    )
    type = forms.CharField(max_length=100, required=False)
    modified = forms.IntegerField(min_value=-(2**53), max_value=2**53)


class CaptionsForm(forms.Form):
    """Captions that are to be the transcript."""

    captions = forms.FileField(
        error_messages={
            "required": _("Choose a file of captions."),
            "empty": _("The captions are empty. Choose another file."),
        }
    )

    def clean_captions(self) -> Any:
        """Refuse what is larger than any captions."""
        file = self.cleaned_data["captions"]
        if file.size > 4 * LONGEST_CAPTIONS:  # UTF-8 has up to four bytes a character
            raise forms.ValidationError(_("These captions are too long. Cut them into parts."))
        return file


class ListForm(forms.Form):
    """Which dubs to list. What is not understood is not asked for."""

    status = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("All")),
            ("running", _("Being made")),
            ("complete", _("Ready")),
            ("error", _("Failed")),
            ("cancelled", _("Cancelled")),
        ],
    )
    search = forms.CharField(required=False, max_length=200)
    sort = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("Newest first")),
            ("oldest", _("Oldest first")),
            ("title", _("By title")),
            ("longest", _("Longest first")),
        ],
    )

    def asked(self, name: str) -> str:
        """What was asked for; empty where that makes no sense."""
        self.full_clean()
        return cast("str", self.cleaned_data.get(name, ""))


def _typed(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()[:LONGEST_TYPED]
