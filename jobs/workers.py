"""Which process is working, in words that another process can check, and how hard.

A name is host:boot:pid-namespace:pid:start. Only a process of the same host, boot and namespace can
say for sure that another is gone; for everybody else the lease decides.
"""

import os
import resource
import socket
from functools import cache
from pathlib import Path


def this_worker() -> str:
    """The name of this process."""
    return _name(os.getpid())


def neighbourhood() -> str:
    """How the names of all processes begin that this one can judge."""
    return _neighbourhood() + ":"


def is_dead(worker: str) -> bool:
    """Whether this is a process of our neighbourhood that is gone; False when we can't know."""
    if not worker.startswith(neighbourhood()):
        return False
    pid, _, start = worker.removeprefix(neighbourhood()).partition(":")
    return _start_of(int(pid)) != start


def group_of(worker: str) -> int | None:
    """The process group of a living worker of our neighbourhood."""
    if is_dead(worker) or not worker.startswith(neighbourhood()):
        return None
    try:
        return os.getpgid(int(worker.removeprefix(neighbourhood()).partition(":")[0]))
    except ProcessLookupError:
        return None


def processor_seconds() -> float:
    """Seconds of processor time that this process and all children that it reaped have used."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


@cache
def _name(pid: int) -> str:
    # Cached by pid, not for good: a forked child must not go by its parent's name.
    return f"{neighbourhood()}{pid}:{_start_of(pid)}"


@cache
def _neighbourhood() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    return f"{socket.gethostname()}:{boot}:{namespace}"


def _start_of(pid: int) -> str:
    """When the process started, in ticks since the boot; empty when there is none, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The second field is the program's name in brackets, which may hold anything.
    state, *rest = fields.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else rest[18]
