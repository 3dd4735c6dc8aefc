"""How an account comes to be, is proved to be somebody's, and gets another password.

Nothing here tells whether an e-mail address has an account: the same is answered, and what differs
is said by e-mail.
"""

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import guesses, links, mail, tokens
from accounts.api_keys import revoke_keys
from accounts.links import Purpose
from accounts.models import ApiSession, OneTimeCodes, User
from dubber import rate_limits
from dubber.errors import UserError

MOST_MAILS, MAILS_SECONDS = 6, 3600
"""How many e-mails of a kind strangers may have us send to one address, in so many seconds."""


def sign_up(email: str, *, password: str) -> None:
    """Create an account, or begin one anew that nobody has verified. Its owner gets an e-mail.

    Raises UserError validation_error when the password is too weak.
    """
    email = email.strip().lower()
    check_new_password(password, User(email=email))
    hashed = make_password(password)  # in every case, so that all take the same time
    wanted = _may_write("sign-up", email)
    try:
        with transaction.atomic():
            user = User.objects.select_for_update().filter(email=email).first()
            if user is None:
                user = User(email=email, password=hashed)
                user.save(force_insert=True)
            elif _is_free(user):
                drop_credentials(user)
                user.password = hashed
                user.save(update_fields=["password", "supabase_id", "updated_at"])
    except IntegrityError:  # the same sign-up came twice in this very moment: one mail will do
        return
    if wanted and _is_free(user):
        send_verification(user)
    elif wanted:
        mail.send("already_here", to=email)


def send_verification(user: User) -> None:
    """Send the link that proves an address."""
    token = links.make_token(user, Purpose.VERIFY)
    mail.send("verify_email", to=user.email, link=_absolute("verify_email_link", token))


def resend_verification(email: str) -> None:
    """Send the link again where it is wanted."""
    email = email.strip().lower()
    wanted = _may_write("verification", email)
    user = User.objects.filter(email=email, is_active=True).first()
    if wanted and user is not None and not user.is_verified:
        send_verification(user)


def verify_email(token: str, *, password: str, signed_in: User | None, address: str) -> User:
    """Accept that an address is its owner's.

    Who opens the link must also know the account's password, unless they are signed in: somebody
    else may have signed up with their address. Raises UserError of the link or wrong_password.
    """
    user = links.person_of(token, Purpose.VERIFY)
    if signed_in != user:
        attempt = guesses.begin(user.email, address)
        if not user.check_password(password):
            raise UserError("wrong_password", _("This is not the password you signed up with."))
        guesses.was_right(attempt, user)
    user.email_verified_at = timezone.now()
    # Somebody may sign up anew with this address while the password is looked at: it isn't theirs.
    unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    if not unchanged.update(email_verified_at=user.email_verified_at, updated_at=timezone.now()):
        raise links.used()
    return user


def send_password_link(email: str) -> None:
    """Send the link that lets an account's owner choose a new password."""
    email = email.strip().lower()
    wanted = _may_write("password", email)
    user = User.objects.filter(email=email, is_active=True).first()
    if wanted and user is not None:
        token = links.make_token(user, Purpose.RESET)
        mail.send("reset_password", to=user.email, link=_absolute("choose_password", token))


def reset_password(token: str, *, password: str, address: str) -> User:
    """Set a password by link, which proves the mailbox too. All sign-ins and API keys end.

    Raises UserError of the link, or validation_error when the password is too weak.
    """
    with transaction.atomic():
        user = links.person_of(token, Purpose.RESET)
        user = User.objects.select_for_update().get(pk=user.pk)
        links.person_of(token, Purpose.RESET)  # again, now that nobody else can use the link
        check_new_password(password, user)
        if not user.is_verified:
            drop_credentials(user)
            user.email_verified_at = timezone.now()
        _set_password(user, password, revoked=revoke_keys(user))
    guesses.forgive(user, address)
    return user


def change_password(user: User, *, old: str, new: str, address: str) -> None:
    """Set another password; all other sign-ins end, API keys go on.

    Raises UserError wrong_password, or validation_error when the new one is too weak.
    """
    wrong = UserError("wrong_password", _("This is not your password."))
    attempt = guesses.begin(user.email, address)
    if not user.check_password(old):
        raise wrong
    guesses.was_right(attempt, user)
    check_new_password(new, user)
    with transaction.atomic():
        unchanged = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
        now = unchanged.select_for_update().first()
        if now is None:
            raise wrong
        _set_password(now, new)
    user.password = now.password


def check_new_password(password: str, user: User) -> None:
    """Raise UserError validation_error when a password is too weak."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        said = list(error.messages)
        raise UserError("validation_error", said[0], fields={"password": said}) from error


def drop_credentials(user: User) -> None:
    """Take away whatever lets somebody in, of an account that may be a stranger's doing.

    The caller saves the user.
    """
    user.supabase_id = None
    user.set_unusable_password()
    tokens.end_sessions(user, ApiSession.End.ACCOUNT)
    revoke_keys(user)
    OneTimeCodes.objects.filter(user=user).delete()


def _is_free(user: User) -> bool:
    """Say whether an account may be begun anew, since nobody has proved it to be theirs."""
    return user.is_active and not user.is_verified and not user.is_staff


def _may_write(kind: str, email: str) -> bool:
    """Count one more e-mail that anybody may ask for; no once there were too many."""
    spent = rate_limits.count(f"mail:{kind}:{email}", most=MOST_MAILS, seconds=MAILS_SECONDS)
    return not spent.exceeded


def _set_password(user: User, password: str, *, revoked: int = 0) -> None:
    user.set_password(password)
    user.save()
    tokens.end_sessions(user, ApiSession.End.PASSWORD)
    kept = user.api_keys.filter(revoked_at=None).count()
    mail.send("password_changed", to=user.email, revoked=revoked, kept=kept)


def _absolute(name: str, token: str) -> str:
    return settings.SITE_URL + reverse(name, args=[token])
