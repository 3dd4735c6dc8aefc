"""Deleting an account, in two steps.

It has parts, each of which may be repeated; who starts it anew finishes it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import links, mail
from accounts.links import LIFE, Purpose
from accounts.models import ApiKey, ApiSession, KnownNetwork, OneTimeCodes, User
from accounts.queries import Held, held_of
from billing.queries import balance_of, has_open_dispute
from billing.services import close_account
from dubber import idempotency
from dubber.errors import Conflict, PermissionRefused, UserError
from jobs import retention
from jobs.models import Download, DubbingJob, GlossaryEntry, LanguageTask, Upload
from jobs.services import stop_job

audit = logging.getLogger("audit")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A deletion that waits for its second step."""

    token: str
    expires_at: datetime
    held: Held
    message: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deletion that is done."""

    at: datetime
    held: Held


def prepare_deletion(user: User, *, reason: str = "", feedback: str = "") -> Prepared:
    """Say what a deletion takes away, and give the token that confirms it.

    Raises PermissionRefused to staff, Conflict while a payment is disputed.
    """
    _refuse_deletion(user)
    lost = balance_of(user)
    audit.info("deletion asked: user %s", user.pk, extra={"reason": reason, "feedback": feedback})
    return Prepared(
        token=links.make_token(user, Purpose.DELETE),
        expires_at=timezone.now() + LIFE[Purpose.DELETE],
        held=held_of(user),
        message=ngettext(
            "Everything is deleted for good: dubs, files, transcripts and keys. Running dubs are "
            "cancelled. You lose %(credits)d unspent credit.",
            "Everything is deleted for good: dubs, files, transcripts and keys. Running dubs are "
            "cancelled. You lose %(credits)d unspent credits.",
            lost,
        )
        % {"credits": lost},
    )


def delete_account(user: User, *, token: str) -> Deleted:
    """Cancel what runs, close the billing, delete files and texts, and remove the name.

    Raises UserError of the token; whatever `prepare_deletion` raises.
    """
    if links.person_of(token, Purpose.DELETE) != user:
        raise UserError("validation_error", _("This deletion was begun by another account."))
    _refuse_deletion(user)
    held, email = held_of(user), user.email
    for job in DubbingJob.objects.filter(user=user).order_by("pk"):
        stop_job(job, by=user)
    close_account(user)
    for job in DubbingJob.objects.filter(user=user).order_by("pk"):
        retention.delete_job(job, by=user)
    retention.delete_unused_of(user)
    at = timezone.now()
    _scrub(user, at)
    mail.send("account_deleted", to=email)
    audit.info("account deleted: user %s", user.pk)
    return Deleted(at=at, held=held)


@transaction.atomic
def _scrub(user: User, at: datetime) -> None:
    """Remove everything that says who it was; rows that the ledger needs stay, without a name."""
    DubbingJob.objects.filter(user=user).update(title="", options={}, pitches={})
    LanguageTask.objects.filter(job__user=user).update(error="", receipt={}, cast={})
    Upload.objects.filter(user=user).update(name="", source={}, content_type="")
    Download.objects.filter(user=user).update(client="")
    for rows in (ApiKey, ApiSession, GlossaryEntry, KnownNetwork, OneTimeCodes):
        rows.objects.filter(user=user).delete()
    idempotency.forget_owner(str(user.pk))
    mentions = LogEntry.objects.filter(object_id=str(user.pk))  # what the admin noted of them
    mentions.update(object_repr="", change_message="")
    user.groups.clear()
    user.user_permissions.clear()
    user.set_unusable_password()
    # supabase_id stays: it is what refuses a Supabase token that outlives the account.
    User.objects.filter(pk=user.pk).update(
        email=f"deleted-{user.pk}@deleted.invalid",
        password=user.password,
        full_name="",
        avatar_url="",
        timezone="UTC",
        language_preference="en",
        rate_limits={},
        email_verified_at=None,
        is_active=False,
        deleted_at=at,
        last_login=None,
        updated_at=at,
    )


def _refuse_deletion(user: User) -> None:
    if user.is_staff:
        raise PermissionRefused(_("Accounts of staff are closed by another member of staff."))
    if has_open_dispute(user):
        raise Conflict(
            _("Your bank questions one of your payments. Delete the account once that is settled.")
        )
