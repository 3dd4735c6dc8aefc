"""Who gets in where: dubbing."""

from collections.abc import Mapping

from tests.access.table import Route, World, everybody, page_own, page_owner


def job(world: World) -> Mapping[str, object]:
    return {"public_id": world.job.public_id}


def language(world: World) -> Mapping[str, object]:
    return {**job(world), "language": "es"}


def file(world: World) -> Mapping[str, object]:
    return {**language(world), "kind": "full_mp3"}


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
]
