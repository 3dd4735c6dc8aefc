"""Other programs, run to one answer (`run`) or kept for many (`Child`, whose module `serve`s).

Nothing that we start outlives, outgrows or outlasts us: see `program`.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from jobs.pipeline.errors import FAILURES, PipelineError, ProviderFailed
from jobs.pipeline.program import POLL, Bounds, Clock, Finished, Program, Stop, read, write

LARGEST_ANSWER = 64 * 1024**2  # bytes of one answer
ROOT = Path(__file__).parents[2]  # where the packages of ours are
LAST_WORDS = 2.0  # seconds that a child which hung up gets to say why
PIPES = "CHILD_PIPES"  # tells a child the numbers of its two private pipes


def run(
    argv: Sequence[str],
    *,
    deadline: float,
    memory: int | None = None,
    cpu: float | None = None,
    file_size: int | None = None,
    stdin: bytes | None = None,
    stop: Stop | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Run a program to its end and give its output; a program that isn't there ends with code 127.

    deadline is in seconds from now; memory (address space) and file_size are in bytes, cpu in
    seconds. `stop` is called about ten times a second and may raise. Raises OUT_OF_TIME, and
    MEDIA_TOOL for an answer over LARGEST_ANSWER.
    """
    clock = Clock(deadline, stop)
    with _as_file(stdin) as source:
        program = Program(
            argv,
            clock=clock,
            bounds=Bounds(memory, cpu, file_size),
            stdin=source,
            env=env,
            cwd=cwd,
        )
        with program:
            answer = bytearray()
            while chunk := program.read(65536):
                answer += chunk
                if len(answer) > LARGEST_ANSWER:
                    raise PipelineError("MEDIA_TOOL", detail=f"{argv[0]}: endless answer")
            return program.finish(bytes(answer))


@contextmanager
def _as_file(stdin: bytes | None) -> Iterator[int | IO[bytes]]:
    # A file, not a pipe: a program that writes before it has read everything can't lock us out.
    if stdin is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file


class Child:
    """A module of ours running in another process: one JSON object in, one JSON object out.

    It starts with the first question (and again after it died), and ends when the block is left,
    when `close` is called, or when we die. Sounds pass by file path. Safe to use from several
    threads, which take turns.
    """

    def __init__(
        self,
        module: str,
        *,
        deadline: float,
        memory: int | None = None,
        engine: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet.

        deadline is the seconds that one answer may take, memory bytes of address space, engine the
        name that errors give it.
        """
        self.module = module
        self.deadline = deadline
        self.memory = memory
        self.engine = engine or module.rpartition(".")[2]
        self.env = dict(env or {})
        self._turn = threading.Lock()
        self._program: Program | None = None
        self._questions = self._answers = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self,
        question: Mapping[str, Any],
        *,
        deadline: float | None = None,
        stop: Stop | None = None,
    ) -> dict[str, Any]:
        """Its answer. Raises ProviderFailed (its own code, or ENGINE_FAILED) and OUT_OF_TIME."""
        with self._turn:
            clock = Clock(deadline or self.deadline, stop)
            try:
                program = self._started(clock)
                write(self._questions, json.dumps(question).encode() + b"\n", clock)
                answer = json.loads(self._line(clock))
            except (BrokenPipeError, EOFError, json.JSONDecodeError) as error:
                program.wait(LAST_WORDS)
                self._end()
                detail = program.stderr.decode(errors="replace")
                raise ProviderFailed("ENGINE_FAILED", detail=detail, engine=self.engine) from error
            except BaseException:
                self._end()  # its answer may still come, and would be taken for the next one
                raise
        if "error" in answer:
            raise self._failure(answer)
        return dict(answer)

    def close(self) -> None:
        """End it now."""
        with self._turn:
            self._end()

    def _started(self, clock: Clock) -> Program:
        if self._program is not None and self._program.running:
            return self._program
        self._end()
        theirs_in, questions = os.pipe()
        answers, theirs_out = os.pipe()
        try:
            self._program = Program(
                [sys.executable, "-P", "-m", self.module],
                clock=clock,
                bounds=Bounds(memory=self.memory),
                stdout=subprocess.DEVNULL,
                env={"PYTHONPATH": str(ROOT), PIPES: f"{theirs_in},{theirs_out}", **self.env},
                pass_fds=(theirs_in, theirs_out),
            )
        except BaseException:
            os.close(questions)
            os.close(answers)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self._questions, self._answers = questions, answers
        return self._program

    def _line(self, clock: Clock) -> bytes:
        line = bytearray()
        while not line.endswith(b"\n"):
            chunk = read(self._answers, 65536, clock)
            if not chunk or len(line) > LARGEST_ANSWER:
                raise EOFError
            line += chunk
        return bytes(line)

    def _failure(self, answer: Mapping[str, Any]) -> ProviderFailed:
        code = answer["error"] if answer["error"] in FAILURES else "ENGINE_FAILED"
        fields = {"engine": self.engine, **answer.get("fields", {})}
        return ProviderFailed(code, detail=str(answer.get("detail", "")), **fields)

    def _end(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program = None
            os.close(self._questions)
            os.close(self._answers)


def serve(answer: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """Answer a `Child`'s questions until it hangs up; the last line of a child module.

    `answer` may raise PipelineError; anything else ends the child, traceback on standard error.
    """
    theirs_in, theirs_out = map(int, os.environ.pop(PIPES).split(","))
    with (
        os.fdopen(theirs_in, "rb") as questions,
        os.fdopen(theirs_out, "wb", buffering=0) as answers,
    ):
        for line in questions:
            try:
                said = dict(answer(json.loads(line)))
            except PipelineError as error:
                said = {"error": error.code, "detail": error.detail, "fields": error.fields}
            answers.write(json.dumps(said).encode() + b"\n")


@contextmanager
def heavy(slots: Path, *, count: int = 1, stop: Stop | None = None) -> Iterator[None]:
    """Hold one of `count` machine-wide places for a heavy child; waits until one is free.

    slots is a directory that all workers of the machine share. A place is a file lock, so that it
    is free again when its holder dies.
    """
    slots.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(count):
            place = os.open(slots / f"heavy-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(place)
                continue
            try:
                yield
            finally:
                os.close(place)
            return
        if stop is not None:
            stop()
        time.sleep(POLL)
