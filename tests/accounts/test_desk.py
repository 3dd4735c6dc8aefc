"""What people see, change and take along of themselves."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import User
from billing.models import Purchase
from billing.queries import balance_of
from jobs.drafts import begin_draft, save_captions
from jobs.services import cancel_job
from tests import make
from tests.accounts.asking import ask, code_of
from tests.web.delivered import CONTENT, delivered

pytestmark = pytest.mark.django_db
ME = "/api/users/me"
CAPTIONS = "1\n00:00:00,000 --> 00:00:01,000\nHello\n"


def token_of(user: User) -> str:
    return tokens.open_session(user).access_token


def test_the_profile_has_the_names_of_the_contract() -> None:
    user = make.user(credits=43)

    answer = ask("GET", ME, token_of(user)).json()

    assert set(answer) == {
        "id", "email", "fullName", "avatarUrl", "timezone", "languagePreference", "createdAt",
        "updatedAt", "creditBalance", "stats",
    }  # fmt: skip
    assert (answer["id"], answer["creditBalance"]) == (str(user.pk), 43)
    assert answer["fullName"] is None
    assert answer["createdAt"].endswith("Z")


def test_the_profile_can_be_changed() -> None:
    token = token_of(make.user())
    sent = {
        "fullName": "Ana Núñez",
        "avatarUrl": "https://example.com/ana.png",
        "timezone": "Europe/Madrid",
        "languagePreference": "es-MX",
    }

    answer = ask("PUT", ME, token, **sent)

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in sent} == sent


def test_what_is_not_sent_stays() -> None:
    token = token_of(make.user())
    ask("PUT", ME, token, fullName="Ana")

    ask("PUT", ME, token, timezone="Europe/Madrid")

    assert ask("GET", ME, token).json()["fullName"] == "Ana"


@pytest.mark.parametrize(
    "sent",
    [
        {"avatarUrl": "http://example.com/ana.png"},
        {"avatarUrl": "javascript:alert(1)"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"languagePreference": "Spanish, please"},
        {"languagePreference": "abc-abcdefgh-abcdefgh"},
        {"fullName": "x" * 201},
        {"fullName": "nul \x00 inside"},
        {"fullName": {"first": "Ana"}},
    ],
    ids=str,
)
def test_what_is_no_value_is_refused(sent: dict[str, Any]) -> None:
    answer = ask("PUT", ME, token_of(make.user()), **sent)

    assert code_of(answer) == (400, "validation_error")
    assert next(iter(sent)) in answer.json()["details"]["fields"]


def test_nobody_changes_what_is_not_theirs_to_change() -> None:
    user = make.user(credits=1)
    before = User.objects.filter(pk=user.pk).values().get()

    answer = ask(
        "PUT", ME, token_of(user),
        id="00000000-0000-0000-0000-000000000000", email="boss@example.com", creditBalance=999,
        is_staff=True, isStaff=True, is_superuser=True, is_active=False, password="x",
        email_verified_at=None, supabase_id="x", rate_limits={"jobs": 9}, rateLimits={"jobs": 9},
        deleted_at="2026-01-01T00:00:00Z", createdAt="2000-01-01T00:00:00Z", stats={},
        full_name="by another name",
    )  # fmt: skip

    after = User.objects.filter(pk=user.pk).values().get()
    assert answer.status_code == 200
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert balance_of(user) == 1


def test_statistics_count_jobs_and_languages(tmp_path: Path) -> None:
    user = make.professional()
    delivered(user, tmp_path)
    cancel_job(make.job(user), by=user)
    make.job(user)

    answer = ask("GET", f"{ME}/stats", token_of(user)).json()

    assert answer.pop("lastActivity").endswith("Z")
    assert answer == {
        "totalJobs": 3,
        "completedJobs": 1,
        "processingJobs": 1,
        "failedJobs": 1,
        "totalLanguages": 5,
        "totalMinutesProcessed": 1.0,
        "accountAge": 0,
    }


def test_activity_is_told_newest_first_and_page_by_page() -> None:
    user = make.professional()
    cancel_job(make.job(user, languages=["es"]), by=user)
    token = token_of(user)

    whole = ask("GET", f"{ME}/activity", token).json()
    page = ask("GET", f"{ME}/activity", token, limit=2, offset=1).json()

    times = [one["timestamp"] for one in whole["activities"]]
    assert whole["total"] == len(times) == 5
    assert times == sorted(times, reverse=True)
    assert page["activities"] == whole["activities"][1:3]
    assert (page["hasMore"], whole["hasMore"]) == (True, False)
    assert {one["type"] for one in whole["activities"]} == {
        "grant", "job_created", "language_cancelled", "refund", "job_ended",
    }  # fmt: skip


def test_nobody_sees_the_activity_of_others() -> None:
    make.job()

    answer = ask("GET", f"{ME}/activity", token_of(make.user())).json()

    assert answer == {"activities": [], "total": 0, "hasMore": False}


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"limit": "ten"}], ids=str
)
def test_a_page_that_can_not_be_is_refused(query: dict[str, Any]) -> None:
    answer = ask("GET", f"{ME}/activity", token_of(make.user()), **query)

    assert code_of(answer) == (400, "validation_error")


@pytest.mark.parametrize("path", ["stats", "activity"])
def test_queries_do_not_grow_with_the_number_of_jobs(
    path: str, django_assert_max_num_queries: Any
) -> None:
    user = make.professional()
    for _ in range(4):
        make.job(user)
    token = token_of(user)

    with django_assert_max_num_queries(8):
        ask("GET", f"{ME}/{path}", token)


def test_the_account_says_how_it_stands(tmp_path: Path) -> None:
    user = make.professional(credits=100)
    delivered(user, tmp_path)
    token = token_of(user)

    info = ask("GET", "/api/account/info", token).json()
    held = ask("GET", "/api/account/data-summary", token).json()

    assert (info["plan"], info["emailVerified"]) == ("professional", True)
    assert held == {
        "jobs": 1,
        "languageTasks": 1,
        "artifacts": 1,
        "creditTransactions": 2,
        "storageFiles": 2,
    }


def test_the_export_holds_every_file_and_row(tmp_path: Path) -> None:
    user = make.professional()
    job = delivered(user, tmp_path)
    delivered(make.professional(), tmp_path)

    answer = ask("GET", "/api/account/export", token_of(user))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))

    names = archive.namelist()
    result = next(name for name in names if name.startswith(f"files/{job.public_id}/"))
    assert answer["Content-Disposition"] == 'attachment; filename="dubber-export.zip"'
    assert archive.testzip() is None
    assert archive.read(result) == CONTENT
    assert [one["id"] for one in json.loads(archive.read("jobs.json"))] == [job.public_id]
    assert json.loads(archive.read("account.json"))["email"] == user.email
    assert len(json.loads(archive.read("credits.json"))) == 2
    assert sum(name.startswith("files/") for name in names) == 2


def test_the_export_tells_of_purchases_drafts_and_what_happened(tmp_path: Path) -> None:
    user = make.professional()
    job = delivered(user, tmp_path)
    save_captions(begin_draft(user), name="mine.srt", text=CAPTIONS)
    bought = {"plan": "creator", "credits": 50, "amount_cents": 2900, "currency": "usd"}
    for person in (user, make.user()):
        Purchase.objects.create(user=person, customer="cus_1", **bought)

    answer = ask("GET", "/api/account/export", token_of(user))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))

    told = {
        name: json.loads(archive.read(f"{name}.json"))
        for name in ("account", "activity", "drafts", "purchases")
    }
    assert (told["account"]["plan"], told["account"]["mailWhenDone"]) == ("professional", True)
    assert {one["job__public_id"] for one in told["activity"]} == {job.public_id}
    assert [one["captions"] for one in told["drafts"]] == [CAPTIONS]
    assert [one | bought for one in told["purchases"]] == told["purchases"]
    assert len(told["purchases"]) == 1


def test_a_person_takes_one_export_at_a_time() -> None:
    user = make.professional()
    token = token_of(user)
    first = ask("GET", "/api/account/export", token)

    second = ask("GET", "/api/account/export", token)
    b"".join(first.streaming_content)
    third = ask("GET", "/api/account/export", token)

    assert (first.status_code, third.status_code) == (200, 200)
    assert code_of(second) == (409, "conflict")
    assert int(second["Retry-After"]) > 0


def test_a_process_sends_two_exports_at_once() -> None:
    tokens_of_three = [token_of(make.professional()) for _ in range(3)]

    answers = [ask("GET", "/api/account/export", token) for token in tokens_of_three]

    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert code_of(answers[2]) == (503, "service_busy")
    assert int(answers[2]["Retry-After"]) > 0


def test_a_session_needs_its_csrf_token_to_change_anything() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make.user())
    client.get("/account")

    without = client.put(ME, {"fullName": "Eve"}, content_type="application/json")
    csrf = {"X-CSRFToken": client.cookies["csrftoken"].value}
    with_it = client.put(ME, {"fullName": "Ana"}, content_type="application/json", headers=csrf)

    assert code_of(without) == (403, "permission_denied")
    assert (with_it.status_code, with_it.json()["fullName"]) == (200, "Ana")
