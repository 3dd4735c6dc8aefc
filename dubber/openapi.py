"""The API's description of itself, made from the views."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.renderers import JSONRenderer

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
EXPECTED = {
    "400": "`validation_error`, or a code of what is wrong with the file",
    "401": "`authentication_required`",
    "403": "`permission_denied`, `email_unverified`, `plan_required`, `plan_limit`",
    "404": "`not_found`: nothing there, or somebody else's",
    "429": "`rate_limit_exceeded`, with `Retry-After`",
    "default": "Any other error, in the same shape",
}
RATE_HEADERS = {
    name: {"description": told, "schema": {"type": "integer"}}
    for name, told in {
        "X-RateLimit-Limit": "Requests allowed in one window.",
        "X-RateLimit-Remaining": "Requests left in this window.",
        "X-RateLimit-Reset": "When the window ends, in seconds since 1970.",
    }.items()
}


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


class OpenApi(SpectacularJSONAPIView):
    """`/openapi.json`."""

    renderer_classes = [JSONRenderer]
    authentication_classes: list[type] = []
    permission_classes: list[type] = []


@require_safe
def swagger(request: HttpRequest) -> HttpResponse:
    """Show the API with Swagger UI, where calls can be tried."""
    return _page(request, "docs/swagger.html")


@require_safe
def redoc(request: HttpRequest) -> HttpResponse:
    """Show the API with Redoc, for reading."""
    return _page(request, "docs/redoc.html")


def add_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of every operation how it says no; drf-spectacular's POSTPROCESSING_HOOKS."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    for operations in result["paths"].values():
        for operation in operations.values():
            for status, told in EXPECTED.items():
                operation["responses"].setdefault(status, _refusal(told))
            for response in operation["responses"].values():
                response.setdefault("headers", {}).update(RATE_HEADERS)
    return result


def _refusal(told: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": told, "content": {"application/json": {"schema": schema}}}


def _page(request: HttpRequest, template: str) -> HttpResponse:
    response = render(request, template)
    response["Content-Security-Policy"] = settings.DOCS_CONTENT_SECURITY_POLICY
    return response
