"""Who gets in where: dubbing."""

from collections.abc import Mapping

from jobs import links
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


def link(_: World) -> Mapping[str, object]:
    artifact = Artifact.objects.get(kind="full_mp3")
    name = links.link_of(artifact).rpartition("/")[2]
    artifact_id, number, signature = name.split(".")
    return {"artifact_id": artifact_id, "number": number, "signature": signature}


def forged(_: World) -> Mapping[str, object]:
    return {"upload_id": 1, "signature": "forged"}


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
    Route("home", "GET", everybody(200)),
    Route("job_list", "GET", page_own(200)),
    Route("new_job", "GET", page_own(200)),
    Route("new_job", "POST", page_own(400)),
    Route("job", "GET", page_owner(200), job),
    Route("job_progress", "GET", page_owner(200), job),
    Route("cancel_job", "POST", page_owner(302), job),
    Route("retry", "POST", page_owner(302), language),
    Route("media", "GET", page_owner(200), file),
    Route("download", "GET", page_owner(200), file),
    # Whoever has the address may use it, and its first user is the only one.
    Route("get_file", "GET", everybody(200), link),
    Route("put_upload", "PUT", everybody(404), forged),
    Route("api_languages", "GET", everybody(200, deactivated=401)),
    Route("api_downloads", "GET", api_own(200)),
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
    Route("api_render", "POST", api_owner(409), job),
]
