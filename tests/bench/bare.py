"""The bare view that ours is compared with: Django REST framework as its tutorial shows it.

The same rows by nested serializers and prefetching, without sign-in, limits and middleware.
"""

from django.db.models import Prefetch
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import RetrieveAPIView

from jobs.models import Artifact, DubbingJob, LanguageTask
from jobs.versions import SHOWN


class BareFile(serializers.ModelSerializer[Artifact]):
    """A file."""

    class Meta:
        model = Artifact
        fields = ("id", "kind", "link", "bytes")


class BareTask(serializers.ModelSerializer[LanguageTask]):
    """A language with its files."""

    artifacts = BareFile(many=True)

    class Meta:
        model = LanguageTask
        fields = (
            "language", "stage", "credits", "refunded", "error_code", "error", "created_at",
            "updated_at", "finished_at", "artifacts",
        )  # fmt: skip


class BareJob(serializers.ModelSerializer[DubbingJob]):
    """A job with its languages."""

    tasks = BareTask(many=True)

    class Meta:
        model = DubbingJob
        fields = (
            "public_id", "status", "title", "duration_ms", "background", "heard_language",
            "started_at", "finished_at", "created_at", "updated_at", "kept_until", "tasks",
        )  # fmt: skip


class BareView(RetrieveAPIView[DubbingJob]):
    """A job by its public id."""

    authentication_classes = ()
    permission_classes = ()
    serializer_class = BareJob
    lookup_field = "public_id"
    queryset = DubbingJob.objects.prefetch_related(
        "tasks",
        Prefetch("tasks__artifacts", Artifact.objects.filter(current=True, kind__in=list(SHOWN))),
    )


urlpatterns = [path("api/jobs/<str:public_id>", BareView.as_view())]
