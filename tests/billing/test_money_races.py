"""Money when many act at once: twenty times each, and each time exactly one wins."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import stripe
from django.db import connection, connections

from accounts.models import User
from billing import services
from billing.gateway import payment_of
from billing.models import CreditTransaction, KnownPerson, Purchase, PurchaseRefund
from billing.purchases import confirm_payment, settle_purchase
from billing.queries import balance_of
from billing.refunds import refund_purchase
from dubber.errors import UserError
from jobs import outcomes
from jobs.models import DubbingJob
from jobs.pipeline.errors import PipelineError, Stopped
from jobs.services import cancel_job, create_job, refund_language, retry_language
from tests import make
from tests.billing.paying import Till
from tests.engines import engines
from tests.peers.stripe import StripePeer

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("adds_up"),
]

REPETITIONS = 20

Act = Callable[[], Any]


def at_once(acts: Sequence[Act]) -> list[Any]:
    """Do all acts in threads that start together; what came of each."""
    start = threading.Barrier(len(acts))

    def one(act: Act) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return act()
        except (UserError, Stopped) as error:
            return error
        finally:
            connections.close_all()
            stripe.default_http_client.close()  # type: ignore[union-attr]

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def refused(answers: Sequence[Any]) -> int:
    return sum(isinstance(answer, Exception) for answer in answers)


def test_of_forty_jobs_on_credits_for_one_exactly_one_starts() -> None:
    for _ in range(REPETITIONS):
        person = make.professional(credits=7)
        voices = [make.upload(person) for _ in range(40)]

        answers = at_once([creation(person, voice) for voice in voices])

        assert refused(answers) == 39
        assert (DubbingJob.objects.filter(user=person).count(), balance_of(person)) == (1, 0)


def creation(person: User, voice: Any) -> Act:
    """The act of ordering a dub into Spanish."""
    return lambda: create_job(
        person, voice=voice, background=None, languages=["es"], engines=engines
    )


def test_a_payment_confirmed_forty_times_at_once_is_credited_once(till: Till) -> None:
    for _ in range(REPETITIONS):
        user = make.user()
        intent = str(till.pay(user).stripe_payment_intent_id)

        answers = at_once([partial(confirm_payment, user, intent=intent)] * 40)

        assert refused(answers) == 0
        assert balance_of(user) == 50
        assert CreditTransaction.objects.filter(user=user).count() == 1


def test_confirmation_and_messages_at_once_credit_once(till: Till) -> None:
    for _ in range(REPETITIONS):
        user = make.user()
        intent = str(till.pay(user).stripe_payment_intent_id)
        told = payment_of(till.peer.account.objects[intent])
        event = till.peer.events("payment_intent.succeeded")[-1]
        roads: list[Act] = [
            partial(confirm_payment, user, intent=intent),
            partial(settle_purchase, told),
            partial(till.deliver, event),
        ]

        answers = at_once(roads * 2)

        assert refused(answers) == 0
        assert balance_of(user) == 50
        assert CreditTransaction.objects.filter(user=user).count() == 1


def test_two_of_the_staff_refund_one_purchase_once(till: Till) -> None:
    staff = [make.staff(), make.staff()]
    for _ in range(REPETITIONS):
        user = make.user()
        purchase = till.buy(user)

        answers = at_once([refunding(purchase, one) for one in staff])

        assert refused(answers) == 1
        assert balance_of(user) == 0
        assert PurchaseRefund.objects.filter(purchase=purchase).count() == 1
    assert len(till.peer.account.of_kind("refund")) == REPETITIONS


def refunding(purchase: Purchase, staff: User) -> Act:
    """The act of refunding all of a purchase."""
    return lambda: refund_purchase(purchase, credits=None, reason="Not happy", by=staff)


def test_a_refund_and_the_start_of_a_job_at_once_share_the_credits(till: Till) -> None:
    staff = make.staff()
    for _ in range(REPETITIONS):
        user = make.user()
        purchase = till.buy(user)
        voice = make.upload(user)

        at_once([refunding(purchase, staff), creation(user, voice)])

        started = DubbingJob.objects.filter(user=user).count()
        refund = PurchaseRefund.objects.get(purchase=purchase)
        assert (refund.credits, balance_of(user)) == (50 - 7 * started, 0)


def test_cancel_refund_and_completion_at_once_leave_one_truth() -> None:
    staff = make.staff()
    for _ in range(REPETITIONS):
        person = make.professional(credits=7)
        job = make.job(person, languages=["es"])
        make.done(5)
        last = make.claim()
        acts: list[Act] = [
            partial(cancel_job, job, by=person),
            partial(refund_language, job, language="es", reason="Late", by=staff),
            partial(outcomes.finish, last, kept=[], write=lambda: None),
        ]

        at_once(acts * 2)

        task = job.tasks.get()
        assert balance_of(person) == task.refunded
        assert CreditTransaction.objects.filter(user=person, kind="refund").count() <= 1


def test_a_failed_language_retried_twice_at_once_is_charged_once() -> None:
    for _ in range(REPETITIONS):
        person = make.professional(credits=100)
        job = make.job(person, languages=["es"])
        outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

        answers = at_once([partial(retry_language, job, language="es", by=person)] * 2)

        assert refused(answers) == 1
        assert balance_of(person) == 93
        cancel_job(job, by=person)


def test_a_person_with_two_accounts_gets_one_starter_pack() -> None:
    for number in range(REPETITIONS):
        accounts = [make.user(f"one{number}+{half}@example.com") for half in "ab"]

        answers = at_once([granting(user) for user in accounts * 2])

        assert refused(answers) == 3
        assert sorted(balance_of(user) for user in accounts) == [0, 20]
    assert KnownPerson.objects.count() == REPETITIONS


def granting(user: User) -> Act:
    """The act of asking for the Starter pack."""
    return lambda: services.grant_starter(user)


def test_an_account_that_closes_while_it_is_paid_keeps_no_credits(peer: StripePeer) -> None:
    for _ in range(REPETITIONS):
        user = make.user()
        purchase = Till(peer).pay(user)
        told = payment_of(peer.account.objects[str(purchase.stripe_payment_intent_id)])
        acts: list[Act] = [
            partial(settle_purchase, told),
            partial(services.close_account, user),
        ]

        answers = at_once(acts)

        purchase.refresh_from_db()
        assert refused(answers) == 0
        assert balance_of(user) == 0
        assert purchase.status in {"paid", "quarantined"}
