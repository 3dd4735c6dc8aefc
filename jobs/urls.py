"""Addresses of the dubbing pages."""

from django.urls import path

from jobs import api, editing_api, media, transfers, views

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
    path("api/languages", api.Languages.as_view(), name="api_languages"),
    path("api/downloads", api.Downloads.as_view(), name="api_downloads"),
    path("api/jobs", api.Jobs.as_view(), name="api_jobs"),
    path("api/jobs/upload-urls", api.UploadUrls.as_view(), name="api_upload_urls"),
    path("api/jobs/<slug:public_id>", api.OneJob.as_view(), name="api_job"),
    path("api/jobs/<slug:public_id>/start", api.StartJob.as_view(), name="api_start_job"),
    path("api/jobs/<slug:public_id>/cancel", api.CancelJob.as_view(), name="api_cancel_job"),
    path("api/jobs/<slug:public_id>/retry", api.RetryJob.as_view(), name="api_retry_job"),
    path(
        "api/jobs/<slug:public_id>/languages", api.JobLanguages.as_view(), name="api_languages_of"
    ),
    path("api/jobs/<slug:public_id>/download", api.JobDownload.as_view(), name="api_download"),
    path(
        "api/jobs/<slug:public_id>/transcript",
        editing_api.JobTranscript.as_view(),
        name="api_transcript",
    ),
    path(
        "api/jobs/<slug:public_id>/languages/<slug:code>/lines",
        editing_api.JobLines.as_view(),
        name="api_lines",
    ),
    path("api/jobs/<slug:public_id>/render", editing_api.JobRender.as_view(), name="api_render"),
    path("uploads/<int:upload_id>.<slug:signature>", transfers.put_upload, name="put_upload"),
    path("d/<int:artifact_id>.<int:number>.<slug:signature>", transfers.get_file, name="get_file"),
]
