"""Addresses of the pages of accounts."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from accounts import views
from accounts.forms import SignInForm

# Whoever tries Dubber on their own machine is told which account is there.
DEMO = {"demo_email": settings.DEMO_EMAIL if settings.DEBUG else ""}

urlpatterns = [
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
