"""Who gets in where: dubbing."""

from collections.abc import Mapping

from jobs import drafts, links
from jobs.models import Artifact
from tests.access.table import Route, World, api_own, api_owner, everybody, page_own, page_owner


def job(world: World) -> Mapping[str, object]:
    return {"public_id": world.job.public_id}


def language(world: World) -> Mapping[str, object]:
    return {**job(world), "language": "es"}


def file(world: World) -> Mapping[str, object]:
    return {**language(world), "kind": "full_mp3"}


def lines(world: World) -> Mapping[str, object]:
    return {**job(world), "code": "es"}


def line(world: World) -> Mapping[str, object]:
    return {**lines(world), "line": 1}


def forged_line(_: World) -> Mapping[str, object]:
    return {"take_id": 1, "until": 2_000_000_000, "signature": "forged"}


def heard(world: World) -> Mapping[str, object]:
    return {**job(world), "kind": "srt"}


def segment(world: World) -> Mapping[str, object]:
    heard, _ = world.job.segments.get_or_create(
        index=0, defaults={"start_ms": 0, "end_ms": 1000, "text": "One.", "speaker": 0}
    )
    return {**job(world), "line": heard.pk}


def said(world: World) -> Mapping[str, object]:
    task = world.job.tasks.get(language="es")
    segment(world)
    line, _ = task.lines.get_or_create(segment=world.job.segments.get())
    return {**lines(world), "line": line.pk}


def link(_: World) -> Mapping[str, object]:
    artifact = Artifact.objects.get(kind="full_mp3")
    name = links.link_of(artifact).rpartition("/")[2]
    artifact_id, number, signature = name.split(".")
    return {"artifact_id": artifact_id, "number": number, "signature": signature}


def forged(_: World) -> Mapping[str, object]:
    return {"upload_id": 1, "signature": "forged"}


def draft(world: World) -> Mapping[str, object]:
    return {"draft_id": drafts.begin_draft(world.owner).public_id}


def part(world: World) -> Mapping[str, object]:
    return {**draft(world), "part": "voice"}


def announced(_: World) -> Mapping[str, object]:
    return {"role": "voice", "name": "talk.mp4", "size": 1000, "modified": 1}


def names(_: World) -> Mapping[str, object]:
    return {"languages": ["es"], "voice_track_name": "talk.mp3"}


def order(_: World) -> Mapping[str, object]:
    return {
        "job_id": "job_abcdefghijkl",
        "voice_track_uploaded": True,
        "background_track_uploaded": False,
        "languages": ["es"],
    }


def change(_: World) -> Mapping[str, object]:
    return {"lines": [{"id": "1", "revision": 1, "text": "Hola"}]}


ROUTES = [
    Route("job_list", "GET", page_own(200)),
    Route("downloads", "GET", page_own(200)),
    Route("new_job", "GET", page_own(200)),
    Route("new_job", "POST", page_own(400)),
    Route("begin_draft", "POST", page_own(201)),
    Route("draft", "GET", page_owner(200), draft),
    Route("draft", "POST", page_owner(400), draft),
    Route("draft_choices", "POST", page_owner(302), draft),
    Route("draft_file", "POST", page_owner(200), draft, announced),
    Route("draft_captions", "POST", page_owner(302), draft),
    Route("draft_remove", "POST", page_owner(302), part),
    Route("draft_discard", "POST", page_owner("/jobs/new"), draft),
    Route("job", "GET", page_owner(200), job),
    Route("job_progress", "GET", page_owner(200), job),
    Route("job_timeline", "GET", page_owner(200), language),
    Route("cancel_job", "GET", page_owner(200), job),
    Route("cancel_job", "POST", page_owner(302), job),
    Route("start_job", "GET", page_owner(200), job),
    Route("start_job", "POST", page_owner(302), job),
    Route("delete_job", "GET", page_owner(200), job),
    Route("delete_job", "POST", page_owner(302), job),
    Route("add_languages", "GET", page_owner(200), job),
    Route("add_languages", "POST", page_owner(302), job),
    Route("retry", "GET", page_owner(200), language),
    Route("retry", "POST", page_owner(302), language),
    Route("edit_transcript", "GET", page_owner(200), job),
    Route("edit_transcript_lines", "GET", page_owner(200), job),
    Route("original_captions", "GET", page_owner(404), heard),
    # What can't be kept, here as its revision isn't told, is shown to whom it belongs.
    Route("save_heard", "POST", page_owner(409), segment),
    Route("render_changes", "GET", page_owner(200), job),
    Route("render_changes", "POST", page_owner(302), job),
    Route("edit_language", "GET", page_owner(200), lines),
    Route("edit_lines", "GET", page_owner(200), lines),
    Route("save_said", "POST", page_owner(409), said),
    Route("hear_line", "POST", page_owner(404), line),
    Route("shorten_line", "POST", page_owner(404), line),
    Route("replace", "GET", page_owner(200), lines),
    Route("replace", "POST", page_owner(302), lines),
    Route("glossary", "GET", page_owner(200), lines),
    Route("glossary", "POST", page_owner(302), lines),
    Route("choose_voice", "POST", page_owner(302), lines),
    Route("bring_captions", "POST", page_owner(302), lines),
    Route("media", "GET", page_owner(200), file),
    Route("download", "GET", page_owner(302), file),
    # Whoever has the address may use it, and its first user is the only one.
    Route("get_file", "GET", everybody(200), link),
    Route("put_upload", "PUT", everybody(404), forged),
    Route("api_languages", "GET", everybody(200, deactivated=401)),
    Route("api_downloads", "GET", api_own(200)),
    Route("api_glossary", "GET", api_own(200)),
    Route("api_glossary", "PUT", api_own(200), body=lambda _: {"terms": []}),
    Route("api_jobs", "GET", api_own(200)),
    Route("api_jobs", "POST", api_own(404), body=order),
    Route("api_upload_urls", "POST", api_own(200), body=names),
    Route("api_job", "GET", api_owner(200), job),
    Route("api_job", "DELETE", api_owner(204), job),
    Route("api_start_job", "POST", api_owner(409), job),
    Route("api_cancel_job", "POST", api_owner(409), job),
    Route("api_retry_job", "POST", api_owner(409), job),
    Route("api_languages_of", "POST", api_owner(409), job, lambda _: {"languages": ["es"]}),
    Route("api_download", "GET", api_owner(302), job, query="?lang=es&type=full"),
    Route("api_transcript", "GET", api_owner(200), job),
    Route("api_transcript", "PATCH", api_owner(404), job, change),
    Route("api_lines", "GET", api_owner(200), lines),
    Route("api_lines", "PATCH", api_owner(404), lines, change),
    Route("api_captions", "PUT", api_owner(400), lines, lambda _: {"captions": "none"}),
    Route("api_preview", "POST", api_owner(404), line),
    Route("api_shorter", "POST", api_owner(404), line),
    # The same for a line that was spoken, though not only its first user.
    Route("get_line", "GET", everybody(404), forged_line),
    Route("api_render", "POST", api_owner(409), job),
]
