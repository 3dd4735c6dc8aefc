"""Whether site and worker are well, for whoever watches them."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Min
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from dubber import beats
from dubber.api import ApiView
from dubber.rate_limits import HEALTH
from jobs import claims

SILENT = timedelta(seconds=90)
"""A supervisor beats every 15 s."""

WAITED = timedelta(minutes=30)
"""A step that could be worked on and waits for longer has too few workers, or none."""


class Health(serializers.Serializer[object]):
    """Whether the site can work."""

    status = serializers.ChoiceField(["healthy", "unhealthy"])
    timestamp = serializers.DateTimeField()
    version = serializers.CharField()


class WorkerHealth(serializers.Serializer[object]):
    """Whether steps are worked on. All but the status is for staff."""

    status = serializers.ChoiceField(["healthy", "stale"])
    queue_depth = serializers.IntegerField(required=False)
    oldest_waiting_seconds = serializers.IntegerField(required=False, allow_null=True)
    last_heartbeat_seconds = serializers.IntegerField(required=False, allow_null=True)


@dataclass(frozen=True, slots=True)
class Work:
    """How much waits, since when, and when a worker was last heard of."""

    depth: int
    oldest: timedelta | None
    silence: timedelta | None

    @property
    def stale(self) -> bool:
        """Say whether nobody works, or far too few."""
        late = self.oldest is not None and self.oldest > WAITED
        return self.silence is None or self.silence > SILENT or late


class HealthView(ApiView):
    """`GET /health`."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    rate_limits = ()  # counted below, since counting needs the database too

    @extend_schema(
        operation_id="health",
        tags=["system"],
        auth=[],
        responses={200: Health, 503: OpenApiResponse(Health, "The database doesn't answer.")},
    )
    def get(self, request: Request) -> Response:
        """Say whether the site can work."""
        well = database_answers()
        if well:
            self.count_request(request, (HEALTH,))
        answer = {
            "status": "healthy" if well else "unhealthy",
            "timestamp": timezone.now(),
            "version": settings.VERSION,
        }
        return Response(Health(answer).data, status=200 if well else 503)


class WorkerHealthView(ApiView):
    """`GET /worker/health`."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="worker_health",
        tags=["system"],
        responses={200: WorkerHealth, 503: OpenApiResponse(WorkerHealth, "Nobody works.")},
    )
    def get(self, request: Request) -> Response:
        """Say whether steps are worked on; numbers are for staff."""
        work = look()
        answer: dict[str, object] = {"status": "stale" if work.stale else "healthy"}
        if getattr(request.user, "is_staff", False):
            answer |= {
                "queue_depth": work.depth,
                "oldest_waiting_seconds": _seconds(work.oldest),
                "last_heartbeat_seconds": _seconds(work.silence),
            }
        return Response(answer, status=503 if work.stale else 200)


def database_answers() -> bool:
    """Ask the database the smallest question."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def look() -> Work:
    """Count what waits for workers."""
    due = claims.due()
    since = due.aggregate(since=Min("not_before"))["since"]
    return Work(
        depth=due.count(),
        oldest=None if since is None else timezone.now() - since,
        silence=beats.since_last(),
    )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
