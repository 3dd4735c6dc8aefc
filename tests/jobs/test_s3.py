"""Uploads, probes and downloads on S3, against a server that checks every signature."""

import hashlib
import http.client
import io
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from storages.backends.s3 import S3Storage

from accounts.export import export_of
from dubber import settings as project
from dubber.errors import UserError
from jobs import links, objects, retention, scratch, storage
from jobs.models import Artifact, Line, Take, Upload
from jobs.pipeline.dub import Engines
from jobs.pipeline.errors import PipelineError
from jobs.previews import preview_line
from jobs.services import create_job
from jobs.uploads import give_up, issue_uploads, measure_upload, register_upload
from tests import make
from tests.engines import Hearing, engines
from tests.jobs.test_desk import desk_of
from tests.jobs.test_steps import HEARD, recording, work
from tests.peers.s3 import BUCKET, KEY, REGION, SECRET, S3Peer
from tests.pipeline.media import ffmpeg
from tests.web.delivered import CONTENT, delivered
from tests.web.spoken import spoken

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[S3Peer]:
    with S3Peer() as peer:
        yield peer


@pytest.fixture(autouse=True)
def s3(
    server: S3Peer, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> S3Peer:
    """Keep files on the server, by the project's own settings."""
    names = {
        "STORAGE": "s3",
        "AWS_S3_ENDPOINT_URL": server.url,
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_REGION_NAME": REGION,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    for name, value in names.items():
        monkeypatch.setattr(project, name, value)
    settings.STORAGES = {**settings.STORAGES, "default": project.default_storage()}
    settings.SCRATCH = tmp_path / "scratch"
    server.calls.clear()
    server.away = False
    return server


@pytest.fixture
def nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away how the storage opens an object, which is to hold all of it in memory."""
    monkeypatch.delattr(S3Storage, "_open")


def send(url: str, body: bytes, *, method: str = "PUT", **headers: str) -> int:
    """Send something to an address as a browser would; the status of the answer."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, f"{place.path}?{place.query}", body, named)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def issued(**choices: Any) -> tuple[Upload, str]:
    permission = issue_uploads(
        make.professional(), **{"languages": ["es"], "names": {"voice": "a.wav"}} | choices
    )
    upload = Upload.objects.get(for_job=permission.public_id)
    return upload, permission.urls["voice"]


def test_a_file_is_put_straight_to_storage() -> None:
    upload, url = issued()

    status = send(url, b"sound", Content_Type="audio/wav")

    assert status == 200
    assert objects.head(upload.key) == objects.Found(5, hashlib.md5(b"sound").hexdigest())


def test_a_changed_key_is_refused() -> None:
    one, url = issued()
    two, _ = issued()

    assert send(url.replace(one.key, two.key), b"sound") == 403
    assert objects.head(two.key) is None


def test_a_size_that_was_announced_is_signed() -> None:
    upload, url = issued(sizes={"voice": 5})

    assert send(url, b"sounds") == 403
    assert send(url, b"soun") == 403
    assert objects.head(upload.key) is None
    assert send(url, b"sound") == 200


def test_a_type_that_was_announced_is_signed() -> None:
    _, url = issued(content_types={"voice": "audio/wav"})

    assert send(url, b"sound", Content_Type="text/html") == 403
    assert send(url, b"sound", Content_Type="audio/wav") == 200


def test_an_address_holds_for_its_time_only() -> None:
    upload, _ = issued()
    url = objects.signed_put(upload.key, seconds=-1, content_type="", size=None)

    assert send(url, b"sound") == 403


def test_an_address_to_put_is_none_to_read() -> None:
    _, url = issued()
    send(url, b"sound")

    assert send(url, b"", method="GET") == 403


def test_what_did_not_arrive_can_not_be_looked_into() -> None:
    upload, _ = issued()

    with pytest.raises(UserError) as refused:
        measure_upload(upload)

    assert refused.value.code == "upload_missing"


@pytest.mark.parametrize(
    ("content", "limit", "code"), [(b"", 100, "empty_file"), (b"x" * 101, 100, "too_large")]
)
def test_what_arrived_is_measured_before_it_is_taken(content: bytes, limit: int, code: str) -> None:
    upload, url = issued()
    Upload.objects.update(limit_bytes=limit)
    upload.refresh_from_db()
    send(url, content)

    with pytest.raises(UserError) as refused:
        measure_upload(upload)

    assert refused.value.code == code


def test_a_look_at_a_file_does_not_bring_back_one_that_was_replaced_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload, url = issued()
    send(url, b"sound")
    look = objects.head

    def slow_look(key: str) -> objects.Found | None:
        found = look(key)
        give_up(Upload.objects.get(pk=upload.pk))
        return found

    monkeypatch.setattr(objects, "head", slow_look)
    with pytest.raises(UserError):
        measure_upload(upload)

    upload.refresh_from_db()
    assert (upload.for_job, upload.expires_at < timezone.now()) == ("", True)


def test_an_object_is_read_in_the_version_that_was_seen(tmp_path: Path) -> None:
    key = default_storage.save("jobs/a", ContentFile(b"first"))
    seen = objects.head(key)
    assert seen is not None
    default_storage.save(key, ContentFile(b"other"))

    with pytest.raises(PipelineError) as changed:
        objects.copy(key, tmp_path / "copy", etag=seen.etag)
    with pytest.raises(PipelineError) as part_changed:
        objects.part(key, start=0, length=2, etag=seen.etag)

    assert {changed.value.code, part_changed.value.code} == {"UPLOAD_CHANGED"}


def test_a_storage_that_does_not_answer_is_worth_trying_again(s3: S3Peer, tmp_path: Path) -> None:
    s3.away = True

    with pytest.raises(PipelineError) as away:
        scratch.fetch("jobs/a", sha256="", etag="x", into=tmp_path / "copy")

    assert away.value.code == "STORAGE_AWAY"
    assert away.value.again


def test_what_is_made_while_the_storage_is_away_is_worth_trying_again(s3: S3Peer) -> None:
    s3.away = True

    with pytest.raises(PipelineError) as away:
        storage.keep_bytes(b"speech", key="jobs/a")

    assert away.value.code == "STORAGE_AWAY"


def test_a_take_that_can_not_be_reached_is_not_bought_again(s3: S3Peer) -> None:
    desk = desk_of(make.job(languages=["es"]))
    bought = iter([b"speech", b"again"])
    desk.remember("hola", lambda: next(bought))
    s3.away = True

    with pytest.raises(PipelineError) as away:
        desk.remember("hola", lambda: next(bought))

    assert away.value.code == "STORAGE_AWAY"
    assert list(bought) == [b"again"]


def test_a_take_that_is_gone_from_storage_is_bought_again() -> None:
    desk = desk_of(make.job(languages=["es"]))
    bought = iter([b"speech", b"again"])
    desk.remember("hola", lambda: next(bought))
    objects.delete([Take.objects.get().object_key])

    assert desk.remember("hola", lambda: next(bought)) == b"again"


def test_what_nobody_needs_stays_while_the_storage_is_away(s3: S3Peer) -> None:
    storage.keep_bytes(b"speech", key="jobs/a")
    s3.away = True

    storage.drop(["jobs/a"])

    s3.away = False
    assert objects.head("jobs/a")


def test_a_form_is_told_to_come_again_while_the_storage_is_away(s3: S3Peer) -> None:
    s3.away = True

    with pytest.raises(UserError) as busy:
        register_upload(
            make.professional(), file=io.BytesIO(b"sound"), name="a.wav", role=Upload.Role.VOICE
        )

    assert (busy.value.code, busy.value.status) == ("service_busy", 503)


def test_a_download_is_sent_to_storage_for_a_minute(client: Client, tmp_path: Path) -> None:
    delivered(make.professional(), tmp_path, title='🎬 "x"; a/b')
    file = Artifact.objects.get(kind="full_mp3")

    response = client.get(links.link_of(file).removeprefix("http://localhost:8000"))

    place = urlsplit(response["Location"])
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    connection.request("GET", f"{place.path}?{place.query}")
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert response.status_code == 302
    assert "X-Amz-Expires=60" in place.query
    assert (answer.status, content) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")


def test_captions_come_from_our_own_address_or_with_a_reason(
    client: Client, tmp_path: Path, s3: S3Peer, nothing_is_opened: None
) -> None:
    job = delivered(make.professional(), tmp_path, kinds=("vtt",))
    client.force_login(job.user)
    url = f"/jobs/{job.public_id}/media/es/vtt"

    whole = client.get(url)
    part = client.get(url, headers={"Range": "bytes=2-4"})
    s3.away = True
    away = client.get(url)
    s3.away = False
    objects.delete([job.artifacts.get(kind="vtt").object_key])
    gone = client.get(url)

    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert (part.status_code, part.content) == (206, CONTENT[2:5])
    assert (away.status_code, away["Retry-After"], gone.status_code) == (503, "5", 404)


def test_a_spoken_line_is_played_from_storage(client: Client) -> None:
    job = spoken(make.professional())
    line = Line.objects.get(segment__index=1)
    Line.objects.filter(pk=line.pk).update(stale=True)
    preview_line(job, language="es", line_id=line.pk, engines=engines)
    work(engines())
    take = preview_line(job, language="es", line_id=line.pk, engines=engines)
    assert take is not None
    url = links.take_url(take.pk, int(time.time()) + 60)

    response = client.get(url.removeprefix("http://localhost:8000"))

    place = urlsplit(response["Location"])
    connection = http.client.HTTPConnection(place.netloc, timeout=30)
    connection.request("GET", f"{place.path}?{place.query}")
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert response.status_code == 302
    assert (answer.status, hashlib.sha256(content).hexdigest()) == (200, take.sha256)
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Content-Disposition"].startswith("inline")


def test_files_and_rows_agree_and_go_together(tmp_path: Path) -> None:
    job = delivered(make.professional(), tmp_path)
    before = retention.differences()

    retention.delete_job(job, by=job.user)

    assert before.missing == []
    assert list(objects.all_keys(f"jobs/{job.public_id}/")) == []
    assert objects.head(job.voice.key) is None


def test_what_is_sent_after_its_file_was_deleted_is_deleted_when_its_address_ends() -> None:
    upload, url = issued()
    retention.delete_unused_of(upload.user)
    sent = send(url, b"sound")
    retention.purge()
    while_it_lasts = objects.head(upload.key)
    an_hour = timedelta(hours=1)
    Upload.objects.update(start_by=F("start_by") - an_hour, gone_at=F("gone_at") - an_hour)

    retention.purge()

    assert sent == 200
    assert while_it_lasts is not None
    assert objects.head(upload.key) is None


@pytest.mark.usefixtures("nothing_is_opened")
def test_an_export_is_streamed_from_storage(tmp_path: Path) -> None:
    job = delivered(make.professional(), tmp_path)

    archive = zipfile.ZipFile(io.BytesIO(b"".join(export_of(job.user))))

    name = next(one for one in archive.namelist() if one.startswith(f"files/{job.public_id}/"))
    assert archive.read(name) == CONTENT


def test_an_export_goes_on_without_a_file_that_vanished(tmp_path: Path) -> None:
    job = delivered(make.professional(), tmp_path)
    objects.delete([Artifact.objects.get(kind="full_mp3").object_key])

    archive = zipfile.ZipFile(io.BytesIO(b"".join(export_of(job.user))))

    assert archive.testzip() is None
    assert [one for one in archive.namelist() if one.startswith(f"files/{job.public_id}/")] == []


@pytest.mark.usefixtures("nothing_is_opened")
def test_a_file_that_comes_with_a_form_is_not_fetched_back_from_storage(s3: S3Peer) -> None:
    upload = register_upload(
        make.professional(), file=io.BytesIO(b"sound"), name="a.wav", role=Upload.Role.VOICE
    )

    assert upload.sha256 == hashlib.sha256(b"sound").hexdigest()
    assert [call.method for call in s3.calls if call.method == "GET"] == []


def ordered(made: Engines, content: bytes, name: str = "talk.wav") -> Upload:
    """Send a recording and order a dub of it."""
    upload, url = issued(names={"voice": name})
    assert send(url, content) == 200
    create_job(upload.user, voice=upload, background=None, languages=["es"], engines=lambda: made)
    return upload


@pytest.mark.ffmpeg
def test_a_whole_job_is_made_on_s3() -> None:
    made = engines(hearing=Hearing(HEARD))
    content = recording().read()
    upload = ordered(made, content)

    work(made)

    upload.refresh_from_db()
    task = upload.voice_of.tasks.get()
    assert (task.stage, task.error) == ("complete", "")
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert retention.differences().missing == []


@pytest.mark.ffmpeg
def test_a_file_put_over_after_the_job_was_made_fails_it_refunded() -> None:
    made = engines(hearing=Hearing(HEARD))
    upload, url = issued()
    send(url, recording().read())
    job = create_job(
        upload.user, voice=upload, background=None, languages=["es"], engines=lambda: made
    )
    assert send(url, recording(seconds=9).read()) == 200

    work(made)

    task = job.tasks.get()
    assert task.error_code == "UPLOAD_CHANGED"
    assert task.refunded == task.credits


@pytest.mark.ffmpeg
@pytest.mark.parametrize("moov", ["first", "last", "in the middle"])
def test_a_film_is_probed_without_fetching_it(s3: S3Peer, tmp_path: Path, moov: str) -> None:
    film = tmp_path / "film.mov"
    flags = ["-movflags", "+faststart"] if moov == "first" else []
    source = ["-f", "lavfi", "-i", "anoisesrc=d=80:r=48000", "-c:a", "pcm_s16le"]
    ffmpeg(*source, *flags, out=film)
    content = film.read_bytes()
    if moov == "in the middle":
        content += (3_000_000).to_bytes(4, "big") + b"free" + bytes(3_000_000 - 8)
    upload, url = issued(names={"voice": "film.mp4"})
    send(url, content)
    s3.calls.clear()

    measured = measure_upload(upload)

    ranges = [call.headers["range"] for call in s3.calls if call.method == "GET"]
    fetched = sum(length(one) for one in ranges)
    assert measured.duration_ms == pytest.approx(80_000, abs=50)
    assert len(content) > 6_000_000
    assert fetched < 2_500_000
    assert all("if-match" in call.headers for call in s3.calls if call.method == "GET")


def length(asked: str) -> int:
    first, last = asked.removeprefix("bytes=").split("-")
    return int(last) - int(first) + 1


@pytest.mark.ffmpeg
def test_a_text_that_is_called_a_film_is_refused() -> None:
    upload, url = issued(names={"voice": "film.mp4"}, content_types={"voice": "video/mp4"})
    send(
        url, io.BytesIO(b"#EXTM3U\nfile:///etc/passwd\n" * 100_000).read(), Content_Type="video/mp4"
    )

    with pytest.raises(UserError) as refused:
        measure_upload(upload)

    assert refused.value.code == "not_media"
