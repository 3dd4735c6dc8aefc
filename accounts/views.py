"""The pages of accounts. Each reads the form, calls a service and shows what came of it."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.forms import Form, model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import deletion, forms, links, one_time, queries, registration, services, sign_in
from accounts.models import User
from accounts.staff_site import SHOWN
from billing.queries import plan_of
from dubber import rate_limits
from dubber.errors import UserError
from dubber.next_page import next_of
from dubber.rate_limits import client_address

BACKEND = "django.contrib.auth.backends.ModelBackend"
page = require_http_methods(["GET", "HEAD", "POST"])


@page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Create an account."""
    if request.user.is_authenticated:
        return redirect("home")

    def act(form: Form) -> HttpResponse:
        sent = form.cleaned_data
        registration.sign_up(sent["email"], password=sent["password"])
        return _sent(request, sent["email"], certain=True)

    return _asked(request, forms.SignUpForm, "accounts/sign_up.html", act)


@page
@login_required
def verify_email(request: HttpRequest) -> HttpResponse:
    """Say that the address waits to be verified, and send the link again."""
    user = _user(request)
    if user.is_verified:
        return redirect("home")

    def act(_form: Form) -> HttpResponse:
        registration.resend_verification(user.email)
        return _sent(request, user.email, certain=True)

    return _asked(request, Form, "accounts/verify_email.html", act)


@page
@never_cache
def verify_email_link(request: HttpRequest, token: str) -> HttpResponse:
    """Verify an address by link: with a click, so that programs that follow links do nothing."""
    signed_in = _user(request) if request.user.is_authenticated else None

    def act(form: Form) -> HttpResponse:
        user = registration.verify_email(
            token,
            password=form.cleaned_data.get("password", ""),
            signed_in=signed_in,
            address=client_address(request),
        )
        if signed_in is None:
            login(request, user, BACKEND)
        messages.success(request, _("Your e-mail address is verified."))
        return redirect("billing")  # where the first credits wait to be taken

    kind = Form if signed_in else forms.PasswordForm
    return _asked(request, kind, "accounts/verify_email_link.html", act, signed_in=signed_in)


@page
def password_reset(request: HttpRequest) -> HttpResponse:
    """Send a link that lets somebody choose a new password."""

    def act(form: Form) -> HttpResponse:
        registration.send_password_link(form.cleaned_data["email"])
        return _sent(request, form.cleaned_data["email"])

    return _asked(request, forms.EmailForm, "accounts/password_reset.html", act)


@page
@never_cache
def choose_password(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a new password by link."""

    def act(form: Form) -> HttpResponse:
        registration.reset_password(
            token, password=form.cleaned_data["password"], address=client_address(request)
        )
        messages.success(request, _("Your password was changed. Sign in with it."))
        return redirect("login")

    return _asked(request, forms.PasswordForm, "accounts/choose_password.html", act)


@page
@never_cache
@login_required
def one_time_code(request: HttpRequest) -> HttpResponse:
    """Ask for a one-time code, and the first time show how to get one."""
    user = _user(request)
    ready = one_time.is_set_up(user)

    def act(form: Form) -> HttpResponse:
        address = client_address(request)
        if ready:
            sign_in.require_code(user, form.cleaned_data["code"], address=address)
        else:
            sign_in.confirm_codes(user, form.cleaned_data["code"], address=address)
        request.session.cycle_key()
        request.session[SHOWN] = True
        return redirect(next_of(request) or "/")

    told: dict[str, Any] = {"ready": ready, "next": next_of(request)}
    if not ready:
        secret = one_time.begin(user)
        picture = one_time.picture_of(one_time.address_of(user, secret))
        told |= {"secret": secret, "picture": mark_safe(picture)}  # noqa: S308 (ours)
    return _asked(request, forms.CodeForm, "accounts/one_time_code.html", act, **told)


@require_safe
@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Show one's account, and what can be done with it."""
    return _account_page(request)


@require_POST
@login_required
def change_profile(request: HttpRequest) -> HttpResponse:
    """Keep what one tells of oneself."""
    form = forms.ProfileForm(request.POST)
    if not form.is_valid():
        return _account_page(request, form, status=400)
    services.change_profile(_user(request), **form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("account")


@csrf_exempt  # the link is the permission, and mail programs send it by themselves (RFC 8058)
@page
@never_cache
def mail_off(request: HttpRequest, token: str) -> HttpResponse:
    """End e-mails about dubs: with a click, so that programs that follow links do nothing."""
    user = links.person_of_mail(token)
    if request.method == "POST":
        services.change_mail(user, when_done=False)
    return render(request, "accounts/mail_off.html", {"done": request.method == "POST"})


@page
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's password; all other sign-ins end."""
    user = _user(request)

    def act(form: Form) -> HttpResponse:
        sent = form.cleaned_data
        registration.change_password(
            user, old=sent["old"], new=sent["password"], address=client_address(request)
        )
        update_session_auth_hash(request, user)
        messages.success(request, _("Your password was changed. All other sign-ins were ended."))
        return redirect("account")

    return _asked(request, forms.ChangePasswordForm, "accounts/change_password.html", act)


@require_POST
@login_required
@never_cache
def make_key(request: HttpRequest) -> HttpResponse:
    """Make an API key, and show it once: in this answer, so that it is kept nowhere."""
    form = forms.KeyForm(request.POST)
    try:
        if form.is_valid():
            key = services.add_api_key(_user(request), name=form.cleaned_data["name"])
            return _account_page(request, new_key=key)
        messages.error(request, _("Give the key a name."))
    except UserError as error:
        messages.error(request, error.message)
    return redirect("account")


@require_POST
@login_required
def revoke_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Revoke an API key."""
    services.revoke_api_key(_user(request), key_id=key_id)
    messages.success(request, _("The key was revoked."))
    return redirect("account")


@page
@login_required
def delete_account(request: HttpRequest) -> HttpResponse:
    """Say what a deletion takes away, and do it once the words are there."""
    user = _user(request)
    try:
        prepared = deletion.prepare_deletion(user)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("account")

    def act(_form: Form) -> HttpResponse:
        deletion.delete_account(user, token=prepared.token)
        logout(request)
        messages.success(request, _("Your account was deleted."))
        return redirect("home")

    told = {"prepared": prepared}
    return _asked(request, forms.DeletionForm, "accounts/delete_account.html", act, **told)


def _account_page(
    request: HttpRequest,
    form: forms.ProfileForm | None = None,
    *,
    new_key: str = "",
    status: int = 200,
) -> HttpResponse:
    user = _user(request)
    kept = model_to_dict(user, fields=list(forms.ProfileForm.base_fields))
    limits = plan_of(user).limits
    told = {
        "form": form or forms.ProfileForm(initial=kept),
        "profile": queries.account_of(user),
        "statistics": queries.statistics_of(user),
        "limits": limits,
        "keys": user.api_keys.filter(revoked_at=None),
        "may_have_keys": limits.api_keys and not user.is_staff,
        "new_key": new_key,
    }
    return render(request, "accounts/account.html", told, status=status)


def _asked(
    request: HttpRequest,
    kind: type[Form],
    template: str,
    act: Callable[[Form], HttpResponse],
    **told: Any,
) -> HttpResponse:
    """Show a form; once it is sent and right, act on it. Sending counts against the rate limit."""
    if request.method != "POST":
        return render(request, template, {"form": kind(), **told})
    form = kind(request.POST)
    try:
        rate_limits.spend(request, AnonymousUser(), (rate_limits.AUTH,))
        if form.is_valid():
            return act(form)
        status = 400
    except UserError as error:
        form.add_error(None, error.message)
        status = error.status
    return render(request, template, {"form": form, **told}, status=status)


def _sent(request: HttpRequest, email: str, *, certain: bool = False) -> HttpResponse:
    """Say that mail is on its way; unless `certain`, not whether anybody is there to get it."""
    return render(request, "accounts/sent.html", {"email": email, "certain": certain})


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
