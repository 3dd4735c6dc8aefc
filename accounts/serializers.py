"""What the API of accounts reads and writes, in the words of the contract."""

from typing import Any
from zoneinfo import available_timezones

from rest_framework import serializers

MOST = 128
"""Characters of a password: a longer one would only cost us time."""

LONGEST_EMAIL = 254
"""Characters, as many as are kept."""

DELETION_WORDS = "DELETE MY ACCOUNT"
"""What somebody writes, whatever their language, before their account is deleted."""


class Credentials(serializers.Serializer[Any]):
    """An e-mail address and a new password."""

    email = serializers.EmailField(max_length=LONGEST_EMAIL)
    password = serializers.CharField(max_length=MOST, trim_whitespace=False)


class Login(serializers.Serializer[Any]):
    """What signs a program in. otp is for who has one-time codes."""

    email = serializers.EmailField(max_length=LONGEST_EMAIL)
    password = serializers.CharField(max_length=MOST, trim_whitespace=False)
    otp = serializers.CharField(max_length=10, required=False, allow_blank=True, allow_null=True)


class Refresh(serializers.Serializer[Any]):
    """A refresh token."""

    refresh_token = serializers.CharField(max_length=4096)


class Logout(serializers.Serializer[Any]):
    """The refresh token of the session to end, for who has no access token any more."""

    refresh_token = serializers.CharField(max_length=4096, required=False, allow_null=True)


class Email(serializers.Serializer[Any]):
    """An e-mail address."""

    email = serializers.EmailField(max_length=LONGEST_EMAIL)


class PasswordUpdate(serializers.Serializer[Any]):
    """The token out of the e-mail, and the new password."""

    token = serializers.CharField(max_length=1000)
    new_password = serializers.CharField(max_length=MOST, trim_whitespace=False)


class Message(serializers.Serializer[Any]):
    """A sentence."""

    message = serializers.CharField()


class TokenUser(serializers.Serializer[Any]):
    """Whom tokens were made for."""

    id = serializers.CharField()
    email = serializers.EmailField()


class TokensAnswer(serializers.Serializer[Any]):
    """Tokens of a session. expires_in is in seconds."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.ChoiceField(["bearer"])
    expires_in = serializers.IntegerField()
    user = TokenUser()


class VerificationStatus(serializers.Serializer[Any]):
    """Whether the address is proved."""

    email = serializers.EmailField()
    email_verified = serializers.BooleanField()


class AuthHealth(serializers.Serializer[Any]):
    """Whether signing in works."""

    status = serializers.ChoiceField(["healthy"])


class Statistics(serializers.Serializer[Any]):
    """What a person did so far. accountAge is in days."""

    totalJobs = serializers.IntegerField()
    completedJobs = serializers.IntegerField()
    processingJobs = serializers.IntegerField()
    failedJobs = serializers.IntegerField()
    totalLanguages = serializers.IntegerField()
    totalMinutesProcessed = serializers.FloatField()
    accountAge = serializers.IntegerField()
    lastActivity = serializers.DateTimeField(allow_null=True)


class Profile(serializers.Serializer[Any]):
    """A person."""

    id = serializers.CharField()
    email = serializers.EmailField()
    fullName = serializers.CharField(allow_null=True)
    avatarUrl = serializers.URLField(allow_null=True)
    timezone = serializers.CharField()
    languagePreference = serializers.CharField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    creditBalance = serializers.IntegerField()
    stats = Statistics()


class ProfileChange(serializers.Serializer[Any]):
    """What a person may change of it; whatever else is sent is ignored."""

    fullName = serializers.CharField(
        source="full_name", max_length=200, required=False, allow_blank=True, allow_null=True
    )
    avatarUrl = serializers.URLField(
        source="avatar_url", max_length=500, required=False, allow_blank=True, allow_null=True
    )
    timezone = serializers.CharField(max_length=64, required=False)
    languagePreference = serializers.RegexField(
        r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}\Z",
        max_length=16,
        source="language_preference",
        required=False,
    )

    def validate_avatarUrl(self, value: str | None) -> str | None:
        """Take https only."""
        if value and not value.startswith("https://"):
            raise serializers.ValidationError("Use an https:// address.")
        return value

    def validate_timezone(self, value: str) -> str:
        """Take names of the time zone database only."""
        if value not in available_timezones():
            raise serializers.ValidationError("Use a name such as Europe/Madrid.")
        return value


class Activity(serializers.Serializer[Any]):
    """Something that happened."""

    id = serializers.CharField()
    type = serializers.CharField()
    description = serializers.CharField()
    timestamp = serializers.DateTimeField()
    metadata = serializers.DictField()


class ActivityPage(serializers.Serializer[Any]):
    """A page of what happened, newest first."""

    activities = Activity(many=True)
    total = serializers.IntegerField()
    hasMore = serializers.BooleanField()


class Page(serializers.Serializer[Any]):
    """Which page of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)


class Account(serializers.Serializer[Any]):
    """How an account stands."""

    id = serializers.CharField()
    email = serializers.EmailField()
    emailVerified = serializers.BooleanField()
    createdAt = serializers.DateTimeField()
    plan = serializers.CharField()
    planName = serializers.CharField()
    creditBalance = serializers.IntegerField()
    hasPassword = serializers.BooleanField()
    oneTimeCodes = serializers.BooleanField()
    apiKeys = serializers.IntegerField()


class HeldAnswer(serializers.Serializer[Any]):
    """How much we hold of a person."""

    jobs = serializers.IntegerField()
    languageTasks = serializers.IntegerField()
    artifacts = serializers.IntegerField()
    creditTransactions = serializers.IntegerField()
    storageFiles = serializers.IntegerField()


class DeletionAsked(serializers.Serializer[Any]):
    """The first step of a deletion."""

    confirmationText = serializers.ChoiceField([DELETION_WORDS], help_text="Exactly these words.")
    reason = serializers.CharField(
        max_length=200, required=False, allow_blank=True, allow_null=True
    )
    feedback = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, allow_null=True
    )


class DeletionPrepared(serializers.Serializer[Any]):
    """What the second step needs, and what it will delete."""

    deletionToken = serializers.CharField()
    message = serializers.CharField()
    expiresAt = serializers.DateTimeField()
    dataToBeDeleted = HeldAnswer()


class DeletionConfirmed(serializers.Serializer[Any]):
    """The second step of a deletion."""

    deletionToken = serializers.CharField(max_length=1000)
    finalConfirmation = serializers.BooleanField()

    def validate_finalConfirmation(self, value: bool) -> bool:
        """Take a yes only."""
        if not value:
            raise serializers.ValidationError("Set it to true to delete your account.")
        return value


class DeletionDone(serializers.Serializer[Any]):
    """What was deleted."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    deletedAt = serializers.DateTimeField()
    dataDeleted = HeldAnswer()
