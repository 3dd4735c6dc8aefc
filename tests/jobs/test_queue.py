import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.signing import BadSignature
from django.db import transaction
from django_q import core_signing
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import PickleSerializer, SignedPackage

from jobs import queue, tasks

pytestmark = pytest.mark.django_db


def test_a_message_is_part_of_the_callers_transaction() -> None:
    def ring_and_fail() -> None:
        with transaction.atomic():
            queue.ring(1)
            raise LookupError

    with pytest.raises(LookupError):
        ring_and_fail()

    assert not OrmQ.objects.exists()


def test_messages_are_signed_with_a_key_of_their_own() -> None:
    queue.ring(1)
    payload = OrmQ.objects.get().payload

    message = SignedPackage.loads(payload)

    assert (message["func"], message["args"]) == ("jobs.tasks.run_step", (1,))
    with pytest.raises(BadSignature):
        core_signing.loads(
            payload, key=settings.SECRET_KEY, salt=Conf.PREFIX, serializer=PickleSerializer
        )


def test_a_message_that_fails_does_not_come_back() -> None:
    queue.ring(1)

    assert SignedPackage.loads(OrmQ.objects.get().payload)["ack_failure"] is True


def test_a_canary_of_ours_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(queue.CANARY, str(tmp_path / "canary"))

    tasks.canary(str(tmp_path / "canary"), time.time() + 10)

    assert (tmp_path / "canary").exists()
    assert not OrmQ.objects.exists()


def test_a_canary_of_others_is_passed_on_until_its_time_is_over(tmp_path: Path) -> None:
    tasks.canary(str(tmp_path / "canary"), time.time() + 10)
    tasks.canary(str(tmp_path / "canary"), time.time() - 1)

    assert OrmQ.objects.count() == 1
    assert not (tmp_path / "canary").exists()
