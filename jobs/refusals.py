"""What can't be had, as it is told to the person who asked for it."""

from django.utils.translation import gettext as _

from dubber.errors import UserError
from jobs.models import DubbingJob
from jobs.pipeline.errors import PipelineError

LANGUAGES_REFUSED = (
    "language_unknown",
    "language_unavailable",
    "language_twice",
    "pair_unavailable",
    "model_missing",
    "model_corrupt",
)
"""Why a language can't be had, in the API's words."""

MEDIA_REFUSED = (
    "not_media",
    "empty_file",
    "truncated",
    "no_audio",
    "too_long",
    "too_short",
    "too_many_streams",
    "picture_too_large",
    "encrypted",
    "corrupt_audio",
    "duration_mismatch",
    "upload_changed",
    "not_captions",
)
"""Why a file can't be dubbed, as far as a look into it tells."""

BUSY = frozenset({"NO_SPACE", "OUT_OF_TIME", "MEDIA_TOOL", "STORAGE_AWAY"})
"""Why not now. A step is tried again by itself; whoever asks for something must ask again."""

BUSY_SECONDS = 5


def refuse_expired(job: DubbingJob) -> None:
    """Raise UserError files_expired when the files of a job are gone."""
    if job.files_expired:
        raise UserError("files_expired", _("The files of this job are gone."), status=410)


def not_ready() -> UserError:
    """What is told of a file, or a line to hear, of a language that isn't finished."""
    return UserError("file_not_ready", _("This language isn't finished yet."), status=404)


def refusal(error: PipelineError) -> UserError:
    """A failure of the pipeline: its code in lower case and its sentence; `service_busy` where it
    is only not now.
    """
    if error.code in BUSY:
        return UserError(
            "service_busy",
            _("We can't answer right now. Try again in a few seconds."),
            status=503,
            retry_after=BUSY_SECONDS,
            reason=error.code.lower(),
        )
    status = 413 if error.code == "TOO_LARGE" else 400
    return UserError(error.code.lower(), sentence_of(error), status=status)


def sentence_of(error: PipelineError) -> str:
    """What happened, in the language of whoever reads it now."""
    return _(error.failure.sentence).format(**error.fields)


def final_sentence(error: PipelineError) -> str:
    """What the customer reads when nothing will be tried again."""
    sentence = sentence_of(error)
    if not error.again:
        return sentence
    return _("%(failure)s We tried several times and gave up.") % {"failure": sentence}
