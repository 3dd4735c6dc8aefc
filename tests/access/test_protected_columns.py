"""No column is written because a body names it: only what the contract lets people write is."""

from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.forms.models import model_to_dict
from django.test import Client

from accounts import tokens
from accounts.models import User
from jobs.models import DubbingJob, LanguageTask, Upload
from tests import make

pytestmark = pytest.mark.django_db
EVIL: dict[str, Any] = {
    "BooleanField": True,
    "PositiveIntegerField": 999,
    "PositiveSmallIntegerField": 9,
    "BigIntegerField": 999,
    "BigAutoField": 999,
    "JSONField": {"jobs": 10**9},
    "DateTimeField": "2020-01-01T00:00:00Z",
    "DurationField": "999 00:00:00",
    "UUIDField": "00000000-0000-0000-0000-000000000001",
    "ForeignKey": 1,
    "OneToOneField": 1,
    "ManyToManyField": [1],
}
"""A value that nobody may give themselves, by the kind of its column."""


def everything(*models: type[Model]) -> dict[str, Any]:
    """Every column of these models, in both ways of writing a name, with an evil value."""
    body = {}
    for model in models:
        for column in (*model._meta.concrete_fields, *model._meta.many_to_many):
            value = EVIL.get(column.get_internal_type(), "evil")
            first, *others = column.name.split("_")
            body[column.name] = body[first + "".join(map(str.capitalize, others))] = value
    return body


def send(person: User, method: str, path: str, body: dict[str, Any]) -> Any:
    client = Client(headers={"authorization": f"Bearer {tokens.open_session(person).access_token}"})
    content = DjangoJSONEncoder().encode(body)
    return client.generic(method, path, content, content_type="application/json")


def columns(row: Model) -> dict[str, Any]:
    """Everything that is written of a row."""
    names = [one.name for one in row._meta.concrete_fields]
    return model_to_dict(row, fields=names) | {
        one.name: getattr(row, one.attname) for one in row._meta.concrete_fields
    }


def test_a_profile_changes_by_what_people_may_write_alone() -> None:
    person = make.user("ana@example.com", password="a long one of theirs")
    before = columns(User.objects.get(pk=person.pk))
    allowed = {"full_name": "Ana", "timezone": "Europe/Madrid", "language_preference": "es"}
    written = {"fullName": "Ana", "timezone": "Europe/Madrid", "languagePreference": "es"}

    body = everything(User) | written | {"avatarUrl": None}
    answer = send(person, "PUT", "/api/users/me", body)

    after = columns(User.objects.get(pk=person.pk))
    assert answer.status_code == 200
    assert after == before | allowed | {"updated_at": after["updated_at"]}


def test_whoever_signs_up_gets_nothing_but_an_account() -> None:
    body = everything(User) | {"email": "eve@example.com", "password": "a long one of theirs"}

    answer = Client().post("/api/auth/signup", body, content_type="application/json")

    eve = User.objects.get()
    assert answer.status_code == 201
    assert (eve.is_staff, eve.is_superuser, eve.is_verified) == (False, False, False)
    assert (eve.rate_limits, eve.supabase_id, eve.full_name) == ({}, None, "")
    assert not eve.groups.exists()
    assert not eve.user_permissions.exists()


def test_whoever_asks_for_an_address_chooses_nothing_of_its_file() -> None:
    person = make.professional()
    body = everything(Upload, DubbingJob, LanguageTask) | {
        "languages": ["es"],
        "voice_track_name": "talk.mp4",
    }

    answer = send(person, "POST", "/api/jobs/upload-urls", body)

    upload = Upload.objects.get()
    assert answer.status_code == 200
    assert (upload.user, upload.role, upload.name) == (person, "voice", "talk.mp4")
    assert upload.key.startswith(f"uploads/{person.pk}/")
    assert (upload.size, upload.arrived_at, upload.duration_ms) == (None, None, None)
    assert upload.limit_bytes == 2 * 1024**3
    assert not DubbingJob.objects.exists()
