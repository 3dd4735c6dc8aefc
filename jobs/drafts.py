"""A dub in the making: its files and choices are kept until it is launched, or for a day.

The draft has the name that its job will have. So its uploads need no other tie to it, and launching
it twice is one job.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from dubber.errors import Conflict, NotFound, UserError
from jobs import incoming, objects, wiring
from jobs import options as job_options
from jobs.choices import Choices
from jobs.models import Draft, DubbingJob, Upload
from jobs.pipeline.dub import Engines
from jobs.services import create_job
from jobs.uploads import (
    address_of,
    base_name,
    give_up,
    issue_again,
    issue_upload,
    register_upload,
)

LIFE = timedelta(hours=24)
"""How long a draft is kept after its last change: as long as a file that no dub was made of."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Where a file of a draft goes. resumes: what arrived of a broken transfer is kept there."""

    upload: Upload
    url: str
    resumes: bool


def begin_draft(user: User) -> Draft:
    """Begin to prepare a dub."""
    return Draft.objects.create(user=user, expires_at=timezone.now() + LIFE)


def find_draft(user: User, public_id: str) -> Draft:
    """A person's draft. Raises NotFound."""
    draft = Draft.objects.filter(user=user, public_id=public_id).select_related("user").first()
    if draft is None:
        raise NotFound(_("draft"))
    return draft


def latest_draft(user: User) -> Draft | None:
    """What a person prepared last and hasn't launched."""
    return Draft.objects.filter(user=user, expires_at__gt=timezone.now()).first()


def files_of(draft: Draft) -> dict[str, Upload]:
    """The files of a draft, by role, whether they arrived or not."""
    uploads = Upload.objects.filter(
        user=draft.user, for_job=draft.public_id, expires_at__gt=timezone.now(), gone_at=None
    )
    return {upload.role: upload for upload in uploads.select_related("user")}


def save_choices(draft: Draft, choices: Choices) -> None:
    """Keep what was chosen, right or wrong."""
    draft.choices = choices.to_json()
    _save(draft, "choices")


@transaction.atomic
def issue_file(
    draft: Draft, *, role: Upload.Role, name: str, size: int, content_type: str, modified: int
) -> Sending:
    """Let a file be sent; the same file again goes on where it broke off, another one replaces it.

    modified is when the file was last changed, in milliseconds since 1970. Raises UserError
    too_large, unsupported_media.
    """
    earlier = _locked_file(draft, role)
    if earlier is not None:
        wanted = (base_name(name), size, content_type, modified)
        known = (earlier.name, earlier.declared_size, earlier.content_type)
        if (*known, draft.modified.get(role)) == wanted and earlier.expires_at > timezone.now():
            issue_again(earlier)
            return _sending(earlier)
        give_up(earlier)
    upload = issue_upload(
        draft.user,
        role=role,
        name=name,
        content_type=content_type,
        size=size,
        public_id=draft.public_id,
    )
    draft.modified = {**draft.modified, role: modified}
    _save(draft, "modified")
    return _sending(upload)


def keep_file(
    draft: Draft, *, role: Upload.Role, file: BinaryIO, name: str, content_type: str
) -> None:
    """Keep a file that came with a form, in place of an earlier one. Raises UserError."""
    drop_file(draft, role)
    register_upload(
        draft.user,
        file=file,
        name=name,
        role=role,
        content_type=content_type,
        public_id=draft.public_id,
    )
    _save(draft)


@transaction.atomic
def drop_file(draft: Draft, role: Upload.Role) -> None:
    """Take a file out; without one nothing happens."""
    upload = _locked_file(draft, role)
    if upload is not None:
        give_up(upload)


def save_captions(draft: Draft, *, name: str, text: str) -> None:
    """Keep captions to be used as the transcript. Raises UserError for what isn't any."""
    job_options.checked({"transcript_srt": text}, ())
    draft.captions, draft.captions_name = text, base_name(name) or "captions"
    _save(draft, "captions", "captions_name")


def drop_captions(draft: Draft) -> None:
    """Take the captions out; without any nothing happens."""
    draft.captions = draft.captions_name = ""
    _save(draft, "captions", "captions_name")


def drop_draft(draft: Draft) -> None:
    """Throw a draft away, with its files."""
    for role in Upload.Role:
        drop_file(draft, role)
    draft.delete()


def delete_expired() -> int:
    """Delete drafts whose time is over; how many they were. Their files expire by themselves."""
    return Draft.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def launch_draft(draft: Draft, *, engines: Callable[[], Engines] = wiring.engines) -> DubbingJob:
    """Order the dub that was prepared; a second time it is the same one.

    Raises UserError as `create_job` does; the draft stays then.
    """
    job = _launched(draft)
    if job is None:
        try:
            job = _order(draft, engines)
        except Conflict:
            # Whoever launched it at the same moment was quicker: theirs is the dub.
            job = _launched(draft)
            if job is None:
                raise
    Draft.objects.filter(pk=draft.pk).delete()
    return job


def options_of(draft: Draft) -> dict[str, object]:
    """The options of the job to be, in the API's words."""
    captions = {"transcript_srt": draft.captions} if draft.captions else {}
    return Choices.from_json(draft.choices).options() | captions


def received(upload: Upload) -> int:
    """How many bytes of a file have come, as far as that is known before all of them have."""
    if upload.arrived_at is not None:
        return upload.size or 0
    return incoming.received(upload) if objects.is_local() else 0


def _order(draft: Draft, engines: Callable[[], Engines]) -> DubbingJob:
    files, choices = files_of(draft), Choices.from_json(draft.choices)
    voice = files.get(Upload.Role.VOICE)
    if voice is None:
        raise UserError("validation_error", _("Choose a video or a voice track."), field="voice")
    return create_job(
        draft.user,
        voice=voice,
        background=files.get(Upload.Role.BACKGROUND),
        languages=choices.languages,
        source_language=choices.source_language,
        title=choices.title,
        options=options_of(draft),
        public_id=draft.public_id,
        engines=engines,
    )


def _launched(draft: Draft) -> DubbingJob | None:
    return DubbingJob.objects.filter(user=draft.user, public_id=draft.public_id).first()


def _locked_file(draft: Draft, role: Upload.Role) -> Upload | None:
    uploads = Upload.objects.select_for_update(of=("self",)).filter(
        user=draft.user, for_job=draft.public_id, role=role
    )
    return uploads.select_related("user").first()


def _sending(upload: Upload) -> Sending:
    return Sending(upload, address_of(upload), objects.is_local())


def _save(draft: Draft, *columns: str) -> None:
    draft.expires_at = timezone.now() + LIFE
    draft.save(update_fields=[*columns, "expires_at"])
