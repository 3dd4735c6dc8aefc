"""The API of jobs: each address reads the request, calls one service, and shows the result."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from billing.prices import CLASSES, MULTIPLIER_TENTHS
from dubber.api import ApiView, checked
from dubber.errors import NotFound
from dubber.etags import etag_of, not_modified
from dubber.idempotency import idempotent
from dubber.openapi import refuses
from jobs import downloads, links, ordering, retention, serializers, services, versions, wiring
from jobs.documents import document, rows_of_job, rows_of_jobs, with_status
from jobs.models import Artifact, Download, DubbingJob
from jobs.pipeline.languages import LANGUAGES
from jobs.refusals import LANGUAGES_REFUSED, MEDIA_REFUSED
from jobs.uploads import issue_uploads
from jobs.wiring import Offer
from jobs.words import clock

WAIT_SECONDS = 5
"""When to ask again for what is made on demand."""

FILE_TYPES = {"full": "full", "voice": "voice", "srt": "captions", "vtt": "captions"}


class JobView(ApiView):
    """A view of one job, which only its owner finds."""

    def job(self, request: Request, public_id: str) -> DubbingJob:
        """The job. Raises NotFound job_not_found."""
        jobs = DubbingJob.objects.filter(user=_user(request), public_id=public_id)
        job = jobs.select_related("user").first()
        if job is None:
            raise NotFound("job", code="job_not_found")
        return job


class UploadUrls(ApiView):
    """`/api/jobs/upload-urls`."""

    @extend_schema(
        operation_id="create_upload_urls",
        tags=["jobs"],
        request=serializers.UploadUrlsForm,
        responses={
            200: serializers.UploadUrlsAnswer,
            400: refuses("empty_file", *LANGUAGES_REFUSED),
            403: refuses("plan_limit"),
            409: refuses("conflict"),
            413: refuses("too_large"),
        },
    )
    def post(self, request: Request) -> Response:
        """Give addresses to which the files of a new job can be PUT."""
        asked = checked(serializers.UploadUrlsForm, request)
        names = {"voice": asked["voice_track_name"]}
        if asked.get("background_track_name"):
            names["background"] = asked["background_track_name"]
        issued = issue_uploads(
            _user(request),
            languages=asked["languages"],
            names=names,
            content_types=asked.get("content_types"),
            sizes=asked.get("sizes"),
        )
        urls = {f"{role}_track": url for role, url in issued.urls.items()}
        paths = {f"{role}_track_path": key for role, key in issued.keys.items()}
        return Response({"job_id": issued.public_id, "upload_urls": urls, **paths})


class Jobs(ApiView):
    """`/api/jobs`."""

    @extend_schema(
        operation_id="list_jobs",
        tags=["jobs"],
        parameters=[
            serializers.ListQuery,
            OpenApiParameter(
                "X-Total-Count", int, OpenApiParameter.HEADER, response=[200], required=True
            ),
        ],
        responses={200: serializers.Job(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List a person's jobs, the newest first; `X-Total-Count` says how many there are."""
        asked = checked(serializers.ListQuery, request)
        jobs = DubbingJob.objects.filter(user=_user(request))
        if "status" in asked:
            jobs = with_status(jobs, asked["status"])
        total = jobs.count()
        page = jobs.order_by("-pk")[asked["offset"] : asked["offset"] + asked["limit"]]
        content = [document(rows) for rows in rows_of_jobs(page)]
        return Response(content, headers={"X-Total-Count": str(total)})

    @extend_schema(
        operation_id="create_job",
        tags=["jobs"],
        request=serializers.JobForm,
        responses={
            201: serializers.JobAnswer,
            400: refuses(*MEDIA_REFUSED, *LANGUAGES_REFUSED),
            402: refuses("insufficient_credits"),
            403: refuses("plan_limit", "plan_required"),
            404: refuses("job_not_found"),
            409: refuses("upload_missing"),
        },
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Order a dub of files that were sent; the same order twice is one job."""
        asked = checked(serializers.JobForm, request)
        job, cost = ordering.order_job(
            _user(request), public_id=asked["job_id"], request=_told(asked)
        )
        answer = {"jobId": job.public_id, "job_id": job.public_id, "credit_cost": cost}
        location = {"Location": f"/api/jobs/{job.public_id}"}
        return Response(answer, status=201, headers=location)


class OneJob(JobView):
    """`/api/jobs/<id>`."""

    @extend_schema(
        operation_id="get_job",
        tags=["jobs"],
        parameters=[
            OpenApiParameter("If-None-Match", location=OpenApiParameter.HEADER),
            OpenApiParameter(
                "ETag", location=OpenApiParameter.HEADER, response=[200, 304], required=True
            ),
        ],
        responses={200: serializers.Job, 304: OpenApiResponse(description="Nothing changed.")},
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Show a job. With `If-None-Match` an answer that is known already is not sent again."""
        known = _known(request, public_id)
        if known is not None:
            return known
        rows = rows_of_job(_user(request), public_id)
        etag = etag_of(*rows.stored())
        return not_modified(request, etag) or Response(document(rows), headers={"ETag": etag})

    @extend_schema(
        operation_id="delete_job",
        tags=["jobs"],
        responses={204: None, 409: refuses("conflict")},
    )
    def delete(self, request: Request, public_id: str) -> Response:
        """Cancel what still runs, with its credits returned, and delete all files now."""
        retention.delete_job(self.job(request, public_id), by=_user(request))
        return Response(status=204)


class StartJob(JobView):
    """`/api/jobs/<id>/start`."""

    @extend_schema(
        operation_id="start_job",
        tags=["jobs"],
        request=None,
        responses={200: serializers.Job, 409: refuses("conflict")},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Go on with a job whose transcript was reviewed."""
        services.start_job(self.job(request, public_id))
        return _shown(request, public_id)


class CancelJob(JobView):
    """`/api/jobs/<id>/cancel`."""

    @extend_schema(
        operation_id="cancel_job",
        tags=["jobs"],
        request=None,
        responses={200: serializers.Job, 409: refuses("conflict")},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Stop what is not finished; its credits come back."""
        services.cancel_job(self.job(request, public_id), by=_user(request))
        return _shown(request, public_id)


class RetryJob(JobView):
    """`/api/jobs/<id>/retry`."""

    @extend_schema(
        operation_id="retry_job",
        tags=["jobs"],
        request=None,
        responses={
            200: serializers.Job,
            402: refuses("insufficient_credits"),
            410: refuses("files_expired"),
        },
    )
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Make the languages again that failed, for their price."""
        services.retry_job(self.job(request, public_id), by=_user(request))
        return _shown(request, public_id)


class JobLanguages(JobView):
    """`/api/jobs/<id>/languages`."""

    @extend_schema(
        operation_id="add_languages",
        tags=["jobs"],
        request=serializers.LanguagesForm,
        responses={
            200: serializers.Job,
            400: refuses(*LANGUAGES_REFUSED),
            403: refuses("plan_limit", "plan_required"),
            402: refuses("insufficient_credits"),
            410: refuses("files_expired"),
        },
    )
    @idempotent
    def post(self, request: Request, public_id: str) -> Response:
        """Add languages to a job, for their price; what was heard is not heard again."""
        asked = checked(serializers.LanguagesForm, request)
        services.add_languages(self.job(request, public_id), languages=asked["languages"])
        return _shown(request, public_id)


class JobDownload(JobView):
    """`/api/jobs/<id>/download`."""

    @extend_schema(
        operation_id="download",
        tags=["downloads"],
        parameters=[
            serializers.DownloadQuery,
            OpenApiParameter("Accept", location=OpenApiParameter.HEADER, required=False),
        ],
        responses={
            200: serializers.LinkAnswer,
            202: OpenApiResponse(description="It is being made: ask again after `Retry-After`."),
            302: OpenApiResponse(description="To the link."),
            404: refuses("file_not_ready"),
            410: refuses("files_expired"),
        },
    )
    def get(self, request: Request, public_id: str) -> Response:
        """Go to the link of a file, or show it to those who ask for JSON."""
        asked = checked(serializers.DownloadQuery, request)
        file, _step = downloads.find_file(
            self.job(request, public_id),
            language=asked["lang"],
            kind=asked["type"],
            form=asked.get("format", ""),
            ask=request.method == "GET",
        )
        vary = {"Vary": "Accept"}
        if file is None:
            wait = {"Retry-After": str(WAIT_SECONDS)}
            return Response({"status": "preparing"}, status=202, headers=vary | wait)
        url = links.link_of(file)
        if "application/json" in request.headers.get("Accept", ""):
            return Response({"url": url, "expires_at": clock(file.job.kept_until)}, headers=vary)
        return Response(status=302, headers=vary | {"Location": url})


class Downloads(ApiView):
    """`/api/downloads`."""

    @extend_schema(
        operation_id="list_downloads",
        tags=["downloads"],
        parameters=[serializers.PageQuery],
        responses={200: serializers.DownloadEntry(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List what a person has downloaded, the newest first."""
        asked = checked(serializers.PageQuery, request)
        rows = downloads.downloads_of(_user(request), **asked)
        return Response([_download(row) for row in rows])


class Languages(ApiView):
    """`/api/languages`."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="list_languages",
        tags=["languages"],
        responses={200: serializers.OfferedLanguage(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List the twelve languages: what each costs, and whether and how well it is made here."""
        return Response([_offered(offer) for offer in wiring.offered()])


def _user(request: Request) -> User:
    return cast(User, request.user)


def _known(request: Request, public_id: str) -> Response | None:
    """The answer 304 without a look at the rest, for a program that polls.

    To sign in by a cookie takes one question more, and pages have a poll of their own.
    """
    by_cookie = isinstance(request.successful_authenticator, SessionAuthentication)
    if by_cookie or "If-None-Match" not in request.headers:
        return None
    values = versions.known_values(_user(request), public_id)
    return None if values is None else not_modified(request, etag_of(*values))


def _told(asked: dict[str, Any]) -> dict[str, Any]:
    """What a client asked for, with nothing where it said nothing."""
    return {name: value for name, value in asked.items() if value is not None}


def _shown(request: Request, public_id: str) -> Response:
    return Response(document(rows_of_job(_user(request), public_id)))


def _download(row: Download) -> dict[str, Any]:
    file: Artifact = row.artifact
    expired = file.gone_at is not None or file.job.files_expired or not file.current
    code = file.task.language if file.task else ""
    return {
        "id": str(row.pk),
        "job_id": file.job.public_id,
        "job_title": file.job.title,
        "language_code": code,
        "language_name": LANGUAGES[code].name if code else "",
        "file_type": FILE_TYPES.get(file.kind.partition("_")[0], file.kind),
        "file_name": file.name,
        "file_size": file.bytes,
        "downloaded_at": clock(row.at),
        "expires_at": clock(file.job.kept_until),
        "is_expired": expired,
        "download_url": None if expired else links.link_of(file),
    }


def _offered(offer: Offer) -> dict[str, Any]:
    return {
        "code": offer.code,
        "name": offer.name,
        "flag": offer.flag,
        "classification": CLASSES[offer.code],
        "multiplier": MULTIPLIER_TENTHS[CLASSES[offer.code]] / 10,
        "quality": offer.quality,
        "available": offer.available,
        "variants": list(LANGUAGES[offer.code].variants),
        "voices": [
            {"id": one.id, "name": one.name, "gender": one.gender, "premium": one.premium}
            for one in offer.voices
        ],
    }
