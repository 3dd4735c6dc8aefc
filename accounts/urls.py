"""Addresses of accounts. Those under /api/ answer with a trailing slash too."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from accounts import api, auth_api, views
from accounts.forms import SignInForm

# Whoever tries Dubber on their own machine is told which account is there.
DEMO = {"demo_email": settings.DEMO_EMAIL if settings.DEBUG else ""}

PAGES = [
    path(
        "login",
        LoginView.as_view(
            redirect_authenticated_user=True,
            authentication_form=SignInForm,
            extra_context=DEMO,
        ),
        name="login",
    ),
    path("logout", LogoutView.as_view(), name="logout"),
    path("sign-up", views.sign_up, name="sign_up"),
    path("verify-email", views.verify_email, name="verify_email"),
    path("verify-email/<str:token>", views.verify_email_link, name="verify_email_link"),
    path("password-reset", views.password_reset, name="password_reset"),
    path("password-reset/<str:token>", views.choose_password, name="choose_password"),
    path("one-time-code", views.one_time_code, name="one_time_code"),
    path("account", views.account, name="account"),
    path("account/profile", views.change_profile, name="change_profile"),
    path("mail/off/<str:token>", views.mail_off, name="mail_off"),
    path("account/password", views.change_password, name="change_password"),
    path("account/keys", views.make_key, name="make_key"),
    path("account/keys/<int:key_id>/revoke", views.revoke_key, name="revoke_key"),
    path("account/delete", views.delete_account, name="delete_account"),
]
AUTH = [
    path("api/auth/signup", auth_api.SignUpView.as_view(), name="api_signup"),
    path("api/auth/login", auth_api.LoginView.as_view(), name="api_login"),
    path("api/auth/refresh", auth_api.RefreshView.as_view(), name="api_refresh"),
    path("api/auth/logout", auth_api.LogoutView.as_view(), name="api_logout"),
    path(
        "api/auth/password-reset", auth_api.PasswordResetView.as_view(), name="api_password_reset"
    ),
    path(
        "api/auth/password-update",
        auth_api.PasswordUpdateView.as_view(),
        name="api_password_update",
    ),
    path(
        "api/auth/resend-verification",
        auth_api.ResendVerificationView.as_view(),
        name="api_resend_verification",
    ),
    path(
        "api/auth/verify-email-status",
        auth_api.VerificationStatusView.as_view(),
        name="api_verify_email_status",
    ),
    path("api/auth/health", auth_api.AuthHealthView.as_view(), name="api_auth_health"),
]
DESK = [
    path("api/users/me", api.ProfileView.as_view(), name="api_profile"),
    path("api/users/me/stats", api.StatisticsView.as_view(), name="api_statistics"),
    path("api/users/me/activity", api.ActivityView.as_view(), name="api_activity"),
    path("api/account/info", api.AccountView.as_view(), name="api_account_info"),
    path("api/account/data-summary", api.HeldView.as_view(), name="api_data_summary"),
    path("api/account/export", api.ExportView.as_view(), name="api_export"),
    path("api/account/delete/initiate", api.DeletionView.as_view(), name="api_delete_initiate"),
    path(
        "api/account/delete/confirm", api.DeletionConfirmView.as_view(), name="api_delete_confirm"
    ),
]

urlpatterns = [*PAGES, *AUTH, *DESK]
