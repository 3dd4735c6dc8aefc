"""A failure of the pipeline, as it is told to the person who asked for something impossible."""

from dubber.errors import UserError
from jobs.pipeline.errors import PipelineError

STATUS = {"TOO_LARGE": 413, "NO_SPACE": 503, "OUT_OF_TIME": 503, "MEDIA_TOOL": 503}


def refusal(error: PipelineError) -> UserError:
    """The same code in lower case, the same sentence."""
    return UserError(error.code.lower(), str(error), status=STATUS.get(error.code, 400))
