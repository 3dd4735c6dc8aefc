"""What every address of the API stands on."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from dubber.errors import UserError
from dubber.rate_limits import Limit, Spent, TooMany, limits_of, spend

Form = TypeVar("Form", bound=Serializer[Any])


class JsonRenderer(JSONRenderer):
    """Writes JSON in UTF-8, and half characters, which a refusal may repeat, as they were sent."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """The bytes of an answer."""
        try:
            content: bytes = super().render(data, *args, **kwargs)
        except UnicodeEncodeError:
            content = json.dumps(data, cls=self.encoder_class).encode()
        return content


class JsonParser(JSONParser):
    """Reads JSON; what is nested deeper than Python can follow is no JSON of ours."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        """The body. Raises ParseError."""
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError from error


class AlwaysJson(DefaultContentNegotiation):
    """Answers in the one format that there is, whatever a client says it accepts."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first one."""
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """A view of the API: authenticates, counts against the rate limits, then asks for permission.

    Counting comes before permission, so that guesses count too. `rate_limits` replaces the limits
    that the path has.
    """

    parser_classes = (JsonParser,)
    renderer_classes = (JsonRenderer,)
    content_negotiation_class = AlwaysJson
    rate_limits: ClassVar[tuple[Limit, ...] | None] = None
    spent: Spent | None = None

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and count the request. Raises TooMany."""
        limits = limits_of(request.path) if self.rate_limits is None else self.rate_limits
        try:
            super().perform_authentication(request)
        except (APIException, UserError):
            request.user = AnonymousUser()  # else counting would authenticate, and fail, again
            self.count_request(request, limits)
            raise
        self.count_request(request, limits)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Tell where the rate limit stands."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.spent is not None:
            for name, value in self.spent.headers.items():
                answer[name] = value
        return answer

    def count_request(self, request: Request, limits: Sequence[Limit]) -> None:
        """Count this request against these limits. Raises TooMany."""
        try:
            self.spent = spend(request._request, request.user, limits)
        except TooMany as error:
            self.spent = error.spent
            raise


def checked(form: type[Form], request: Request) -> dict[str, Any]:
    """The body, or for GET and HEAD the query, as `form` reads it. Raises ValidationError."""
    sent = request.query_params if request.method in {"GET", "HEAD"} else request.data
    serializer = form(data=sent)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
