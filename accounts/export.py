"""Everything that we hold on a person, as one ZIP: rows as JSON, and every file.

It is made while it is sent, so that its size costs no memory.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from accounts.queries import profile_of
from billing.models import CreditTransaction, Purchase
from billing.queries import plan_of
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

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK = 256 * 1024

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
    """Send the ZIP piece by piece."""
    outbox = Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("README.txt", README)
        for name, rows in documents_of(user):
            archive.writestr(name, json.dumps(rows, cls=JSONEncoder, indent=1, ensure_ascii=False))
            yield outbox.take()
        for name, key in files_of(user):
            yield from _file(archive, outbox, name, key)
    yield outbox.take()


def documents_of(user: User) -> Iterator[tuple[str, Any]]:
    """Name and content of each JSON file."""
    yield "account.json", _account(user)
    jobs = DubbingJob.objects.filter(user=user).order_by("pk").prefetch_related("tasks")
    yield "jobs.json", [_job(job) for job in jobs]
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
    yield "purchases.json", [_purchase(purchase) for purchase in _purchases_of(user)]
    downloads = Download.objects.filter(user=user)
    yield "downloads.json", _rows(downloads, "artifact__job__public_id", "artifact__name", "at")


def files_of(user: User) -> Iterator[tuple[str, str]]:
    """Name in the ZIP, and key in storage, of each file."""
    uploads = Upload.objects.filter(user=user, arrived_at__isnull=False, gone_at=None)
    for upload in uploads.order_by("pk"):
        yield f"files/uploads/{upload.pk}-{_safe(upload.name)}", upload.key
    results = Artifact.objects.filter(job__user=user, working=False, gone_at=None)
    for artifact in results.select_related("job").order_by("pk"):
        name = f"{artifact.pk}-{_safe(artifact.name)}"
        yield f"files/{artifact.job.public_id}/{name}", artifact.object_key


def _file(archive: zipfile.ZipFile, outbox: Outbox, name: str, key: str) -> Iterator[bytes]:
    try:
        source = default_storage.open(key)
    except FileNotFoundError:  # its time was over in this very moment
        return
    with source, archive.open(name, "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            yield outbox.take()


def _account(user: User) -> dict[str, Any]:
    return {
        **profile_of(user),
        "plan": plan_of(user).id,
        "mailWhenDone": user.mail_when_done,
        "emailVerifiedAt": user.email_verified_at,
        "lastSignIn": user.last_login,
        "supabaseId": user.supabase_id,
        "apiKeys": _rows(user.api_keys, "name", "start", "created_at", "last_used_at"),
        "apiSessions": _rows(user.api_sessions, "created_at", "expires_at", "ended_at", "end"),
        "networksYouSignedInFrom": _rows(user.known_networks, "last_at"),
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
        "refunds": _rows(purchase.refunds, "cents", "credits", "status", "created_at"),
        "disputes": _rows(purchase.disputes, "cents", "credits", "status", "created_at"),
    }


def _rows(rows: Any, *columns: str) -> list[dict[str, Any]]:
    found: QuerySet[Any, dict[str, Any]] = rows.order_by("pk").values(*columns)
    return list(found)


def _safe(name: str) -> str:
    kept = "".join(letter if letter.isprintable() else "_" for letter in name)
    return kept.replace("/", "_").replace("\\", "_")[-150:] or "file"
