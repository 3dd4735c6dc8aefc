"""Addresses of the API of jobs, below /api/."""

from django.urls import path

from jobs import api, editing_api, glossary_api

urlpatterns = [
    path("languages", api.Languages.as_view(), name="api_languages"),
    path("users/me/glossary", glossary_api.GlossaryView.as_view(), name="api_glossary"),
    path("downloads", api.Downloads.as_view(), name="api_downloads"),
    path("jobs", api.Jobs.as_view(), name="api_jobs"),
    path("jobs/upload-urls", api.UploadUrls.as_view(), name="api_upload_urls"),
    path("jobs/<slug:public_id>", api.OneJob.as_view(), name="api_job"),
    path("jobs/<slug:public_id>/start", api.StartJob.as_view(), name="api_start_job"),
    path("jobs/<slug:public_id>/cancel", api.CancelJob.as_view(), name="api_cancel_job"),
    path("jobs/<slug:public_id>/retry", api.RetryJob.as_view(), name="api_retry_job"),
    path("jobs/<slug:public_id>/languages", api.JobLanguages.as_view(), name="api_languages_of"),
    path("jobs/<slug:public_id>/download", api.JobDownload.as_view(), name="api_download"),
    path(
        "jobs/<slug:public_id>/transcript",
        editing_api.JobTranscript.as_view(),
        name="api_transcript",
    ),
    path(
        "jobs/<slug:public_id>/languages/<slug:code>/lines",
        editing_api.JobLines.as_view(),
        name="api_lines",
    ),
    path(
        "jobs/<slug:public_id>/languages/<slug:code>/captions",
        editing_api.JobCaptions.as_view(),
        name="api_captions",
    ),
    path(
        "jobs/<slug:public_id>/languages/<slug:code>/lines/<int:line>/preview",
        editing_api.LinePreview.as_view(),
        name="api_preview",
    ),
    path(
        "jobs/<slug:public_id>/languages/<slug:code>/lines/<int:line>/shorter",
        editing_api.LineShorter.as_view(),
        name="api_shorter",
    ),
    path("jobs/<slug:public_id>/render", editing_api.JobRender.as_view(), name="api_render"),
]
