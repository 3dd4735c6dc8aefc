"""`Idempotency-Key`: the same request twice is done once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts.models import User
from dubber import idempotency
from dubber.api import ApiView
from dubber.errors import UserError
from dubber.idempotency import idempotent, reference_of
from dubber.models import KeptAnswer
from tests import make


class Counter(ApiView):
    """Counts how often something is really done."""

    done: list[Any] = []
    fail: list[Exception] = []

    @idempotent
    def post(self, request: Request) -> Response:
        if self.fail:
            raise self.fail.pop()
        self.done.append(reference_of(request))
        return Response({"n": len(self.done)}, status=201, headers={"Location": "/x"})


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    Counter.done.clear()
    Counter.fail.clear()


def post(user: User, key: str | None = "k", **body: Any) -> Response:
    headers = {"Idempotency-Key": key} if key is not None else {}
    request = APIRequestFactory().post("/api/x", body, format="json", headers=headers)
    force_authenticate(request, user)
    return Counter.as_view()(request)


@pytest.mark.django_db
def test_the_same_request_gets_the_first_answer_again() -> None:
    user = make.user()

    first, second = post(user, n=1), post(user, n=1)

    assert (first.status_code, first.data) == (second.status_code, second.data) == (201, {"n": 1})
    assert second["Location"] == "/x"
    assert len(Counter.done) == 1


@pytest.mark.django_db
def test_without_a_key_everything_is_done_again() -> None:
    user = make.user()

    post(user, None)
    post(user, None)

    assert Counter.done == [None, None]


@pytest.mark.django_db
def test_the_same_key_for_another_body_is_refused() -> None:
    user = make.user()
    post(user, n=1)

    answer = post(user, n=2)

    assert (answer.status_code, answer.data["error"]) == (422, "idempotency_mismatch")


@pytest.mark.django_db
def test_the_order_of_names_in_a_body_means_nothing() -> None:
    user = make.user()
    post(user, a=1, b=2)

    assert post(user, b=2, a=1).status_code == 201


@pytest.mark.django_db
def test_people_do_not_share_keys() -> None:
    post(make.user())

    assert post(make.user()).data == {"n": 2}


@pytest.mark.django_db
def test_a_refusal_is_judged_anew() -> None:
    user = make.user()
    Counter.fail.append(UserError("insufficient_credits", "Too few.", status=402))

    first, second = post(user), post(user)

    assert (first.status_code, second.status_code) == (402, 201)


@pytest.mark.django_db
def test_a_request_that_still_runs_is_a_conflict() -> None:
    user = make.user()
    request = APIRequestFactory().post("/api/x", {}, format="json")
    asked = idempotency.digest_of(ApiView().initialize_request(request))
    idempotency.claim(str(user.pk), key="k", asked=asked)

    answer = post(user)

    assert (answer.status_code, answer.data["error"]) == (409, "conflict")
    assert answer["Retry-After"] == "1"


@pytest.mark.django_db
def test_a_request_that_is_silent_for_a_minute_is_taken_over() -> None:
    user = make.user()
    post(user)
    KeptAnswer.objects.update(status=None, started_at=timezone.now() - timedelta(seconds=61))

    answer = post(user)

    assert (answer.status_code, answer.data) == (201, {"n": 2})


@pytest.mark.django_db
def test_who_was_taken_over_keeps_no_answer() -> None:
    user = make.user()
    slow = idempotency.claim(str(user.pk), key="k", asked="a")
    KeptAnswer.objects.update(started_at=timezone.now() - timedelta(seconds=61))
    fast = idempotency.claim(str(user.pk), key="k", asked="a")
    idempotency.keep(fast, Response({"by": "fast"}, status=201))

    idempotency.keep(slow, Response({"by": "slow"}, status=201))

    assert KeptAnswer.objects.get().body == {"by": "fast"}


@pytest.mark.django_db
def test_a_key_is_free_again_after_a_day() -> None:
    user = make.user()
    post(user, n=1)
    KeptAnswer.objects.update(expires_at=timezone.now())

    assert post(user, n=2).status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb"])
def test_what_is_no_key_is_refused(key: str) -> None:
    answer = post(make.user(), key)

    assert (answer.status_code, answer.data["error"]) == (400, "validation_error")


@pytest.mark.django_db
def test_expired_answers_are_forgotten() -> None:
    post(make.user())
    KeptAnswer.objects.update(expires_at=timezone.now())

    assert idempotency.forget_expired() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_request_eight_times_at_once_is_done_once() -> None:
    user = make.user()
    start = Barrier(8)

    def one(_: int) -> int:
        start.wait()
        try:
            return post(user).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(one, range(8)))

    assert len(Counter.done) == 1
    assert set(codes) <= {201, 409}
