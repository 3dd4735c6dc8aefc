"""The API of what was heard and what is said: read it, correct it, make it anew."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from dubber.api import checked
from dubber.idempotency import idempotent
from jobs import editing
from jobs.api import JobView
from jobs.documents import document, rows_of_job
from jobs.editing import Change
from jobs.serializers import Form, Job

MOST_CHANGES = 500


class Line(Form):
    """One line of what was heard."""

    id = serializers.CharField()
    start = serializers.FloatField()
    end = serializers.FloatField()
    speaker = serializers.IntegerField()
    text = serializers.CharField()
    max_chars = serializers.IntegerField()
    flags = serializers.ListField(child=serializers.CharField())
    revision = serializers.IntegerField()


class TranslatedLine(Line):
    """One line of what is said."""

    source = serializers.CharField()  # type: ignore[assignment]
    spoken = serializers.CharField(allow_null=True)
    voice = serializers.CharField(allow_null=True)
    keep_original = serializers.BooleanField()
    mute = serializers.BooleanField()
    stale = serializers.BooleanField()


class Transcript(Form):
    """All that was heard."""

    lines = Line(many=True)


class Translation(Form):
    """All that is said in one language."""

    lines = TranslatedLine(many=True)


class LineForm(Form):
    """A correction of one line, and the revision that it was seen in."""

    id = serializers.RegexField(r"^[0-9]{1,18}$")
    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    text = serializers.CharField(max_length=20_000, required=False)


class TranslatedLineForm(LineForm):
    """A change of one line in another language. An empty voice is the speaker's own again."""

    voice = serializers.CharField(max_length=100, required=False, allow_blank=True)
    keep_original = serializers.BooleanField(required=False)
    mute = serializers.BooleanField(required=False)


class TranscriptForm(Form):
    """Corrections of what was heard."""

    lines = LineForm(  # type: ignore[call-arg]
        many=True, min_length=1, max_length=MOST_CHANGES
    )


class TranslationForm(Form):
    """Changes of what is said."""

    lines = TranslatedLineForm(  # type: ignore[call-arg]
        many=True, min_length=1, max_length=MOST_CHANGES
    )


class JobTranscript(JobView):
    """`/api/jobs/<id>/transcript`."""

    @extend_schema(operation_id="get_transcript", tags=["editing"], responses={200: Transcript})
    def get(self, request: Request, public_id: str) -> Response:
        """Show what was heard."""
        return Response({"lines": editing.transcript_lines(self.job(request, public_id))})

    @extend_schema(
        operation_id="edit_transcript",
        tags=["editing"],
        request=TranscriptForm,
        responses={200: Transcript, 409: OpenApiResponse(description="`stale_revision`")},
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Correct what was heard; what was made of it becomes stale."""
        job = self.job(request, public_id)
        asked = checked(TranscriptForm, request)
        editing.edit_transcript(job, changes=_changes(asked))
        return Response({"lines": editing.transcript_lines(job)})


class JobLines(JobView):
    """`/api/jobs/<id>/languages/<code>/lines`."""

    @extend_schema(operation_id="get_lines", tags=["editing"], responses={200: Translation})
    def get(self, request: Request, public_id: str, code: str) -> Response:
        """Show what is said in one language."""
        task = editing.find_task(self.job(request, public_id), code)
        return Response({"lines": editing.translated_lines(task)})

    @extend_schema(
        operation_id="edit_lines",
        tags=["editing"],
        request=TranslationForm,
        responses={200: Translation, 409: OpenApiResponse(description="`stale_revision`")},
    )
    def patch(self, request: Request, public_id: str, code: str) -> Response:
        """Change what is said, by whom, or whether at all; what changed becomes stale."""
        job = self.job(request, public_id)
        asked = checked(TranslationForm, request)
        task = editing.edit_lines(job, language=code, changes=_changes(asked))
        return Response({"lines": editing.translated_lines(task)})


class JobRender(JobView):
    """`/api/jobs/<id>/render`."""

    @extend_schema(
        operation_id="render",
        tags=["editing"],
        request=None,
        responses={
            200: Job,
            402: OpenApiResponse(description="`insufficient_credits`"),
            409: OpenApiResponse(description="`conflict`: nothing is stale, or it is being made"),
        },
    )
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Make the stale lines anew, for the price of their added-up slots."""
        user = cast(User, request.user)
        editing.render(self.job(request, public_id), by=user)
        return Response(document(rows_of_job(user, public_id)))


def _changes(asked: dict[str, Any]) -> list[Change]:
    return [
        Change(
            id=int(line["id"]),
            revision=line["revision"],
            text=line.get("text"),
            chosen_voice=line.get("voice"),
            keep_original=line.get("keep_original"),
            mute=line.get("mute"),
        )
        for line in asked["lines"]
    ]
