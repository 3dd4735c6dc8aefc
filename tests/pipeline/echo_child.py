"""A child process for the tests of `Child`."""

import os
import sys
import threading
from typing import Any

from jobs.pipeline.errors import PipelineError
from jobs.pipeline.process import serve


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Do what the question says."""
    if question["do"] == "pid":
        return {"pid": os.getpid()}
    if question["do"] == "fail":
        raise PipelineError("MODEL_MISSING", model="base", command="make setup")
    if question["do"] == "crash":
        raise ValueError("a bug of its own")
    if question["do"] == "hang":
        threading.Event().wait()
    if question["do"] == "print":
        sys.stdout.write('{"text": "not this"}\n')
        os.write(1, b"nor this\n")
    return {"text": question["text"]}


if __name__ == "__main__":
    serve(answer)
