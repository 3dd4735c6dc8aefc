"""What the pages of accounts ask for."""

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts import sign_in
from accounts.serializers import DELETION_WORDS, LONGEST_EMAIL, MOST
from dubber.errors import UserError
from dubber.rate_limits import client_address

if TYPE_CHECKING:
    from accounts.models import User


class SignInForm(AuthenticationForm):
    """E-mail address and password, counted against guessing."""

    def clean(self) -> dict[str, Any]:
        """Find the person, or say why not."""
        email = self.cleaned_data.get("username")
        password = self.cleaned_data.get("password")
        if email and password and self.request is not None:
            try:
                self.user_cache: User | None = sign_in.person_with(
                    email, password, address=client_address(self.request)
                )
            except UserError as error:
                raise forms.ValidationError(error.message, code=error.code) from error
        return self.cleaned_data


class SignUpForm(forms.Form):
    """What an account needs."""

    email = forms.EmailField(max_length=LONGEST_EMAIL)
    password = forms.CharField(max_length=MOST, strip=False)


class EmailForm(forms.Form):
    """Where a link shall be sent."""

    email = forms.EmailField(max_length=LONGEST_EMAIL)


class PasswordForm(forms.Form):
    """A password."""

    password = forms.CharField(max_length=MOST, strip=False)


class ChangePasswordForm(forms.Form):
    """The password as it is, and as it shall be."""

    old = forms.CharField(max_length=MOST, strip=False)
    password = forms.CharField(max_length=MOST, strip=False)


class ProfileForm(forms.Form):
    """What a person tells of themselves."""

    full_name = forms.CharField(max_length=200, required=False)
    timezone = forms.CharField(max_length=64)
    mail_when_done = forms.BooleanField(required=False)

    def clean_timezone(self) -> str:
        """Take names of the time zone database only."""
        if self.cleaned_data["timezone"] not in available_timezones():
            raise forms.ValidationError(_("Choose a time zone of the list."))
        return str(self.cleaned_data["timezone"])

    @property
    def zones(self) -> list[str]:
        """The time zones to choose from: those with a place, and UTC."""
        return ["UTC", *sorted(name for name in available_timezones() if _is_place(name))]


class CodeForm(forms.Form):
    """A one-time code."""

    code = forms.CharField(max_length=10)


class KeyForm(forms.Form):
    """What a new API key is called."""

    name = forms.CharField(max_length=100)


class DeletionForm(forms.Form):
    """The words that stand for: I know what I do."""

    words = forms.CharField(max_length=40)

    def clean_words(self) -> str:
        """Take exactly these words."""
        if self.cleaned_data["words"].strip() != DELETION_WORDS:
            raise forms.ValidationError(_("Write DELETE MY ACCOUNT to go on."))
        return str(self.cleaned_data["words"])


def _is_place(name: str) -> bool:
    """Say whether a time zone is named for a place; others are there for old programs."""
    area, slash, _place = name.partition("/")
    return bool(slash) and area not in {"Etc", "SystemV", "US", "posix", "right"}
