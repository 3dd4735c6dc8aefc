"""Who gets in where: accounts."""

from collections.abc import Mapping

from accounts import links
from accounts.api_keys import make_key
from accounts.links import Purpose
from accounts.models import User
from tests.access.table import Route, World, api_own, everybody, page_own, page_owner

HOME = everybody("/", nobody=200, deactivated=200)
UNVERIFIED = everybody("/", nobody="/login", deactivated="/login", unverified=200)


def key(world: World) -> Mapping[str, object]:
    return {"key_id": make_key(world.owner, name="Script")[0].pk}


def verification(world: World) -> Mapping[str, object]:
    User.objects.filter(pk=world.people["unverified"].pk).update(email_verified_at=None)
    return {"token": links.make_token(world.people["unverified"], Purpose.VERIFY)}


def reset(world: World) -> Mapping[str, object]:
    owner = User.objects.get(pk=world.owner.pk)  # whose password somebody may just have set
    return {"token": links.make_token(owner, Purpose.RESET)}


def mail(world: World) -> Mapping[str, object]:
    return {"token": links.make_mail_token(world.owner)}


def email(_: World) -> Mapping[str, object]:
    return {"email": "somebody@example.com"}


def sign_up(_: World) -> Mapping[str, object]:
    return {"email": "new@example.com", "password": "a long one of theirs"}


def guess(world: World) -> Mapping[str, object]:
    return {"username": world.owner.email, "password": "a guess"}


def password(_: World) -> Mapping[str, object]:
    return {"password": "a long one of theirs"}


def profile(_: World) -> Mapping[str, object]:
    return {"full_name": "Ana", "timezone": "Europe/Madrid"}


def name(_: World) -> Mapping[str, object]:
    return {"fullName": "Ana"}


ROUTES = [
    Route("login", "GET", HOME),
    Route("login", "POST", HOME, body=guess),
    Route("login", "PUT", HOME),  # which Django's own view takes for POST
    Route("logout", "POST", everybody("/")),
    Route("sign_up", "GET", HOME),
    Route("sign_up", "POST", HOME, body=sign_up),
    Route("verify_email", "GET", UNVERIFIED),
    Route("verify_email", "POST", UNVERIFIED),
    Route("verify_email_link", "GET", everybody(200), verification),
    # Who is signed in as somebody else, or as nobody, must know the password.
    Route(
        "verify_email_link", "POST", everybody(400, unverified="/billing"), verification, password
    ),
    Route("password_reset", "GET", everybody(200)),
    Route("password_reset", "POST", everybody(200), body=email),
    Route("choose_password", "GET", everybody(200), reset),
    Route("choose_password", "POST", everybody("/login"), reset, password),
    Route("one_time_code", "GET", page_own(200)),
    Route("one_time_code", "POST", page_own(401), body=lambda _: {"code": "000000"}),
    Route("account", "GET", page_own(200)),
    Route("change_profile", "POST", page_own("/account"), body=profile),
    # Whoever has the address may use it.
    Route("mail_off", "GET", everybody(200), mail),
    Route("mail_off", "POST", everybody(200), mail),
    Route("change_password", "GET", page_own(200)),
    Route("change_password", "POST", page_own(400), body=password),
    Route("make_key", "POST", page_own("/account")),
    Route("revoke_key", "POST", page_owner("/account"), key),
    Route("delete_account", "GET", page_own(200, clerk="/account", staff="/account")),
    Route(
        "delete_account",
        "POST",
        page_own("/", clerk="/account", staff="/account"),
        body=lambda _: {"words": "DELETE MY ACCOUNT"},
    ),
    Route("api_signup", "POST", everybody(201), body=sign_up),
    Route("api_login", "POST", everybody(401), body=sign_up),
    Route("api_refresh", "POST", everybody(401), body=lambda _: {"refresh_token": "x"}),
    Route("api_logout", "POST", everybody(200, nobody=401, deactivated=401)),
    Route("api_password_reset", "POST", everybody(200), body=email),
    Route(
        "api_password_update",
        "POST",
        everybody(200),
        body=lambda world: {**reset(world), "new_password": "a long one of theirs"},
    ),
    Route("api_resend_verification", "POST", everybody(200), body=email),
    Route("api_verify_email_status", "GET", everybody(200, nobody=401, deactivated=401)),
    Route("api_auth_health", "GET", everybody(200)),
    Route("api_profile", "GET", everybody(200, nobody=401, deactivated=401)),
    Route("api_profile", "PUT", api_own(200), body=name),
    Route("api_statistics", "GET", api_own(200)),
    Route("api_activity", "GET", api_own(200)),
    Route("api_account_info", "GET", api_own(200)),
    Route("api_data_summary", "GET", api_own(200)),
    Route("api_export", "GET", api_own(200)),
    Route(
        "api_delete_initiate",
        "POST",
        api_own(200, clerk=403, staff=403),
        body=lambda _: {"confirmationText": "DELETE MY ACCOUNT"},
    ),
    Route(
        "api_delete_confirm",
        "POST",
        api_own(400, owner=200),
        body=lambda world: {
            "deletionToken": links.make_token(world.owner, Purpose.DELETE),
            "finalConfirmation": True,
        },
    ),
]
