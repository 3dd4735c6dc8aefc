"""The people who use the service."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.timezone import now


class UserManager(BaseUserManager["User"]):
    """Creates users and finds them by e-mail address, whatever its capitals."""

    def create_user(self, email: str, password: str | None = None, **columns: Any) -> "User":
        """Write a user; without a password nobody can sign in with one."""
        user = self.model(email=email.strip().lower(), **columns)
        user.set_password(password)
        user.full_clean()
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **columns: Any) -> "User":
        """Write a user who may do everything in the admin."""
        rights = {"is_staff": True, "is_superuser": True, "email_verified_at": now()}
        return self.create_user(email, password, **{**columns, **rights})

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find the user who signs in with this e-mail address."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address, which is kept in lower case.

    supabase_id is who they are to Supabase. rate_limits holds numbers of their own, by name of the
    limit. A deleted person's row stays, without name, for the ledger's sake.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        "e-mail address",
        unique=True,
        error_messages={"unique": "There is already an account with this e-mail address."},
    )
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May use the admin.")
    email_verified_at = models.DateTimeField("e-mail address verified", null=True, blank=True)
    full_name = models.CharField(max_length=200, blank=True)
    avatar_url = models.URLField(max_length=500, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    language_preference = models.CharField(max_length=16, default="en")
    mail_when_done = models.BooleanField("e-mail when a dub is done", default=True, db_default=True)
    supabase_id = models.UUIDField("Supabase id", null=True, blank=True, unique=True)
    rate_limits = models.JSONField(
        default=dict, blank=True, help_text='Numbers of their own, such as {"jobs": 500}.'
    )
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email=Lower("email")), name="user_email_is_lower_case"
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(is_active=False),
                name="user_deleted_is_not_active",
            ),
        ]

    @property
    def is_verified(self) -> bool:
        """Say whether the e-mail address is proved to be theirs."""
        return self.email_verified_at is not None

    def clean(self) -> None:
        """Bring the e-mail address into the form that the database insists on."""
        super().clean()
        self.email = self.email.strip().lower()

    def __str__(self) -> str:
        return self.email


class ApiSession(models.Model):
    """One sign-in through the API: what its access tokens are bound to.

    refreshes is the number of the one refresh token that is good now; one with a smaller number was
    used before, and ends the session.
    """

    class End(models.TextChoices):
        """Why a session ended."""

        SIGNED_OUT = "signed_out", "Signed out"
        REUSED = "reused", "A used refresh token came again"
        PASSWORD = "password", "The password was changed"
        ACCOUNT = "account", "The account was closed or taken over"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_sessions")
    refreshes = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(max_length=12, choices=End, blank=True)

    class Meta:
        verbose_name = "API session"
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="") | Q(ended_at__isnull=False) & ~Q(end=""),
                name="session_ends_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class ApiKey(models.Model):
    """A personal key of the API. Only its digest is kept; start is what lists show of it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    start = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.start}…"


class KnownNetwork(models.Model):
    """A network from which a person signed in. It is known by a keyed digest only."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="known_networks")
    network = models.CharField(max_length=64)
    last_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "network"], name="network_known_once"),
        ]

    def __str__(self) -> str:
        return self.network[:12]


class OneTimeCodes(models.Model):
    """A person's app that shows a code every 30 seconds.

    secret is encrypted. last_step is the number of the half minute whose code was used last.
    """

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="one_time_codes"
    )
    secret = models.CharField(max_length=300)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "one-time codes"
        verbose_name_plural = "one-time codes"

    def __str__(self) -> str:
        return f"{self.user_id}"
