"""Addresses for signing in and out."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

# Whoever tries Dubber on their own machine is told which account is there.
DEMO = {"demo_email": settings.DEMO_EMAIL if settings.DEBUG else ""}

urlpatterns = [
    path(
        "login",
        LoginView.as_view(redirect_authenticated_user=True, extra_context=DEMO),
        name="login",
    ),
    path("logout", LogoutView.as_view(), name="logout"),
]
