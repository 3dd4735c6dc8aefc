"""`/api/auth/`: signing up, in and out, and passwords."""

from typing import cast

from django.contrib.auth import logout
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import registration, sign_in, tokens
from accounts import serializers as words
from accounts.models import ApiSession, User
from accounts.tokens import Tokens
from dubber.api import ApiView, checked
from dubber.openapi import refuses
from dubber.rate_limits import client_address

TAGS = ["auth"]


class OpenView(ApiView):
    """An address for who has no valid token yet, or no longer: none is looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class SignUpView(OpenView):
    """`POST /api/auth/signup`."""

    @extend_schema(
        operation_id="signup", tags=TAGS, auth=[], request=words.Credentials,
        responses={201: words.Message},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Create an account; an e-mail tells how it goes on. The same for every address."""
        sent = checked(words.Credentials, request)
        registration.sign_up(sent["email"], password=sent["password"])
        return Response({"message": "We sent you an e-mail. Follow its link to go on."}, status=201)


class LoginView(OpenView):
    """`POST /api/auth/login`."""

    @extend_schema(
        operation_id="login",
        tags=TAGS,
        auth=[],
        request=words.Login,
        responses={
            200: words.TokensAnswer,
            401: refuses("authentication_required", "otp_required"),
            403: refuses("permission_denied"),
        },
    )
    def post(self, request: Request) -> Response:
        """Sign in. 401 `otp_required` when a one-time code is needed too."""
        sent = checked(words.Login, request)
        made = sign_in.tokens_for(
            sent["email"],
            sent["password"],
            code=sent.get("otp") or "",
            address=client_address(request._request),
        )
        return Response(told(made))


class RefreshView(OpenView):
    """`POST /api/auth/refresh`."""

    @extend_schema(
        operation_id="refresh",
        tags=TAGS,
        auth=[],
        request=words.Refresh,
        responses={200: words.TokensAnswer, 401: refuses("authentication_required")},
    )
    def post(self, request: Request) -> Response:
        """Change a refresh token for new tokens. It is good once; a second use ends the session."""
        sent = checked(words.Refresh, request)
        return Response(told(tokens.refresh(sent["refresh_token"])))


class LogoutView(ApiView):
    """`POST /api/auth/logout`."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="logout", tags=TAGS, request=words.Logout, responses={200: words.Message}
    )
    def post(self, request: Request) -> Response:
        """End the session of the access token, or of the refresh token in the body."""
        sent = checked(words.Logout, request)
        session = request.auth if isinstance(request.auth, ApiSession) else None
        if session is None and sent.get("refresh_token"):
            session = tokens.session_to_refresh(sent["refresh_token"])
        if session is not None:
            tokens.end_session(session, ApiSession.End.SIGNED_OUT)
        elif isinstance(request.successful_authenticator, SessionAuthentication):
            logout(request._request)
        elif not request.user.is_authenticated:
            raise NotAuthenticated
        return Response({"message": "You are signed out."})


class PasswordResetView(OpenView):
    """`POST /api/auth/password-reset`."""

    @extend_schema(
        operation_id="password_reset", tags=TAGS, auth=[], request=words.Email,
        responses={200: words.Message},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Send a link that lets the owner choose a new password. The same for every address."""
        registration.send_password_link(checked(words.Email, request)["email"])
        return Response({"message": "If there is such an account, we sent it an e-mail."})


class PasswordUpdateView(OpenView):
    """`POST /api/auth/password-update`."""

    @extend_schema(
        operation_id="password_update",
        tags=TAGS,
        auth=[],
        request=words.PasswordUpdate,
        responses={200: words.Message, 410: refuses("link_expired", "link_used")},
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the token out of the e-mail. All sessions end."""
        sent = checked(words.PasswordUpdate, request)
        registration.reset_password(
            sent["token"],
            password=sent["new_password"],
            address=client_address(request._request),
        )
        return Response({"message": "Your password was changed. Sign in with it."})


class ResendVerificationView(OpenView):
    """`POST /api/auth/resend-verification`."""

    @extend_schema(
        operation_id="resend_verification", tags=TAGS, auth=[], request=words.Email,
        responses={200: words.Message},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Send the link that verifies an address again. The same for every address."""
        registration.resend_verification(checked(words.Email, request)["email"])
        return Response({"message": "If this address waits to be verified, we sent it an e-mail."})


class VerificationStatusView(ApiView):
    """`GET /api/auth/verify-email-status`."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="verify_email_status", tags=TAGS, responses={200: words.VerificationStatus}
    )
    def get(self, request: Request) -> Response:
        """Say whether one's own address is verified."""
        user = cast(User, request.user)
        return Response({"email": user.email, "email_verified": user.is_verified})


class AuthHealthView(OpenView):
    """`GET /api/auth/health`."""

    @extend_schema(
        operation_id="auth_health", tags=TAGS, auth=[], responses={200: words.AuthHealth}
    )
    def get(self, request: Request) -> Response:
        """Say that signing in works."""
        User.objects.exists()
        return Response({"status": "healthy"})


def told(made: Tokens) -> dict[str, object]:
    """Tokens in the words of the contract."""
    return {
        "access_token": made.access_token,
        "refresh_token": made.refresh_token,
        "token_type": "bearer",
        "expires_in": made.expires_in,
        "user": {"id": str(made.user.pk), "email": made.user.email},
    }
