"""Ordering a dub over the API, from files that were sent to their signed addresses."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from dubber.errors import Conflict, NotFound
from jobs import wiring
from jobs.models import DubbingJob, Upload
from jobs.pipeline.dub import Engines
from jobs.pipeline.languages import find
from jobs.services import create_job
from jobs.uploads import not_arrived


def order_job(
    user: User,
    *,
    public_id: str,
    request: Mapping[str, Any],
    engines: Callable[[], Engines] = wiring.engines,
) -> tuple[DubbingJob, int]:
    """Make the job that upload addresses were issued for, and what it cost; the same one twice.

    `request` is what was asked for, in the API's words: the same again gets the first answer.
    Raises UserError as `create_job` does, job_not_found, and Conflict for another request.
    """
    request_hash = _hash(request)
    first = _first(user, public_id, request_hash)
    if first is None:
        try:
            first = _create(user, public_id, request, request_hash, engines)
        except Conflict:
            # Whoever asked the same at the same moment was quicker: theirs is the answer.
            first = _first(user, public_id, request_hash)
            if first is None:
                raise
    codes = [find(code).code for code in request["languages"]]
    return first, sum(first.tasks.filter(language__in=codes).values_list("price", flat=True))


def _create(
    user: User,
    public_id: str,
    request: Mapping[str, Any],
    request_hash: str,
    engines: Callable[[], Engines],
) -> DubbingJob:
    uploads = Upload.objects.filter(user=user, for_job=public_id).select_related("user")
    files = {upload.role: upload for upload in uploads}
    voice = files.get(Upload.Role.VOICE)
    if voice is None:
        raise NotFound("job", code="job_not_found")
    background = files.get(Upload.Role.BACKGROUND)
    wanted = request.get("background_track_uploaded", False)
    if not request.get("voice_track_uploaded", True):
        raise not_arrived(Upload.Role.VOICE)
    if wanted and background is None:
        raise not_arrived(Upload.Role.BACKGROUND)
    return create_job(
        user,
        voice=voice,
        background=background if wanted else None,
        languages=request["languages"],
        source_language=request.get("source_language") or "",
        title=request.get("title") or "",
        options=request.get("options") or {},
        public_id=public_id,
        request_hash=request_hash,
        engines=engines,
    )


def _first(user: User, public_id: str, request_hash: str) -> DubbingJob | None:
    job = DubbingJob.objects.filter(user=user, public_id=public_id).first()
    if job is not None and job.request_hash != request_hash:
        raise Conflict(_("This job was made already, from another request."))
    return job


def _hash(request: Mapping[str, Any]) -> str:
    text = json.dumps(request, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
