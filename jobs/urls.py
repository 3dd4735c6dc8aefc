"""Addresses of the dubbing pages, and of the files that are sent and fetched."""

from django.urls import path

from jobs import media, transfers
from jobs.views import acts, dub, editor, lists, new_dub, terms

urlpatterns = [
    path("jobs", lists.job_list, name="job_list"),
    path("downloads", lists.downloads, name="downloads"),
    path("jobs/new", new_dub.new_job, name="new_job"),
    path("jobs/new/drafts", new_dub.begin_draft, name="begin_draft"),
    path("jobs/new/<slug:draft_id>", new_dub.draft, name="draft"),
    path("jobs/new/<slug:draft_id>/choices", new_dub.draft_choices, name="draft_choices"),
    path("jobs/new/<slug:draft_id>/files", new_dub.draft_file, name="draft_file"),
    path("jobs/new/<slug:draft_id>/captions", new_dub.draft_captions, name="draft_captions"),
    path("jobs/new/<slug:draft_id>/remove/<slug:part>", new_dub.draft_remove, name="draft_remove"),
    path("jobs/new/<slug:draft_id>/discard", new_dub.draft_discard, name="draft_discard"),
    path("jobs/<slug:public_id>", dub.job, name="job"),
    path("jobs/<slug:public_id>/progress", dub.job_progress, name="job_progress"),
    path("jobs/<slug:public_id>/timeline/<slug:language>", dub.job_timeline, name="job_timeline"),
    path("jobs/<slug:public_id>/cancel", acts.cancel, name="cancel_job"),
    path("jobs/<slug:public_id>/start", acts.start, name="start_job"),
    path("jobs/<slug:public_id>/delete", acts.delete, name="delete_job"),
    path("jobs/<slug:public_id>/languages", acts.add_languages, name="add_languages"),
    path("jobs/<slug:public_id>/languages/<slug:language>/retry", acts.retry, name="retry"),
    path("jobs/<slug:public_id>/media/<slug:language>/<slug:kind>", media.media, name="media"),
    path(
        "jobs/<slug:public_id>/download/<slug:language>/<slug:kind>",
        media.download,
        name="download",
    ),
    path("jobs/<slug:public_id>/transcript", editor.transcript, name="edit_transcript"),
    path(
        "jobs/<slug:public_id>/transcript/lines",
        editor.transcript_lines,
        name="edit_transcript_lines",
    ),
    path(
        "jobs/<slug:public_id>/transcript/captions/<slug:kind>",
        dub.original_captions,
        name="original_captions",
    ),
    path("jobs/<slug:public_id>/transcript/lines/<int:line>", editor.save_heard, name="save_heard"),
    path("jobs/<slug:public_id>/changes", editor.render_changes, name="render_changes"),
    path("jobs/<slug:public_id>/edit/<slug:code>", editor.language, name="edit_language"),
    path("jobs/<slug:public_id>/edit/<slug:code>/lines", editor.language_lines, name="edit_lines"),
    path(
        "jobs/<slug:public_id>/edit/<slug:code>/lines/<int:line>",
        editor.save_said,
        name="save_said",
    ),
    path(
        "jobs/<slug:public_id>/edit/<slug:code>/lines/<int:line>/hear",
        editor.hear,
        name="hear_line",
    ),
    path(
        "jobs/<slug:public_id>/edit/<slug:code>/lines/<int:line>/shorten",
        editor.shorten,
        name="shorten_line",
    ),
    path("jobs/<slug:public_id>/edit/<slug:code>/replace", editor.replace, name="replace"),
    path("jobs/<slug:public_id>/edit/<slug:code>/glossary", terms.glossary, name="glossary"),
    path("jobs/<slug:public_id>/edit/<slug:code>/voice", editor.choose_voice, name="choose_voice"),
    path("jobs/<slug:public_id>/edit/<slug:code>/captions", editor.bring, name="bring_captions"),
    path("uploads/<int:upload_id>.<slug:signature>", transfers.put_upload, name="put_upload"),
    path("lines/<int:take_id>.<int:until>.<slug:signature>", transfers.get_line, name="get_line"),
    path("d/<int:artifact_id>.<int:number>.<slug:signature>", transfers.get_file, name="get_file"),
]
