"""One running program that can't outlive, outgrow or outlast us.

It runs in its own process group, dies with us (`setpriv --pdeathsig`), obeys limits (`prlimit`),
sees no secrets in its environment, and is killed with its whole group at its deadline, on `stop`
raising, and on any other exception. Most callers want `process.run` or `process.Child`.
"""

import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from jobs.pipeline.errors import PipelineError

POLL = 0.1  # seconds between two looks at the deadline and at `stop`
STDERR_TAIL = 64 * 1024  # bytes of standard error that are kept, the last ones
GRACE = 5.0  # seconds that its standard error may stay open after its end
PASSED_ON = ("PATH", "HOME", "TMPDIR", "NUMBA_CACHE_DIR")
FIXED = {
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TZ": "UTC",
    # Every thread would reserve 64 MB of address space, and `prlimit --as` would end the program.
    "MALLOC_ARENA_MAX": "2",
}

Stop = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. stderr is its tail; a negative code is the signal that ended it."""

    stdout: bytes
    stderr: bytes
    code: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a program may use: bytes of address space, CPU seconds, bytes per written file."""

    memory: int | None = None
    cpu: float | None = None
    file_size: int | None = None

    def prefix(self) -> list[str]:
        """The words that put a command line under these bounds."""
        words = ["setpriv", "--pdeathsig", "KILL", "prlimit", "--core=0:0"]
        if self.memory is not None:
            words.append(f"--as={self.memory}")
        if self.cpu is not None:
            words.append(f"--cpu={max(1, round(self.cpu))}")
        if self.file_size is not None:
            words.append(f"--fsize={self.file_size}")
        return [*words, "--"]


class Clock:
    """A deadline, in seconds from now, and the question whether the work is still wanted."""

    def __init__(self, seconds: float, stop: Stop | None = None) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + seconds
        self.stop = stop

    def check(self) -> float:
        """Seconds until the next look. Raises OUT_OF_TIME, or what `stop` raises."""
        if self.stop is not None:
            self.stop()
        left = self.until - time.monotonic()
        if left <= 0:
            raise PipelineError("OUT_OF_TIME", detail=f"deadline of {self.seconds:.0f} s")
        return min(left, POLL)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a program that we run: nothing of ours but where things are."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": os.defpath, **kept, **FIXED, **(extra or {})}


class _Launcher:
    """Starts programs from one thread that lives as long as we do.

    The kernel sends the parent-death signal when the *thread* that started a program ends, so a
    program started from a pool's thread would die with the pool.
    """

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)  # threads don't survive a fork

    def _forget(self) -> None:
        self._executor = None
        self._lock = threading.Lock()

    def start(self, make: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="launcher")
            executor = self._executor
        return executor.submit(make).result()


_LAUNCHER = _Launcher()


class Program:
    """A running program whose pipes can't block us for good. Leaving the block kills its group."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        clock: Clock,
        bounds: Bounds,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> None:
        self.clock = clock
        self._popen = _LAUNCHER.start(
            lambda: subprocess.Popen(
                [*bounds.prefix(), *argv],
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                env=environment(env),
                pass_fds=pass_fds,
                cwd=cwd,
                start_new_session=True,
                bufsize=0,
            )
        )
        self._exit = os.pidfd_open(
            self._popen.pid
        )  # readable when it has ended, without reaping it
        self._killed = False
        self._tail: deque[bytes] = deque()
        self._drain = threading.Thread(target=self._keep_tail, daemon=True)
        self._drain.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return not self.wait(0)

    @property
    def stderr(self) -> bytes:
        """The last of what it wrote to standard error."""
        return b"".join(self._tail)[-STDERR_TAIL:]

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of its standard output; none at the end. Raises OUT_OF_TIME."""
        if self._popen.stdout is None:
            raise ValueError("standard output isn't piped")
        fd = self._popen.stdout.fileno()
        while True:
            ready = select.select([fd, self._exit], [], [], self.clock.check())[0]
            if fd in ready:
                return os.read(fd, size)
            if ready:  # it ended; what it left behind may hold the pipe open, but has no say
                return b""

    def write(self, block: bytes | memoryview) -> None:
        """Write all of it to its standard input. Raises OUT_OF_TIME and BrokenPipeError."""
        if self._popen.stdin is None:
            raise ValueError("standard input isn't piped")
        write(self._popen.stdin.fileno(), block, self.clock)

    def finish(self, stdout: bytes = b"") -> Finished:
        """End its input, wait for its end, and tell how it ended. Raises OUT_OF_TIME."""
        if self._popen.stdin is not None:
            with suppress(BrokenPipeError):
                self._popen.stdin.close()
        while not self.wait(self.clock.check()):
            pass
        self.kill()
        return Finished(stdout, self.stderr, self._popen.returncode)

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; True when it has ended."""
        return self._killed or bool(select.select([self._exit], [], [], seconds)[0])

    def kill(self) -> None:
        """End it and everything that it started, and reap it. Harmless the second time."""
        if self._killed:
            return
        self._killed = True
        with suppress(ProcessLookupError):  # not reaped yet, so the group's number is still its own
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        os.close(self._exit)
        self._drain.join(GRACE)
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _keep_tail(self) -> None:
        stderr = self._popen.stderr
        if stderr is None:
            return
        kept = 0
        with stderr:
            while chunk := stderr.read(4096):
                self._tail.append(chunk)
                kept += len(chunk)
                while kept - len(self._tail[0]) >= STDERR_TAIL:
                    kept -= len(self._tail.popleft())


def read(fd: int, size: int, clock: Clock) -> bytes:
    """Up to `size` bytes from a pipe; none at its end. Raises OUT_OF_TIME."""
    while not select.select([fd], [], [], clock.check())[0]:
        pass
    return os.read(fd, size)


def write(fd: int, block: bytes | memoryview, clock: Clock) -> None:
    """Write all of it to a pipe. Raises OUT_OF_TIME and BrokenPipeError."""
    os.set_blocking(fd, False)
    left = memoryview(block).cast("B")
    while left:
        if select.select([], [fd], [], clock.check())[1]:
            left = left[os.write(fd, left) :]
