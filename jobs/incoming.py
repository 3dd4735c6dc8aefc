"""Files that customers send straight to this machine, as they come in over the wire.

They are streamed to a file beside their place and moved there when they are complete; what arrived
of a broken transfer stays, and the next one goes on from there. Nothing is held in memory, and
whoever sends too slowly is cut off.
"""

import fcntl
import hashlib
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dubber.errors import Conflict, UserError
from jobs.models import Upload
from jobs.pipeline.errors import PipelineError
from jobs.refusals import refusal
from jobs.uploads import is_used, too_large

SLOWEST = 10_000
"""Bytes a second that must come in, over each stretch of settings.UPLOAD_PATIENCE seconds."""

READ = 64 * 1024
"""Bytes read at a time: so many, at most, are lost of a connection that is."""

MOST_DISCARDED = 8 * 1024 * 1024
DISCARDED_IN = 3.0
"""Bytes of a refused file that are read for nothing, and the seconds that this may take."""

MOST_AT_ONCE = 6
BUSY_SECONDS = 10

_RANGE = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|\*)/(\d{1,15})", re.ASCII)
_turns = threading.BoundedSemaphore(MOST_AT_ONCE)


class Reads(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; fewer only at the end."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes of a file of `total` a transfer holds: none (`length` 0) asks how far it is."""

    start: int
    length: int
    total: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.length


def span_of(content_range: str | None, length: int) -> Span:
    """What a request sends: its Content-Range, or else the whole file. Raises UserError."""
    if content_range is None:
        return Span(0, length, length)
    found = _RANGE.fullmatch(content_range.strip())
    if found is None:
        raise UserError("validation_error", _("Send Content-Range as: bytes first-last/total."))
    first, last, total = found.groups()
    if first is None:
        return Span(0, 0, int(total))
    span = Span(int(first), int(last) - int(first) + 1, int(total))
    if span.length != length or span.end > span.total:
        raise UserError("validation_error", _("Content-Range and Content-Length don't agree."))
    return span


class Patience:
    """Stops reading from a connection on which too little comes in."""

    def __init__(self, connection: socket.socket | None, *, seconds: float) -> None:
        """Watch `connection`; None where the server doesn't show it: then nobody is cut off."""
        self.ran_out = False
        self._connection = connection
        self._seconds = seconds
        self._ended = threading.Event()
        self._due = time.monotonic() + seconds
        self._thread = threading.Thread(target=self._watch, name="patience", daemon=True)

    def begin(self) -> None:
        """Give the next block its time."""
        self._due = time.monotonic() + self._seconds

    def __enter__(self) -> Self:
        if self._connection is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._connection is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(max(0.0, self._due - time.monotonic())):
            if time.monotonic() >= self._due and self._connection is not None:
                self.ran_out = True
                self._connection.shutdown(socket.SHUT_RD)  # reading ends; an answer can be sent
                return


def receive(
    upload: Upload,
    body: Reads,
    *,
    span: Span,
    content_type: str = "",
    connection: socket.socket | None = None,
) -> int:
    """Take a file, or the part of it that a transfer holds; how many of its bytes are here now.

    With the last of them it is in its place, and written down. Raises UserError.
    """
    _refuse(upload, span, content_type)
    with _turn(), _partial(upload) as file:
        here = os.fstat(file.fileno()).st_size
        if span.length == 0:
            return upload.size if upload.arrived_at and upload.size else here
        _refuse_late(upload, here)
        if span.start not in {0, here}:
            raise Conflict(_("Go on where the transfer broke off."), received=here)
        file.truncate(span.start)
        file.seek(span.start)
        with Patience(connection, seconds=settings.UPLOAD_PATIENCE) as patience:
            _copy(body, file, span, patience)
        if span.end == span.total:
            _finish(upload, file)
    return span.end


def discard(body: Reads, *, length: int, connection: socket.socket | None = None) -> None:
    """Read what is left of a small body that was refused, so that its sender reads why.

    A connection that is closed while bytes are left in it is reset, and the answer lost with it.
    """
    if length > MOST_DISCARDED:
        return
    with suppress(OSError), Patience(connection, seconds=DISCARDED_IN):
        while body.read(READ):
            pass


def received(upload: Upload) -> int:
    """How many bytes are here of a file that has not arrived yet."""
    path = incoming_folder() / f"{upload.pk}.part"
    return path.stat().st_size if path.exists() else 0


def incoming_folder() -> Path:
    """Where transfers that are not complete lie, beside the files themselves."""
    folder = Path(default_storage.path("incoming"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _refuse(upload: Upload, span: Span, content_type: str) -> None:
    if span.total > upload.limit_bytes:
        raise refusal(too_large(span.total, upload.limit_bytes))
    if span.total == 0:
        raise refusal(PipelineError("EMPTY_FILE"))
    if upload.declared_size not in {None, span.total}:
        raise UserError("validation_error", _("The file has not the size that was announced."))
    if span.length and upload.content_type not in {"", content_type}:
        raise UserError(
            "unsupported_media", _("The file has not the type that was announced."), status=415
        )
    if _is_over(upload):
        raise _expired()
    if is_used(upload):
        raise Conflict(_("A dub was made of this file already. Start a new upload."))


def _refuse_late(upload: Upload, here: int) -> None:
    if not here and upload.start_by and timezone.now() > upload.start_by:
        raise _expired()


def _is_over(upload: Upload) -> bool:
    return upload.gone_at is not None or timezone.now() > upload.expires_at


def _expired() -> UserError:
    return UserError("link_expired", _("This address has expired. Ask for a new one."), status=410)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(blocking=False):
        raise UserError(
            "service_busy",
            _("Too many files arrive at once. Try again in a moment."),
            status=503,
            retry_after=BUSY_SECONDS,
        )
    try:
        yield
    finally:
        _turns.release()


@contextmanager
def _partial(upload: Upload) -> Iterator[BufferedRandom]:
    """Yield what is here of a file, for one transfer at a time."""
    path = incoming_folder() / f"{upload.pk}.part"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _being_sent() from error
        if not path.exists() or path.stat().st_ino != os.fstat(descriptor).st_ino:
            # Another transfer ended between opening and locking: this file is in its place now.
            raise _being_sent()
        yield file


def _being_sent() -> Conflict:
    """A connection that was lost without a word is given up in a while: then it goes on."""
    return Conflict(_("This file is being sent already."), retry_after=BUSY_SECONDS)


def _copy(body: Reads, file: BufferedRandom, span: Span, patience: Patience) -> None:
    left = due = span.length
    most = round(SLOWEST * settings.UPLOAD_PATIENCE)
    while left:
        if left <= due:
            patience.begin()
            due = left - most
        try:
            block = body.read(min(READ, left))
        except OSError:  # the customer is gone: what came before stays
            block = b""
        if not block:
            file.flush()
            raise _broken_off(patience, received=span.end - left)
        file.write(block)
        left -= len(block)


def _broken_off(patience: Patience, *, received: int) -> UserError:
    sentence = _("The file came in too slowly.") if patience.ran_out else _("The file broke off.")
    return UserError("validation_error", sentence, received=received)


def _finish(upload: Upload, file: BufferedRandom) -> None:
    """Put a complete file into its place, unless it has lost its permission on the way.

    That is: a dub was made of an earlier one, its account was deleted, or its day is over.
    """
    file.flush()
    os.fsync(file.fileno())
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = os.fstat(file.fileno()).st_size
    place = Path(default_storage.path(upload.key))
    place.parent.mkdir(parents=True, exist_ok=True)
    part = incoming_folder() / f"{upload.pk}.part"
    with transaction.atomic():
        row = Upload.objects.select_for_update().get(pk=upload.pk)
        if is_used(row):
            raise Conflict(_("A dub was made of this file already. Start a new upload."))
        if _is_over(row):
            part.unlink(missing_ok=True)
            raise _expired()
        part.replace(place)
        _sync(place.parent)
        row.size, row.sha256, row.arrived_at = size, sha256, timezone.now()
        row.source, row.duration_ms = {}, None
        row.save()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
