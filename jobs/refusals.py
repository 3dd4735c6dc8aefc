"""A failure of the pipeline, as it is told to the person who asked for something impossible."""

from dubber.errors import UserError
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
    "not_captions",
)
"""Why a file can't be dubbed, as far as a look into it tells."""

BUSY = ("no_space", "out_of_time", "media_tool", "storage_away")
"""Why not now."""

STATUS = {"TOO_LARGE": 413, "UPLOAD_CHANGED": 409} | dict.fromkeys(
    (code.upper() for code in BUSY), 503
)


def refusal(error: PipelineError) -> UserError:
    """The same code in lower case, the same sentence."""
    return UserError(error.code.lower(), str(error), status=STATUS.get(error.code, 400))
