"""Every address of the site, app by app.

Addresses under /api/ are written without a trailing slash; they answer with one too. They stand
first, and jobs first among them, since whoever polls asks there: Django tries one after the other.
"""

from django.contrib import admin
from django.urls import include, path

from dubber import openapi
from dubber.health import HealthView, WorkerHealthView

API = [
    path("", include("jobs.api_urls")),
    path("", include("accounts.api_urls")),
    path("", include("billing.api_urls")),
]

urlpatterns = [
    path("api/", include(API)),
    path("", include("accounts.urls")),
    path("", include("billing.urls")),
    path("", include("jobs.urls")),
    path("", include("dubber.public.urls")),
    path("admin/", admin.site.urls),
    path("health", HealthView.as_view(), name="health"),
    path("worker/health", WorkerHealthView.as_view(), name="worker_health"),
    path("openapi.json", openapi.OpenApi.as_view(), name="openapi"),
    path("docs", openapi.swagger, name="swagger"),
    path("redoc", openapi.redoc, name="redoc"),
]
