"""Objects in storage, where Django's storages know no words: conditions, parts, signed addresses.

Local files and S3 (any server that speaks it), through whatever `default_storage` is. An ETag is
what the storage calls a version of an object; local files have none, their SHA-256 serves instead.
Source: Amazon S3 API 2006-03-01.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage, storages

from jobs.pipeline.errors import PipelineError

BLOCK = 1024 * 1024
MOST_DELETED = 1000
GONE = frozenset({"404", "NoSuchKey", "NotFound"})
CHANGED = frozenset({"412", "PreconditionFailed"})


@dataclass(frozen=True, slots=True)
class Found:
    """An object as it is now in storage."""

    size: int
    etag: str


def is_local() -> bool:
    """Say whether objects are files on this machine."""
    return isinstance(storages["default"], FileSystemStorage)


def head(key: str) -> Found | None:
    """Size and version of an object, None when there is none. Raises STORAGE_AWAY."""
    if is_local():
        path = Path(default_storage.path(key))
        return Found(path.stat().st_size, "") if path.is_file() else None
    from botocore.exceptions import ClientError  # noqa: PLC0415 (slow, and only S3 needs it)

    with _told(key):
        try:
            answer = _client().head_object(Bucket=_bucket(), Key=key)
        except ClientError as error:
            if _code(error) in GONE:
                return None
            raise
    return Found(int(answer["ContentLength"]), str(answer["ETag"]).strip('"'))


def part(key: str, *, start: int, length: int, etag: str) -> bytes:
    """Some bytes of an object on S3, of one version of it.

    Raises UPLOAD_CHANGED, STORAGE_AWAY.
    """
    with _told(key):
        answer = _client().get_object(
            Bucket=_bucket(), Key=key, Range=f"bytes={start}-{start + length - 1}", IfMatch=etag
        )
        content: bytes = answer["Body"].read()
    return content


def copy(key: str, into: Path, *, etag: str = "") -> str:
    """Copy an object to a file, of the version `etag` where one is given; returns its SHA-256.

    Raises UPLOAD_CHANGED when there is no such object (any more), STORAGE_AWAY.
    """
    found = hashlib.sha256()
    with _told(key), into.open("wb") as target:
        for block in _blocks(key, etag):
            found.update(block)
            target.write(block)
    return found.hexdigest()


def save(key: str, content: File[bytes]) -> str:
    """Store what is in a file; the key that it went to. Raises STORAGE_AWAY."""
    with _told(key):
        return default_storage.save(key, content)


def read(key: str) -> bytes:
    """All of a small object. Raises UPLOAD_CHANGED (gone), STORAGE_AWAY."""
    return b"".join(blocks(key))


def blocks(key: str) -> Iterator[bytes]:
    """What an object holds, a block at a time. Raises UPLOAD_CHANGED (gone), STORAGE_AWAY.

    Storages that are opened like a file hold all of an object of S3 in memory.
    """
    with _told(key):
        yield from _blocks(key, "")


def signed_put(key: str, *, seconds: int, content_type: str, size: int | None) -> str:
    """An address on S3 to which one object can be PUT, with this type and size where they are set.

    What is set is signed, and so must be sent.
    """
    bound: dict[str, Any] = {"Bucket": _bucket(), "Key": key}
    if content_type:
        bound["ContentType"] = content_type
    if size is not None:
        bound["ContentLength"] = size
    url: str = _client().generate_presigned_url("put_object", Params=bound, ExpiresIn=seconds)
    return url


def signed_get(key: str, *, seconds: int, disposition: str, content_type: str) -> str:
    """An address on S3 from which one object can be fetched, under these headers."""
    bound = {
        "Bucket": _bucket(),
        "Key": key,
        "ResponseContentDisposition": disposition,
        "ResponseContentType": content_type,
    }
    url: str = _client().generate_presigned_url("get_object", Params=bound, ExpiresIn=seconds)
    return url


def delete(keys: Sequence[str]) -> None:
    """Delete objects; one that isn't there is no matter. Raises STORAGE_AWAY."""
    if is_local():
        with _told(f"{len(keys)} files"):
            for key in keys:
                default_storage.delete(key)
        return
    for first in range(0, len(keys), MOST_DELETED):
        batch = [{"Key": key} for key in keys[first : first + MOST_DELETED]]
        with _told(f"{len(batch)} objects"):
            answer = _client().delete_objects(
                Bucket=_bucket(), Delete={"Objects": batch, "Quiet": True}
            )
            if answer.get("Errors"):
                raise PipelineError("STORAGE_AWAY", detail=str(answer["Errors"][0]))


def all_keys(prefix: str) -> Iterator[tuple[str, datetime]]:
    """Every object below `prefix` (it ends with a slash), and when it was last written."""
    if is_local():
        root = Path(default_storage.path(""))
        for folder, _, names in os.walk(root / prefix):
            for path in (Path(folder, name) for name in names):
                when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield str(PurePosixPath(path.relative_to(root))), when
        return
    with _told(prefix):
        pages = _client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=_bucket(), Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield entry["Key"], entry["LastModified"]


def _blocks(key: str, etag: str) -> Iterator[bytes]:
    if is_local():
        with default_storage.open(key) as file:
            while block := file.read(BLOCK):
                yield block
        return
    condition = {"IfMatch": etag} if etag else {}
    yield from (
        _client().get_object(Bucket=_bucket(), Key=key, **condition)["Body"].iter_chunks(BLOCK)
    )


def _client() -> Any:
    return storages["default"].connection.meta.client  # type: ignore[attr-defined]


def _bucket() -> str:
    name: str = storages["default"].bucket_name  # type: ignore[attr-defined]
    return name


def _code(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


@contextmanager
def _told(key: str) -> Iterator[None]:
    """Tell the storage's errors in our words."""
    if is_local():
        try:
            yield
        except FileNotFoundError as error:
            raise PipelineError("UPLOAD_CHANGED", detail=f"{key} is gone") from error
        except OSError as error:  # the disk is full or broken, or not ours to write to
            raise PipelineError("STORAGE_AWAY", detail=f"{key}: {error}") from error
        return
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 (half a second that only S3 needs)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in GONE | CHANGED:
            raise PipelineError("UPLOAD_CHANGED", detail=f"{key}: {code}") from error
        raise PipelineError("STORAGE_AWAY", detail=f"{key}: {code}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise PipelineError("STORAGE_AWAY", detail=f"{key}: {error}") from error
