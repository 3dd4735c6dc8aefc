"""Addresses of the public pages."""

from django.urls import path

from dubber.public import views

urlpatterns = [
    path("", views.home, name="home"),
    path("sample/<slug:name>", views.sample_file, name="sample_file"),
    path("how-it-works", views.how_it_works, name="how_it_works"),
    path("pricing", views.pricing, name="pricing"),
    path("languages", views.languages, name="languages"),
    path("help", views.help_page, name="help"),
    path("contact", views.contact, name="contact"),
    path("status", views.status, name="status"),
    path("terms", views.terms, name="terms"),
    path("privacy", views.privacy, name="privacy"),
    path("cookies", views.cookies, name="cookies"),
]
