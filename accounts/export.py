"""Everything that we hold on a person, as one ZIP: rows as JSON, and every file.

It is made while it is sent, so that its size costs no memory.
"""

import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from accounts.queries import profile_of
from billing.models import CreditTransaction, Purchase
from billing.queries import plan_of
from dubber.errors import Conflict, UserError
from jobs import objects
from jobs.glossary import glossary_of
from jobs.models import (
    Artifact,
    Download,
    Draft,
    DubbingJob,
    JobEvent,
    Line,
    Segment,
    Upload,
)
from jobs.pipeline.errors import PipelineError

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST_AT_ONCE = 2
"""Exports that one process sends at a time: each keeps a thread for as long as it takes."""

BUSY_SECONDS = 60
ROWS = 500
"""Rows that are read at a time."""

_busy_with: set[UUID] = set()
_lock = threading.Lock()

README = """Everything that Dubber holds on you.

account.json      your profile and how you sign in
jobs.json         your dubs and their languages
activity.json     what happened to them
drafts.json       dubs that you prepared and did not launch
texts.json        what was said in your recordings, and its translations
glossary.json     the words that are said as you say
credits.json      every entry on your credits
purchases.json    what you bought, and what went back of it
downloads.json    which files you fetched and when
files/            your recordings and what was made of them
"""


class Outbox(io.RawIOBase):
    """Takes what a ZIP writes, until somebody sends it on."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, content: Any, /) -> int:
        """Keep a piece."""
        self._waiting.append(bytes(content))
        return len(content)

    def take(self) -> bytes:
        """Everything that was written since the last time."""
        pieces, self._waiting = self._waiting, []
        return b"".join(pieces)


def export_of(user: User) -> Iterator[bytes]:
    """Send the ZIP piece by piece.

    Raises Conflict while one is sent to this person, and UserError service_busy.
    """
    pieces = _pieces(user)
    next(pieces)  # takes a turn, and holds nothing: a refusal must come before the answer begins
    return pieces


def _pieces(user: User) -> Iterator[bytes]:
    outbox = Outbox()
    with _turn(user), zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        yield b""
        archive.writestr("README.txt", README)
        for name, rows in documents_of(user):
            yield from _document(archive, outbox, name, rows)
        for name, key in files_of(user):
            yield from _file(archive, outbox, name, key)
    yield outbox.take()


def documents_of(user: User) -> Iterator[tuple[str, Any]]:
    """Name and content of each JSON file; rows are read while they are written."""
    yield "account.json", _account(user)
    jobs = DubbingJob.objects.filter(user=user).order_by("pk").prefetch_related("tasks")
    yield "jobs.json", (_job(job) for job in jobs.iterator(chunk_size=ROWS))
    events = JobEvent.objects.filter(job__user=user)
    yield "activity.json", _rows(events, "job__public_id", "task__language", "kind", "at")
    drafts = Draft.objects.filter(user=user)
    yield "drafts.json", _rows(drafts, "public_id", "choices", "captions_name", "captions")
    yield (
        "texts.json",
        {
            "said": _rows(
                Segment.objects.filter(job__user=user),
                *("job__public_id", "index", "start_ms", "end_ms", "speaker", "text"),
            ),
            "translated": _rows(
                Line.objects.filter(task__job__user=user),
                *("task__job__public_id", "task__language", "segment__index", "text", "spoken"),
                *("chosen_voice", "keep_original", "mute"),
            ),
        },
    )
    yield "glossary.json", glossary_of(user)
    entries = CreditTransaction.objects.filter(user=user)
    columns = ("kind", "amount", "balance_after", "description", "reason", "created_at")
    yield "credits.json", _rows(entries, *columns)
    yield "purchases.json", (_purchase(purchase) for purchase in _purchases_of(user))
    downloads = Download.objects.filter(user=user)
    yield "downloads.json", _rows(downloads, "artifact__job__public_id", "artifact__name", "at")


def files_of(user: User) -> Iterator[tuple[str, str]]:
    """Name in the ZIP, and key in storage, of each file."""
    uploads = Upload.objects.filter(user=user, arrived_at__isnull=False, gone_at=None)
    for upload in uploads.order_by("pk").iterator():
        yield f"files/uploads/{upload.pk}-{_safe(upload.name)}", upload.key
    results = Artifact.objects.filter(job__user=user, working=False, gone_at=None)
    for artifact in results.select_related("job").order_by("pk").iterator():
        name = f"{artifact.pk}-{_safe(artifact.name)}"
        yield f"files/{artifact.job.public_id}/{name}", artifact.object_key


def _document(archive: zipfile.ZipFile, outbox: Outbox, name: str, content: Any) -> Iterator[bytes]:
    with archive.open(name, "w", force_zip64=True) as target:
        for piece in _json(content):
            target.write(piece.encode())
            yield outbox.take()


def _file(archive: zipfile.ZipFile, outbox: Outbox, name: str, key: str) -> Iterator[bytes]:
    blocks = objects.blocks(key)
    try:
        first = next(blocks, b"")
    except PipelineError as error:
        if error.again:
            raise
        return  # its time was over in this very moment
    with archive.open(name, "w", force_zip64=True) as target:
        for block in chain([first], blocks):
            target.write(block)
            yield outbox.take()


def _json(content: Any) -> Iterator[str]:
    """Write JSON, a row at a time."""
    if isinstance(content, Iterator):
        yield "["
        for place, row in enumerate(content):
            yield (",\n" if place else "\n") + _dumped(row)
        yield "\n]"
    elif isinstance(content, Mapping):
        yield "{"
        for place, (name, value) in enumerate(content.items()):
            yield (",\n" if place else "\n") + _dumped(name) + ": "
            yield from _json(value)
        yield "\n}"
    else:
        yield _dumped(content)


def _dumped(content: Any) -> str:
    return json.dumps(content, cls=JSONEncoder, ensure_ascii=False)


@contextmanager
def _turn(user: User) -> Iterator[None]:
    """Let a person have one export at a time, and a process not be full of them."""
    with _lock:
        if user.pk in _busy_with:
            raise Conflict(_("Your data is being sent already."), retry_after=BUSY_SECONDS)
        if len(_busy_with) >= MOST_AT_ONCE:
            raise UserError(
                "service_busy",
                _("Too many people take their data along. Try again in a minute."),
                status=503,
                retry_after=BUSY_SECONDS,
            )
        _busy_with.add(user.pk)
    try:
        yield
    finally:
        with _lock:
            _busy_with.discard(user.pk)


def _account(user: User) -> dict[str, Any]:
    return {
        **profile_of(user),
        "plan": plan_of(user).id,
        "mailWhenDone": user.mail_when_done,
        "emailVerifiedAt": user.email_verified_at,
        "lastSignIn": user.last_login,
        "supabaseId": user.supabase_id,
        "apiKeys": list(_rows(user.api_keys, "name", "start", "created_at", "last_used_at")),
        "apiSessions": list(
            _rows(user.api_sessions, "created_at", "expires_at", "ended_at", "end")
        ),
        "networksYouSignedInFrom": list(_rows(user.known_networks, "last_at")),
    }


def _job(job: DubbingJob) -> dict[str, Any]:
    columns = ("language", "variant", "stage", "credits", "refunded", "error", "receipt")
    return {
        "id": job.public_id,
        "title": job.title,
        "status": job.status,
        "sourceLanguage": job.source_language,
        "heardLanguage": job.heard_language,
        "durationMs": job.duration_ms,
        "options": job.options,
        "createdAt": job.created_at,
        "finishedAt": job.finished_at,
        "languages": [
            {column: getattr(task, column) for column in columns} for task in job.tasks.all()
        ],
    }


def _purchases_of(user: User) -> Iterator[Purchase]:
    return Purchase.objects.filter(user=user).order_by("created_at").iterator()


def _purchase(purchase: Purchase) -> dict[str, Any]:
    columns = (
        *("plan", "credits", "amount_cents", "currency", "status", "created_at", "paid_at"),
        *("returned_cents", "returned_credits", "stripe_payment_intent_id", "receipt_url"),
    )
    return {
        **{column: getattr(purchase, column) for column in columns},
        "refunds": list(_rows(purchase.refunds, "cents", "credits", "status", "created_at")),
        "disputes": list(_rows(purchase.disputes, "cents", "credits", "status", "created_at")),
    }


def _rows(rows: Any, *columns: str) -> Iterator[dict[str, Any]]:
    found: QuerySet[Any, dict[str, Any]] = rows.order_by("pk").values(*columns)
    return found.iterator(ROWS)


def _safe(name: str) -> str:
    kept = "".join(letter if letter.isprintable() else "_" for letter in name)
    return kept.replace("/", "_").replace("\\", "_")[-150:] or "file"
