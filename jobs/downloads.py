"""Download links: each is used up by the first client that fetches it.

A link is a pure function of its file's row, so showing it writes nothing. The first GET raises the
row's number, which makes the next link, and binds the old one to its client for ten minutes.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from dubber.errors import NotFound, UserError
from dubber.rate_limits import ip_of
from jobs import extras, links, outcomes
from jobs.models import Artifact, Download, DubbingJob, LanguageTask
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.languages import find
from jobs.refusals import not_ready, refuse_expired
from jobs.states import Stage, StepKind

LIFE = timedelta(minutes=10)

KINDS: Mapping[str, Mapping[str, str]] = {
    "full": {"mp3": "full_mp3", "m4a": "full_m4a", "wav": "full_wav"},
    "voice": {"mp3": "voice_mp3", "wav": "voice_wav"},
    "captions": {"": "srt"},
    "vtt": {"": "vtt"},
    "video": {"": "video"},
    "transcript": {"": "transcript"},
    "manifest": {"": "manifest"},
    "bundle": {"": "bundle"},
}
"""The kind of file that a type and a format mean; the first format is the one without a wish."""

ON_DEMAND: Mapping[str, StepKind] = {
    "full_wav": StepKind.WAV,
    "voice_wav": StepKind.WAV,
    "bundle": StepKind.BUNDLE,
}
"""What is made when it is asked for, and by which step."""


def client_of(*, agent: str, address: str) -> str:
    """Who uses a link, as a hash: a User-Agent in one network (IPv4 /24, IPv6 /48)."""
    ip, network = ip_of(address), ""
    if ip is not None:
        size = 24 if ip.version == 4 else 48
        network = str(ipaddress.ip_network((ip, size), strict=False))
    return hashlib.sha256(f"{network} {agent}".encode()).hexdigest()


def find_link(artifact_id: int, number: int, signature: str) -> Artifact:
    """The file of a link that may still be fetched by somebody. Binds nothing.

    Raises UserError not_found, link_expired, files_expired.
    """
    if not links.is_download_signature(artifact_id, number, signature):
        raise NotFound(_("file"))
    files = Artifact.objects.filter(pk=artifact_id, working=False).select_related("job", "task")
    file = files.first()
    if file is None:
        raise NotFound(_("file"))
    if file.gone_at or file.job.files_expired:
        raise _files_expired()
    return file


def use_link(file: Artifact, *, number: int, client: str) -> Artifact:
    """Let a client fetch a file: the first one of a link, and that one again for ten minutes.

    Raises UserError link_used, link_expired.
    """
    used = _use_of(file, number) or _bind(file, number, client)
    _check_use(used, client)
    return file


def look_at_link(file: Artifact, *, number: int, client: str) -> None:
    """Raise what `use_link` would raise now; nothing is recorded."""
    used = _use_of(file, number)
    if used is not None:
        _check_use(used, client)
    elif file.link != number or not file.current:
        raise _link_expired()


def find_file(
    job: DubbingJob, *, language: str, kind: str, form: str = "", ask: bool
) -> tuple[Artifact | None, StepKind | None]:
    """The file that a type and a format mean, or the step that makes it: now asked for, if `ask`.

    Raises UserError validation_error, file_not_ready, files_expired, not_found.
    """
    formats = KINDS.get(kind)
    if formats is None or (form and form not in formats):
        raise UserError("validation_error", _("There is no such type or format of file."))
    return find_kind(job, language=language, kind=formats[form or next(iter(formats))], ask=ask)


def find_kind(
    job: DubbingJob, *, language: str, kind: str, ask: bool
) -> tuple[Artifact | None, StepKind | None]:
    """The file of a kind, or the step that makes it, as `find_file` does."""
    if all(kind not in formats.values() for formats in KINDS.values()):
        raise NotFound(_("file"))
    task = _task_of(job, language)
    files = Artifact.objects.filter(task=task, kind=kind, current=True, working=False)
    file = files.filter(gone_at=None).first()
    if file is not None:
        return file, None
    step = ON_DEMAND.get(kind)
    if step is None:
        raise NotFound(_("file"))
    if ask:
        with transaction.atomic():
            outcomes.lock_job(job.pk)
            if (file := files.filter(gone_at=None).first()) is not None:
                return file, None  # made since the look above: asking again would end its links
            extras.ask_for(job, task=task, kind=step)
    return None, step


def downloads_of(user: User, *, limit: int, offset: int) -> list[Download]:
    """A person's downloads, the newest first."""
    rows = Download.objects.filter(user=user).select_related("artifact__job", "artifact__task")
    return list(rows.order_by("-pk")[offset : offset + limit])


def _task_of(job: DubbingJob, language: str) -> LanguageTask:
    try:
        code = find(language).code
    except PipelineError as error:
        raise NotFound(_("language")) from error
    task = job.tasks.filter(language=code).first()
    if task is None:
        raise NotFound(_("language"))
    refuse_expired(job)
    if task.stage != Stage.COMPLETE:
        raise not_ready()
    return task


def _use_of(file: Artifact, number: int) -> Download | None:
    return Download.objects.filter(artifact=file, number=number).first()


def _check_use(used: Download, client: str) -> None:
    if used.client != client:
        told = _("This link was used already. Get a new one where you got this one.")
        raise _gone("link_used", told)
    if used.expires_at <= timezone.now():
        raise _link_expired()


@transaction.atomic
def _bind(file: Artifact, number: int, client: str) -> Download:
    """Record the first use of a link; whoever comes second finds what the first one recorded."""
    mine = Artifact.objects.filter(pk=file.pk, link=number, current=True)
    if mine.update(link=F("link") + 1):
        return Download.objects.create(
            artifact=file,
            user_id=file.job.user_id,
            number=number,
            client=client,
            expires_at=timezone.now() + LIFE,
        )
    used = _use_of(file, number)
    if used is None:
        raise _link_expired()
    return used


def _link_expired() -> UserError:
    return _gone("link_expired", _("This link has expired. Get a new one where you got this one."))


def _files_expired() -> UserError:
    return _gone("files_expired", _("The files of this job are gone."))


def _gone(code: str, sentence: str) -> UserError:
    return UserError(code, sentence, status=410)
