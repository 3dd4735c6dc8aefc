"""The process in which Qwen translates: 1.9 GB, which end with it."""

from functools import cache
from typing import Any

import xllamacpp

from jobs.pipeline.process import serve

CONTEXT = 4096  # tokens: the instructions, three examples, and the longest line with its answer
THREADS = 1  # on a busy machine two wait for each other and take ten times as long


@cache
def load(model: str) -> xllamacpp.Server:
    """The model, ready to answer one question at a time."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.warmup = False
    return xllamacpp.Server(params)


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Its most probable answer to a conversation, and whether it came to the answer's end."""
    said = load(question["model"]).handle_chat_completions(
        {
            "messages": question["messages"],
            "max_tokens": question["max_tokens"],
            "temperature": 0,
            "cache_prompt": True,  # the examples are the same for every line
        }
    )
    choice = said["choices"][0]
    return {
        "text": choice["message"]["content"] or "",
        "whole": choice["finish_reason"] == "stop",
    }


if __name__ == "__main__":
    serve(answer)
