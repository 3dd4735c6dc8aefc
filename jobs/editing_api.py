"""The API of what was heard and what is said: read it, correct it, make it anew."""

import time
from datetime import UTC, datetime
from typing import Any, cast

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from dubber.api import checked
from dubber.idempotency import idempotent
from dubber.openapi import refuses
from jobs import editing, links, previews, shortenings
from jobs.api import JobView
from jobs.documents import document, rows_of_job
from jobs.editing import Change
from jobs.options import LONGEST_CAPTIONS
from jobs.own_captions import bring_captions
from jobs.refusals import LANGUAGES_REFUSED
from jobs.serializers import Form, Job
from jobs.words import clock

MOST_CHANGES = 500
PREVIEW_SECONDS = 1
"""When to ask again for a line that is being spoken."""


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


class CaptionsForm(Form):
    """Captions in the language of the dub."""

    captions = serializers.CharField(max_length=LONGEST_CAPTIONS)


class Cue(Form):
    """One caption: from when to when, in seconds."""

    start = serializers.FloatField()
    end = serializers.FloatField()
    text = serializers.CharField()


class BroughtCaptions(Translation):
    """What became of captions: unmatched are those at whose time nothing is said.

    too_long names the lines that had no room for what their captions say.
    """

    changed = serializers.IntegerField()
    unmatched = Cue(many=True)
    too_long = serializers.ListField(child=serializers.CharField())


class Preview(Form):
    """A spoken line, and until when its address holds."""

    status = serializers.ChoiceField(["ready"])
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class Preparing(Form):
    """Something that a worker makes."""

    status = serializers.ChoiceField(["preparing"])


class Shorter(Form):
    """A shorter wording than `instead`; null where the translator knows none."""

    status = serializers.ChoiceField(["ready"])
    text = serializers.CharField(allow_null=True)
    instead = serializers.CharField()


class LineForm(Form):
    """A correction of one line, and the revision that it was seen in; null leaves it as it is."""

    id = serializers.RegexField(r"^[0-9]{1,18}$")
    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    text = serializers.CharField(max_length=20_000, required=False, allow_null=True)


class HeardLineForm(LineForm):
    """A correction of what was heard, or of who said it: a speaker, or the next number."""

    speaker = serializers.IntegerField(min_value=0, max_value=2**15 - 1, required=False)


class TranslatedLineForm(LineForm):
    """A change of one line in another language. An empty voice is the speaker's own again."""

    voice = serializers.CharField(max_length=100, required=False, allow_blank=True, allow_null=True)
    keep_original = serializers.BooleanField(required=False, allow_null=True)
    mute = serializers.BooleanField(required=False, allow_null=True)


class TranscriptForm(Form):
    """Corrections of what was heard."""

    lines = HeardLineForm(  # type: ignore[call-arg]
        many=True, min_length=1, max_length=MOST_CHANGES
    )


class TranslationForm(Form):
    """Changes of what is said."""

    lines = TranslatedLineForm(  # type: ignore[call-arg]
        many=True, min_length=1, max_length=MOST_CHANGES
    )


class JobTranscript(JobView):
    """`/api/jobs/<id>/transcript`."""

    @extend_schema(
        operation_id="get_transcript",
        tags=["editing"],
        responses={200: Transcript, 410: refuses("files_expired")},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Show what was heard."""
        return Response({"lines": editing.transcript_lines(self.job(request, public_id))})

    @extend_schema(
        operation_id="edit_transcript",
        tags=["editing"],
        request=TranscriptForm,
        responses={
            200: Transcript,
            409: refuses("conflict", "stale_revision"),
            410: refuses("files_expired"),
        },
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Correct what was heard; what was made of it becomes stale."""
        job = self.job(request, public_id)
        asked = checked(TranscriptForm, request)
        editing.edit_transcript(job, changes=_changes(asked))
        return Response({"lines": editing.transcript_lines(job)})


class JobLines(JobView):
    """`/api/jobs/<id>/languages/<code>/lines`."""

    @extend_schema(
        operation_id="get_lines",
        tags=["editing"],
        responses={200: Translation, 410: refuses("files_expired")},
    )
    def get(self, request: Request, public_id: str, code: str) -> Response:
        """Show what is said in one language."""
        task = editing.find_task(self.job(request, public_id), code)
        return Response({"lines": editing.translated_lines(task)})

    @extend_schema(
        operation_id="edit_lines",
        tags=["editing"],
        request=TranslationForm,
        responses={
            200: Translation,
            400: refuses(*LANGUAGES_REFUSED),
            403: refuses("plan_required"),
            409: refuses("conflict", "stale_revision"),
            410: refuses("files_expired"),
        },
    )
    def patch(self, request: Request, public_id: str, code: str) -> Response:
        """Change what is said, by whom, or whether at all; what changed becomes stale."""
        job = self.job(request, public_id)
        asked = checked(TranslationForm, request)
        task = editing.edit_lines(job, language=code, changes=_changes(asked))
        return Response({"lines": editing.translated_lines(task)})


class JobCaptions(JobView):
    """`/api/jobs/<id>/languages/<code>/captions`."""

    @extend_schema(
        operation_id="bring_captions",
        tags=["editing"],
        request=CaptionsForm,
        responses={
            200: BroughtCaptions,
            409: refuses("conflict", "stale_revision"),
            410: refuses("files_expired"),
        },
    )
    def put(self, request: Request, public_id: str, code: str) -> Response:
        """Let captions of your own, SRT or VTT, say what is said; they are matched by time."""
        job = self.job(request, public_id)
        asked = checked(CaptionsForm, request)
        brought = bring_captions(job, language=code, captions=asked["captions"])
        return Response(
            {
                "changed": brought.changed,
                "unmatched": [
                    {"start": cue.start, "end": cue.end, "text": cue.text} for cue in brought.left
                ],
                "too_long": [str(pk) for pk in brought.too_long],
                "lines": editing.translated_lines(brought.task),
            }
        )


class LinePreview(JobView):
    """`/api/jobs/<id>/languages/<code>/lines/<line>/preview`."""

    @extend_schema(
        operation_id="preview_line",
        tags=["editing"],
        request=None,
        responses={
            200: Preview,
            202: OpenApiResponse(
                Preparing, description="It is being spoken: ask again after `Retry-After`."
            ),
            400: refuses(*LANGUAGES_REFUSED),
            404: refuses("file_not_ready"),
            409: refuses(
                "conflict", "preview_limit", "engine_refused", "step_died", *LANGUAGES_REFUSED
            ),
            410: refuses("files_expired"),
        },
    )
    def post(self, request: Request, public_id: str, code: str, line: int) -> Response:
        """Speak one line as it is now, to listen to it before it is made anew.

        Three wordings of a line are spoken for nothing until it is rendered, sixty in a job.
        """
        job = self.job(request, public_id)
        take = previews.preview_line(job, language=code, line_id=line)
        if take is None:
            wait = {"Retry-After": str(PREVIEW_SECONDS)}
            return Response({"status": "preparing"}, status=202, headers=wait)
        until = int(time.time()) + previews.LINK_SECONDS
        expires = datetime.fromtimestamp(until, UTC)
        url = links.take_url(take.pk, until)
        return Response({"status": "ready", "url": url, "expires_at": clock(expires)})


class LineShorter(JobView):
    """`/api/jobs/<id>/languages/<code>/lines/<line>/shorter`."""

    @extend_schema(
        operation_id="shorten_line",
        tags=["editing"],
        request=None,
        responses={
            200: Shorter,
            202: OpenApiResponse(
                Preparing, description="It is being worded: ask again after `Retry-After`."
            ),
            400: refuses(*LANGUAGES_REFUSED),
            404: refuses("file_not_ready"),
            409: refuses(
                "conflict",
                "line_fits",
                "cannot_reword",
                "shortening_limit",
                "engine_refused",
                "step_died",
                *LANGUAGES_REFUSED,
            ),
            410: refuses("files_expired"),
        },
    )
    def post(self, request: Request, public_id: str, code: str, line: int) -> Response:
        """Propose a shorter wording for a line that doesn't fit its time; nothing is changed.

        Three times for a line until it is rendered, sixty times in a job.
        """
        job = self.job(request, public_id)
        proposal = shortenings.shorten_line(job, language=code, line_id=line)
        if not proposal.ready:
            wait = {"Retry-After": str(PREVIEW_SECONDS)}
            return Response({"status": "preparing"}, status=202, headers=wait)
        return Response(
            {"status": "ready", "text": proposal.text or None, "instead": proposal.instead}
        )


class JobRender(JobView):
    """`/api/jobs/<id>/render`."""

    @extend_schema(
        operation_id="render",
        tags=["editing"],
        request=None,
        responses={
            200: Job,
            400: refuses(*LANGUAGES_REFUSED),
            402: refuses("insufficient_credits"),
            410: refuses("files_expired"),
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
            speaker=line.get("speaker"),
            chosen_voice=line.get("voice"),
            keep_original=line.get("keep_original"),
            mute=line.get("mute"),
        )
        for line in asked["lines"]
    ]
