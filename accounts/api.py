"""`/api/users/` and `/api/account/`: people's own accounts."""

from collections.abc import Sequence
from typing import Any, cast

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import deletion, export, queries, services
from accounts import serializers as words
from accounts.models import User
from dubber.api import ApiView, checked
from dubber.openapi import refuses

TAGS = ["account"]


class ProfileView(ApiView):
    """`/api/users/me`."""

    def get_permissions(self) -> Sequence[Any]:
        """Let who is not verified read, but not write."""
        reads = self.request.method in {"GET", "HEAD"}
        return [IsAuthenticated()] if reads else super().get_permissions()

    @extend_schema(operation_id="profile", tags=TAGS, responses={200: words.Profile})
    def get(self, request: Request) -> Response:
        """Show one's profile."""
        return Response(words.Profile(queries.profile_of(_user(request))).data)

    @extend_schema(
        operation_id="change_profile",
        tags=TAGS,
        request=words.ProfileChange,
        responses={200: words.Profile},
    )
    def put(self, request: Request) -> Response:
        """Change what was sent of it."""
        sent = checked(words.ProfileChange, request)
        user = services.change_profile(_user(request), **sent)
        return Response(words.Profile(queries.profile_of(user)).data)


class StatisticsView(ApiView):
    """`/api/users/me/stats`."""

    @extend_schema(operation_id="statistics", tags=TAGS, responses={200: words.Statistics})
    def get(self, request: Request) -> Response:
        """Show what one did so far."""
        return Response(words.Statistics(queries.statistics_of(_user(request))).data)


class ActivityView(ApiView):
    """`/api/users/me/activity`."""

    @extend_schema(
        operation_id="activity",
        tags=TAGS,
        parameters=[words.Page],
        responses={200: words.ActivityPage},
    )
    def get(self, request: Request) -> Response:
        """Show what happened, newest first."""
        page = checked(words.Page, request)
        activities, total = queries.activity_of(_user(request), **page)
        answer = {
            "activities": activities,
            "total": total,
            "hasMore": page["offset"] + len(activities) < total,
        }
        return Response(words.ActivityPage(answer).data)


class AccountView(ApiView):
    """`/api/account/info`."""

    @extend_schema(operation_id="account_info", tags=TAGS, responses={200: words.Account})
    def get(self, request: Request) -> Response:
        """Show how one's account stands."""
        return Response(words.Account(queries.account_of(_user(request))).data)


class HeldView(ApiView):
    """`/api/account/data-summary`."""

    @extend_schema(operation_id="data_summary", tags=TAGS, responses={200: words.HeldAnswer})
    def get(self, request: Request) -> Response:
        """Show how much we hold of oneself."""
        return Response(queries.told(queries.held_of(_user(request))))


class ExportView(ApiView):
    """`/api/account/export`."""

    @extend_schema(
        operation_id="export",
        tags=TAGS,
        responses={
            (200, "application/zip"): OpenApiResponse(
                OpenApiTypes.BINARY, "Everything that we hold, rows as JSON and all files."
            ),
            409: refuses("conflict"),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Take everything along."""
        response = StreamingHttpResponse(
            export.export_of(_user(request)), content_type="application/zip"
        )
        response["Content-Disposition"] = 'attachment; filename="dubber-export.zip"'
        return response


class DeletionView(ApiView):
    """`POST /api/account/delete/initiate`."""

    @extend_schema(
        operation_id="delete_account_initiate",
        tags=TAGS,
        request=words.DeletionAsked,
        responses={200: words.DeletionPrepared, 409: refuses("conflict")},
    )
    def post(self, request: Request) -> Response:
        """Say what a deletion takes away; nothing is deleted yet."""
        sent = checked(words.DeletionAsked, request)
        prepared = deletion.prepare_deletion(
            _user(request),
            reason=sent.get("reason") or "",
            feedback=sent.get("feedback") or "",
        )
        answer = {
            "deletionToken": prepared.token,
            "message": prepared.message,
            "expiresAt": prepared.expires_at,
            "dataToBeDeleted": queries.told(prepared.held),
        }
        return Response(words.DeletionPrepared(answer).data)


class DeletionConfirmView(ApiView):
    """`POST /api/account/delete/confirm`."""

    @extend_schema(
        operation_id="delete_account_confirm",
        tags=TAGS,
        request=words.DeletionConfirmed,
        responses={
            200: words.DeletionDone,
            409: refuses("conflict"),
            410: refuses("link_expired", "link_used"),
        },
    )
    def post(self, request: Request) -> Response:
        """Delete the account for good."""
        sent = checked(words.DeletionConfirmed, request)
        deleted = deletion.delete_account(_user(request), token=sent["deletionToken"])
        answer: dict[str, Any] = {
            "success": True,
            "message": "Your account was deleted.",
            "deletedAt": deleted.at,
            "dataDeleted": queries.told(deleted.held),
        }
        return Response(words.DeletionDone(answer).data)


def _user(request: Request) -> User:
    return cast(User, request.user)
