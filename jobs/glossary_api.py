"""The API of a person's glossary."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from dubber.api import ApiView, checked
from jobs import glossary
from jobs.models.glossary import LONGEST_TERM
from jobs.options import MOST_TERMS
from jobs.pipeline.languages import LANGUAGES
from jobs.serializers import Form


class Term(Form):
    """A word of recordings, and how it is to be said: null is as it is, or for all languages."""

    source = serializers.CharField(max_length=LONGEST_TERM)  # type: ignore[assignment]
    target = serializers.CharField(max_length=LONGEST_TERM, allow_null=True, default=None)
    language = serializers.ChoiceField(list(LANGUAGES), allow_null=True, default=None)


class Glossary(Form):
    """All terms of a person."""

    terms = Term(many=True, max_length=MOST_TERMS)  # type: ignore[call-arg]


class GlossaryView(ApiView):
    """`/api/users/me/glossary`."""

    @extend_schema(operation_id="get_glossary", tags=["account"], responses={200: Glossary})
    def get(self, request: Request) -> Response:
        """Show the words that are said in a certain way in all of one's jobs."""
        return Response({"terms": glossary.glossary_of(_user(request))})

    @extend_schema(
        operation_id="replace_glossary",
        tags=["account"],
        request=Glossary,
        responses={200: Glossary},
    )
    def put(self, request: Request) -> Response:
        """Put other terms in place of all of them; jobs that were ordered already keep theirs."""
        terms = checked(Glossary, request)["terms"]
        return Response({"terms": glossary.replace_glossary(_user(request), terms=terms)})


def _user(request: Request) -> User:
    return cast(User, request.user)
