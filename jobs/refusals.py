"""A failure of the pipeline, as it is told to the person who asked for something impossible."""

from dubber.errors import UserError
from jobs.pipeline.errors import PipelineError

STATUS = {"TOO_LARGE": 413, "UPLOAD_CHANGED": 409} | dict.fromkeys(
    ("NO_SPACE", "OUT_OF_TIME", "MEDIA_TOOL", "STORAGE_AWAY"), 503
)


def refusal(error: PipelineError) -> UserError:
    """The same code in lower case, the same sentence."""
    return UserError(error.code.lower(), str(error), status=STATUS.get(error.code, 400))
