"""Running other programs: what they say goes to log files, and one failure stops them all."""

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from setup.failure import SetupFailed, failed


class Commands:
    """The programs that set-up runs in `root`, some of them at the same time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._logs: dict[str, Path] = {}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(
        self,
        what: str,
        *argv: str | Path,
        log: str,
        environment: Mapping[str, str] | None = None,
        may_stop: bool = True,
    ) -> None:
        """Run one program to its end; `what` says in the failure what it was for.

        With may_stop=False it is left to finish when another one fails: ending a package manager
        halfway leaves a mess. Raises SetupFailed.
        """
        path = self._log(log)
        with path.open("ab") as output:
            process = self._start(argv, output.fileno(), environment, may_stop=may_stop)
            try:
                code = process.wait()
            finally:
                with self._lock:
                    self._running.discard(process)
        if code:
            raise failed(what, path)

    def stop(self) -> None:
        """End every program that may be stopped, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()

    def _log(self, name: str) -> Path:
        """The log file of that name, emptied at its first use."""
        if name not in self._logs:
            path = self.root / "var" / "setup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
            self._logs[name] = path
        return self._logs[name]

    def _start(
        self,
        argv: Sequence[str | Path],
        output: int,
        environment: Mapping[str, str] | None,
        *,
        may_stop: bool,
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise SetupFailed("Set-up was stopped: run the same again.")
            process = subprocess.Popen(
                [str(part) for part in argv],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            if may_stop:
                self._running.add(process)
        return process


def say(sentence: str) -> None:
    """Tell what is being done now. Several threads do."""
    print(sentence, flush=True)  # noqa: T201 - the only voice of a program that runs before Django
