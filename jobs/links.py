"""Addresses that carry their own permission: to send one file, or to fetch one.

A signature holds for one purpose and for exactly the values that it was made of.
"""

import base64
import hashlib
import hmac

from django.conf import settings

from jobs.models import Artifact, Upload

CHARACTERS = 22  # of a signature: 132 bits


def upload_url(upload: Upload) -> str:
    """Where the customer sends this file to when it is kept on this machine."""
    return f"{settings.SITE_URL}/uploads/{upload.pk}.{_signature('upload', upload.pk, upload.key)}"


def is_upload_signature(upload: Upload, signature: str) -> bool:
    """Say whether this is the signature of the file's address."""
    return hmac.compare_digest(_signature("upload", upload.pk, upload.key), signature)


def download_url(artifact_id: int, number: int) -> str:
    """Where a file can be fetched from, by whoever uses link `number` first."""
    signature = _signature("download", artifact_id, number)
    return f"{settings.SITE_URL}/d/{artifact_id}.{number}.{signature}"


def link_of(artifact: Artifact) -> str:
    """The current link of a file."""
    return download_url(artifact.pk, artifact.link)


def is_download_signature(artifact_id: int, number: int, signature: str) -> bool:
    """Say whether this is the signature of that link."""
    return hmac.compare_digest(_signature("download", artifact_id, number), signature)


def take_url(take_id: int, until: int) -> str:
    """Where a spoken line can be heard, by whoever has the address, until a Unix time."""
    return f"{settings.SITE_URL}/lines/{take_id}.{until}.{_signature('take', take_id, until)}"


def is_take_signature(take_id: int, until: int, signature: str) -> bool:
    """Say whether this is the signature of that address."""
    return hmac.compare_digest(_signature("take", take_id, until), signature)


def _signature(purpose: str, *values: object) -> str:
    message = ":".join([purpose, *map(str, values)])
    digest = hmac.digest(settings.LINK_KEY.encode(), message.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode()[:CHARACTERS]
