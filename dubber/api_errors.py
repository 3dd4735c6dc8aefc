"""The one shape in which the API says no: the same in debug, whatever went wrong."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import (
    ValidationError as ModelValidationError,
)
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from dubber.errors import UserError
from jobs.pipeline.errors import PipelineError
from jobs.refusals import refusal

log = logging.getLogger("django.request")

BUSY_SECONDS = 5
STATUS: Sequence[tuple[type[Exception], int]] = (
    (Http404, 404),
    (PermissionDenied, 403),
    (RequestDataTooBig, 413),
    (SuspiciousOperation, 400),
    (OperationalError, 503),
)
"""What Django raises, the special before the general; everything else is a bug of ours."""

BESIDE = ("voice_duration", "background_duration", "retry_after")
"""Details that clients also look for at the top level."""

SENTENCES: Mapping[int, tuple[str, str]] = {
    400: ("validation_error", "This request can't be understood."),
    401: ("authentication_required", "Sign in first."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address doesn't take this method."),
    406: ("not_acceptable", "We can't answer in the format that was asked for."),
    409: ("conflict", "This has changed in the meantime. Reload and try again."),
    412: ("precondition_failed", "This is no longer what If-Match names. Load it again."),
    413: ("too_large", "This request is too large."),
    415: ("unsupported_media", "Send application/json."),
    429: ("rate_limit_exceeded", "Too many requests. Try again later."),
    500: ("internal_error", "Something went wrong on our side. Try again later."),
    503: ("service_busy", "We can't answer right now. Try again in a few seconds."),
}
"""Code and sentence for what carries none of its own."""


def error_response(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception of a view; Django REST framework's EXCEPTION_HANDLER."""
    request = context["request"]._request
    error = user_error(exc)
    if error.status >= 500 and not isinstance(exc, UserError):
        _tell(exc, error, request)
    set_rollback()
    headers = _headers(error, getattr(exc, "auth_header", None))
    return Response(envelope(error, request), status=error.status, headers=headers)


def plain_response(status: int, request: HttpRequest) -> JsonResponse:
    """Answer what never came to a view of the API: a wrong address, a wrong host."""
    status = status if status in SENTENCES else 400 if status < 500 else 500
    code, sentence = SENTENCES[status]
    return JsonResponse(
        envelope(UserError(code, _(sentence), status=status), request), status=status
    )


def json_response(error: UserError, request: HttpRequest) -> JsonResponse:
    """Answer a program that asked outside the API."""
    response = JsonResponse(envelope(error, request), status=error.status)
    if "retry_after" in error.details:
        response["Retry-After"] = str(error.details["retry_after"])
    return response


def envelope(error: UserError, request: HttpRequest) -> dict[str, object]:
    """The body of an error."""
    beside = {name: error.details[name] for name in BESIDE if name in error.details}
    return {
        "error": error.code,
        "message": error.message,
        "details": error.details,
        "status_code": error.status,
        "request_id": getattr(request, "request_id", ""),
        **beside,
    }


def user_error(exc: Exception) -> UserError:
    """The same, as it may be told. Whatever isn't known is a bug of ours."""
    if isinstance(exc, UserError):
        return exc
    if isinstance(exc, PipelineError):
        return refusal(exc)
    if isinstance(exc, exceptions.APIException):
        return _from_framework(exc)
    if isinstance(exc, ModelValidationError):
        return _invalid(exceptions.ValidationError(exc.messages).detail)
    status = next((status for kind, status in STATUS if isinstance(exc, kind)), 500)
    return _plain(status, **({"retry_after": BUSY_SECONDS} if status == 503 else {}))


def _from_framework(exc: exceptions.APIException) -> UserError:
    if isinstance(exc, exceptions.ValidationError):
        return _invalid(exc.detail)
    if isinstance(exc, exceptions.ParseError):
        return UserError("validation_error", _("The body isn't valid JSON."))
    if isinstance(exc, exceptions.AuthenticationFailed):
        return UserError("authentication_required", str(exc.detail), status=401)
    if isinstance(exc, exceptions.Throttled):
        return _plain(429, retry_after=int(getattr(exc, "wait", None) or 1))
    return _plain(exc.status_code if exc.status_code in SENTENCES else 400)


def _plain(status: int, **details: object) -> UserError:
    code, sentence = SENTENCES[status]
    return UserError(code, _(sentence), status=status, **details)


def _invalid(detail: Any) -> UserError:
    """Name the first thing that is wrong in the sentence, and all of them in the details."""
    fields = detail if isinstance(detail, Mapping) else {"non_field_errors": detail}
    place, said = _first(fields)
    sentence = said if place in {"", "non_field_errors"} else f"{place}: {said}"
    return UserError("validation_error", sentence, fields=fields)


def _first(wrong: Any) -> tuple[str, str]:
    """The place and the words of the first complaint."""
    if isinstance(wrong, Mapping):
        for name, inner in wrong.items():
            if inner:
                place, said = _first(inner)
                return (f"{name}.{place}" if place else str(name)), said
        return "", ""
    if isinstance(wrong, list):
        return _first(next((one for one in wrong if one), ""))
    return "", str(wrong)


def _headers(error: UserError, challenge: str | None) -> dict[str, str]:
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = challenge or "Bearer"
    if "retry_after" in error.details:
        headers["Retry-After"] = str(error.details["retry_after"])
    return headers


def _tell(exc: Exception, error: UserError, request: HttpRequest) -> None:
    """Log what went wrong on our side, and let Django's own listeners know."""
    log.error(
        "%s %s failed: %s",
        request.method,
        request.path,
        error.code,
        exc_info=exc,
        extra={"request_id": getattr(request, "request_id", ""), "status_code": error.status},
    )
    if not isinstance(exc, OperationalError):
        got_request_exception.send(sender=None, request=request)
