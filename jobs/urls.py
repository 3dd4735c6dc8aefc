"""Addresses of the dubbing pages."""

from django.urls import path

from jobs import media, transfers, views

urlpatterns = [
    path("", views.home, name="home"),
    path("jobs", views.job_list, name="job_list"),
    path("jobs/new", views.new_job, name="new_job"),
    path("jobs/<slug:public_id>", views.job, name="job"),
    path("jobs/<slug:public_id>/progress", views.job_progress, name="job_progress"),
    path("jobs/<slug:public_id>/cancel", views.cancel, name="cancel_job"),
    path("jobs/<slug:public_id>/languages/<slug:language>/retry", views.retry, name="retry"),
    path("jobs/<slug:public_id>/media/<slug:language>/<slug:kind>", media.media, name="media"),
    path(
        "jobs/<slug:public_id>/download/<slug:language>/<slug:kind>",
        media.download,
        name="download",
    ),
    path("uploads/<int:upload_id>.<slug:signature>", transfers.put_upload, name="put_upload"),
    path("d/<int:artifact_id>.<int:number>.<slug:signature>", transfers.get_file, name="get_file"),
]
