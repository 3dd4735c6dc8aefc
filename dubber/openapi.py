"""The API's description of itself, made from the views."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from dubber.etags import etag_of, not_modified
from dubber.openapi_examples import EXAMPLES

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error", "message", "details", "status_code", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "A stable code.", "example": "not_found"},
        "message": {"type": "string", "description": "A sentence that a person may read."},
        "details": {"type": "object", "additionalProperties": True},
        "status_code": {"type": "integer", "example": 404},
        "request_id": {"type": "string"},
        "retry_after": {"type": "integer", "description": "Seconds; with 429 and 503."},
        "voice_duration": {"type": "number"},
        "background_duration": {"type": "number"},
    },
}
TOLD: Mapping[str, str] = {
    "400": "What was sent makes no sense",
    "401": "Nobody is signed in, or the token is good no longer",
    "402": "Too few credits",
    "403": "This person may not",
    "404": "Nothing there, or somebody else's",
    "409": "Something stands in the way",
    "410": "It was there, and is no longer",
    "413": "Too large",
    "415": "Not a type that is taken here",
    "422": "The Idempotency-Key belongs to another request",
    "429": "Too many requests",
    "503": "Not now: try again after `Retry-After` seconds",
}
"""Every status that refuses, in words."""

RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
REQUEST_ID = {
    "X-Request-ID": {
        "description": "Names this request in our logs.",
        "required": True,
        "schema": {"type": "string"},
    }
}
RATE_HEADERS = {
    name: {"description": told, "schema": {"type": "integer"}}
    for name, told in {
        "X-RateLimit-Limit": "Requests allowed in one window.",
        "X-RateLimit-Remaining": "Requests left in this window.",
        "X-RateLimit-Reset": "When the window ends, in seconds since 1970.",
    }.items()
}


COMPONENT = re.compile(r"#/components/schemas/(?:Patched)?(\w+?)(?:Request)?")
"""A body's name, of which the description has another form for what is sent."""

CODE = re.compile(r"`([a-z_]+)`")
IDEMPOTENCY_KEY = "Idempotency-Key"
BODY: Mapping[str, Sequence[str]] = {
    "400": ["validation_error"],
    "413": ["too_large"],
    "415": ["unsupported_media"],
}
"""How whatever reads a body refuses one."""


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """What a bearer token may be; drf-spectacular finds this by its base class."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Describe it."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token from `login`, a Supabase access token, or an API key.",
        }


class OpenApi(APIView):
    """`/openapi.json`."""

    schema = None  # it describes all but itself
    authentication_classes: Sequence[type] = ()
    permission_classes: Sequence[type] = ()

    def get(self, request: Request) -> HttpResponseBase:
        """Send the description, unless it is known."""
        document, etag = description()
        if (known := not_modified(request, etag)) is not None:
            return known
        return HttpResponse(document, content_type="application/json", headers={"ETag": etag})


@cache
def description() -> tuple[bytes, str]:
    """The description as JSON, and its ETag. It only changes with our code: it is made once."""
    told = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return JSONRenderer().render(told), etag_of(told)


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """Show the API with Swagger UI, where calls can be tried."""
    return _page(request, "docs/swagger.html")


@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """Show the API with Redoc, for reading."""
    return _page(request, "docs/redoc.html")


def refuses(*codes: str) -> OpenApiResponse:
    """How a view refuses in ways of its own, for `extend_schema(responses={status: …})`."""
    return OpenApiResponse(description=", ".join(f"`{code}`" for code in codes))


def add_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of every operation how it says no; drf-spectacular's POSTPROCESSING_HOOKS.

    A view names only the codes that are its own, by `refuses`.
    """
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            for status, codes in expected_codes(path, method, operation).items():
                own = responses.get(status, {})
                if "content" not in own:
                    named = CODE.findall(own.get("description", ""))
                    responses[status] = _refusal(status, sorted({*codes, *named}))
            for response in responses.values():
                response.setdefault("headers", {}).update(RATE_HEADERS | REQUEST_ID)
    return result


def add_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Show what bodies look like; drf-spectacular's POSTPROCESSING_HOOKS."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                for content in body.get("content", {}).values():
                    _show(content)
    return result


def _show(content: dict[str, Any]) -> None:
    many = "items" in content["schema"]
    schema = content["schema"]["items"] if many else content["schema"]
    found = COMPONENT.fullmatch(schema.get("$ref", ""))
    if found and found[1] in EXAMPLES:
        example = EXAMPLES[found[1]]
        content["example"] = [example] if many else example


def expected_codes(path: str, method: str, operation: dict[str, Any]) -> dict[str, set[str]]:
    """The codes that an operation may answer by what it takes and who may use it, by status.

    What its view names is in it with no code yet.
    """
    places = {(one["in"], one["name"]) for one in operation.get("parameters", ())}
    once = ("header", IDEMPOTENCY_KEY) in places
    security = operation.get("security", ())
    codes: dict[str, set[str]] = {one: set() for one in operation["responses"] if one in TOLD}
    rules: Sequence[tuple[bool, Mapping[str, Sequence[str]]]] = (
        (True, {"429": ["rate_limit_exceeded"], "503": ["service_busy"]}),
        (any(place == "query" for place, _ in places), {"400": ["validation_error"]}),
        ("requestBody" in operation or once, BODY),
        (once, {"409": ["conflict"], "422": ["idempotency_mismatch"]}),
        (bool(security), {"401": ["authentication_required"]}),
        (bool(security) and method != "get", {"403": ["permission_denied"]}),
        (bool(security) and {} not in security, {"403": ["permission_denied", "email_unverified"]}),
        ("{" in path, {"404": ["not_found"]}),
        ("{public_id}" in path, {"404": ["job_not_found"]}),
    )
    for applies, more in rules:
        for status, named in more.items() if applies else ():
            codes.setdefault(status, set()).update(named)
    return codes


def _refusal(status: str, codes: Sequence[str]) -> dict[str, Any]:
    fixed = {"error": {"enum": list(codes)}, "status_code": {"enum": [int(status)]}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": fixed}]}
    return {
        "description": f"{TOLD[status]}: {', '.join(f'`{code}`' for code in codes)}",
        "content": {"application/json": {"schema": schema}},
        "headers": dict(RETRY_AFTER) if status in {"429", "503"} else {},
    }


def _page(request: HttpRequest, template: str) -> HttpResponse:
    response = render(request, template)
    response["Content-Security-Policy"] = settings.DOCS_CONTENT_SECURITY_POLICY
    return response
