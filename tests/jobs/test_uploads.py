import hashlib
import io

import pytest
from django.core.files.storage import default_storage

from billing.models import UserCredits
from billing.plans import PLANS
from dubber.errors import Conflict, UserError
from jobs.models import Upload
from jobs.uploads import issue_uploads, measure_upload, record_source, register_upload
from tests import make

pytestmark = pytest.mark.django_db

VOICE = Upload.Role.VOICE


def test_what_was_found_in_a_file_is_not_said_of_the_next_one() -> None:
    upload = register_upload(make.user(), file=io.BytesIO(b"sound"), name="a.wav", role=VOICE)
    Upload.objects.update(sha256="0" * 64)  # sent anew while the first was looked into

    with pytest.raises(Conflict):
        record_source(upload, source=make.source())

    assert Upload.objects.get().duration_ms is None


class Endless(io.BytesIO):
    """A file that says that it is larger than it is."""

    def __init__(self, size: int) -> None:
        super().__init__(b"x")
        self.size = size


@pytest.mark.parametrize("languages", [["es", "es"], ["es", "es-MX"]])
def test_a_language_named_twice_is_told_before_anything_is_sent(languages: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        issue_uploads(make.user(), languages=languages, names={"voice": "a.wav"})

    assert refused.value.code == "language_twice"
    assert not Upload.objects.exists()


def test_an_upload_is_kept_with_its_size_and_checksum() -> None:
    upload = register_upload(make.user(), file=io.BytesIO(b"sound"), name="a.wav", role=VOICE)

    with default_storage.open(upload.key) as file:
        assert file.read() == b"sound"
    assert upload.size == 5
    assert upload.sha256 == hashlib.sha256(b"sound").hexdigest()
    assert upload.arrived_at is not None


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\films\\talk.mp4", "talk.mp4"), ("", "voice")],
)
def test_only_the_name_of_a_file_is_kept_and_never_its_path(name: str, kept: str) -> None:
    upload = register_upload(make.user(), file=io.BytesIO(b"sound"), name=name, role=VOICE)

    assert upload.name == kept
    assert ".." not in upload.key
    assert kept.split(".", maxsplit=1)[0] not in upload.key or kept == "voice"


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UserError) as refused:
        register_upload(make.user(), file=io.BytesIO(), name="a.wav", role=VOICE)

    assert refused.value.code == "empty_file"


@pytest.mark.parametrize("plan", sorted(PLANS))
def test_a_file_over_the_plans_limit_is_refused(plan: str) -> None:
    person = make.user(credits=1)
    UserCredits.objects.filter(user=person).update(plan=plan)
    file = Endless(PLANS[plan].limits.largest_bytes + 1)

    with pytest.raises(UserError) as refused:
        register_upload(person, file=file, name="a.wav", role=VOICE)

    assert (refused.value.code, refused.value.status) == ("too_large", 413)
    assert not Upload.objects.exists()


def test_what_has_not_arrived_can_not_be_looked_into() -> None:
    upload = make.upload(make.user())
    Upload.objects.update(arrived_at=None, duration_ms=None)
    upload.refresh_from_db()

    with pytest.raises(Conflict) as refused:
        measure_upload(upload)

    assert refused.value.code == "upload_missing"
