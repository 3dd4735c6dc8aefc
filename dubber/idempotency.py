"""`Idempotency-Key`: asking the same twice does it once.

The first request with a key claims a row, by an INSERT that only one can win. A refusal changed
nothing, so it is not kept: the same request is judged anew. A request that is silent for 60 s may
be taken over, so the service behind must be safe to repeat by itself.
"""

import functools
import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from dubber.errors import Conflict, UserError
from dubber.models import KeptAnswer

View = TypeVar("View", bound=Callable[..., Response])

KEPT = timedelta(hours=24)
SILENT = timedelta(seconds=60)
KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="The same request with the same key is done once, for 24 hours.",
)
HEADERS = ("Location",)
"""Headers of an answer that are kept with it."""


def idempotent(view: View) -> View:
    """Let a method of an ApiView obey `Idempotency-Key`, which is optional."""

    @functools.wraps(view)
    def answer(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return view(self, request, *args, **kwargs)
        kept = claim(str(request.user.pk), key=checked_key(key), asked=digest_of(request))
        if kept.status is not None:
            return Response(kept.body, status=kept.status, headers=kept.headers)
        try:
            response = view(self, request, *args, **kwargs)
        except Exception:
            release(kept)
            raise
        keep(kept, response) if response.status_code < 400 else release(kept)
        return response

    return cast(View, extend_schema(parameters=[KEY])(answer))


def reference_of(request: Request) -> str | None:
    """What the key stands for all over the service: for vendors with idempotency of their own."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    return hashlib.sha256(f"{request.user.pk} {request.path} {key}".encode()).hexdigest()


def checked_key(key: str) -> str:
    """The key, if it may be one. Raises UserError."""
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise UserError(
            "validation_error", _("An Idempotency-Key is 1 to 255 printable ASCII characters.")
        )
    return key


def digest_of(request: Request) -> str:
    """Tell requests apart by method, path and what they ask for."""
    body = json.dumps(request.data, cls=JSONEncoder, sort_keys=True, ensure_ascii=False)
    asked = f"{request.method} {request.path.rstrip('/')}\n{body}"
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()


def claim(owner: str, *, key: str, asked: str) -> KeptAnswer:
    """The row of this request: `status` says whether it was answered, else it is ours to answer.

    Raises UserError idempotency_mismatch, Conflict while another runs.
    """
    now = timezone.now()
    KeptAnswer.objects.filter(owner=owner, key=key, expires_at__lte=now).delete()
    mine = KeptAnswer(
        owner=owner, key=key, asked=asked, run=uuid.uuid4(), started_at=now, expires_at=now + KEPT
    )
    try:
        with transaction.atomic():
            mine.save(force_insert=True)
    except IntegrityError:
        return _of_another(owner, key, asked)
    return mine


def keep(kept: KeptAnswer, response: Response) -> None:
    """Keep an answer, unless somebody took the request over in the meantime."""
    _running(kept).update(
        status=response.status_code,
        body=json.loads(json.dumps(response.data, cls=JSONEncoder)),
        headers={name: response[name] for name in HEADERS if name in response},
    )


def release(kept: KeptAnswer) -> None:
    """Let the next request with this key be the first."""
    _running(kept).delete()


def forget_expired() -> int:
    """Remove answers whose time is over; how many there were."""
    return KeptAnswer.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def forget_owner(owner: str) -> None:
    """Remove every answer to one person."""
    KeptAnswer.objects.filter(owner=owner).delete()


def _running(kept: KeptAnswer) -> Any:
    return KeptAnswer.objects.filter(pk=kept.pk, run=kept.run, status__isnull=True)


def _of_another(owner: str, key: str, asked: str) -> KeptAnswer:
    kept = KeptAnswer.objects.filter(owner=owner, key=key).first()
    if kept is None:  # it was refused in this very moment
        raise _still_running()
    if kept.asked != asked:
        raise UserError(
            "idempotency_mismatch",
            _("This Idempotency-Key was used for another request. Use a new one."),
            status=422,
        )
    if kept.status is not None:
        return kept
    run, now = uuid.uuid4(), timezone.now()
    silent = _running(kept).filter(started_at__lte=now - SILENT)
    if not silent.update(run=run, started_at=now):
        raise _still_running()
    kept.run, kept.started_at = run, now
    return kept


def _still_running() -> Conflict:
    return Conflict(_("The first request with this key still runs. Ask again."), retry_after=1)
