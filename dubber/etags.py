"""Entity tags over stored values, so that a client that knows an answer need not get it again."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest
from django.utils.cache import get_conditional_response
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder


def etag_of(*values: Any) -> str:
    """A tag that changes exactly when one of the values does."""
    text = json.dumps(values, cls=JSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def not_modified(request: Request | HttpRequest, etag: str) -> Response | None:
    """The answer 304 (or 412 for If-Match) to somebody who knows this tag, else nothing."""
    plain = request._request if isinstance(request, Request) else request
    conditional = get_conditional_response(plain, etag=etag)
    if conditional is None:
        return None
    return Response(status=conditional.status_code, headers={"ETag": etag})
