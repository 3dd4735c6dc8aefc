"""Addresses of the API of accounts, below /api/."""

from django.urls import path

from accounts import api, auth_api

urlpatterns = [
    path("auth/signup", auth_api.SignUpView.as_view(), name="api_signup"),
    path("auth/login", auth_api.LoginView.as_view(), name="api_login"),
    path("auth/refresh", auth_api.RefreshView.as_view(), name="api_refresh"),
    path("auth/logout", auth_api.LogoutView.as_view(), name="api_logout"),
    path("auth/password-reset", auth_api.PasswordResetView.as_view(), name="api_password_reset"),
    path(
        "auth/password-update",
        auth_api.PasswordUpdateView.as_view(),
        name="api_password_update",
    ),
    path(
        "auth/resend-verification",
        auth_api.ResendVerificationView.as_view(),
        name="api_resend_verification",
    ),
    path(
        "auth/verify-email-status",
        auth_api.VerificationStatusView.as_view(),
        name="api_verify_email_status",
    ),
    path("auth/health", auth_api.AuthHealthView.as_view(), name="api_auth_health"),
    path("users/me", api.ProfileView.as_view(), name="api_profile"),
    path("users/me/stats", api.StatisticsView.as_view(), name="api_statistics"),
    path("users/me/activity", api.ActivityView.as_view(), name="api_activity"),
    path("account/info", api.AccountView.as_view(), name="api_account_info"),
    path("account/data-summary", api.HeldView.as_view(), name="api_data_summary"),
    path("account/export", api.ExportView.as_view(), name="api_export"),
    path("account/delete/initiate", api.DeletionView.as_view(), name="api_delete_initiate"),
    path("account/delete/confirm", api.DeletionConfirmView.as_view(), name="api_delete_confirm"),
]
