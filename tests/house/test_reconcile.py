"""The comparison of everything finds what it should, names it, and is quiet otherwise."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from billing import ledger
from billing.models import Purchase
from dubber.reconcile import differences_found
from jobs import outcomes
from jobs.models import DubbingJob, LanguageTask
from jobs.pipeline.errors import PipelineError
from jobs.services import cancel_job
from jobs.states import JobStatus
from tests import make

pytestmark = pytest.mark.django_db


def worked() -> DubbingJob:
    """A job with a delivered, a failed and a cancelled language behind it."""
    person = make.professional(credits=300)
    job = make.job(person, languages=["es", "fr"], seconds=601)
    make.done(2)
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))
    while job.status in {JobStatus.PENDING, JobStatus.PROCESSING}:
        make.done()
        job.refresh_from_db()
    cancel_job(make.job(person, languages=["de"]), by=person)
    return job


def bend_balance(_job: DubbingJob) -> str:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_usercredits SET balance = balance + 1")
    return "balance"


def bend_charge(job: DubbingJob) -> str:
    job.tasks.filter(stage="complete").update(credits=60)
    return f"language: {job.public_id} fr"


def forget_refund(job: DubbingJob) -> str:
    job.tasks.filter(stage="failed").update(refunded=0)
    return f"refund: {job.public_id} es"


def refund_delivered(job: DubbingJob) -> str:
    task = job.tasks.get(stage="complete")
    outcomes.refund(job, task)
    return f"refund: {job.public_id} fr"


def bend_bonus(job: DubbingJob) -> str:
    ledger.bonus(job.user, credits=1, reference=f"bonus:{job.public_id}:9", description="Bonus")
    return f"bonus: {job.public_id}"


def charge_for_nothing(job: DubbingJob) -> str:
    ledger.charge(job.user, credits=1, reference="job_aaaaaaaaaaaa:es:1", description="Dub")
    return "entry: job_aaaaaaaaaaaa:es:1"


def credit_nothing(job: DubbingJob) -> str:
    ledger.purchase(job.user, credits=1, reference="purchase:none", description="Bought")
    return "entry: purchase:none"


@pytest.mark.parametrize(
    "bend",
    [
        bend_balance,
        bend_charge,
        forget_refund,
        refund_delivered,
        bend_bonus,
        charge_for_nothing,
        credit_nothing,
    ],
)
def test_a_difference_is_found_and_its_row_is_named(bend: Callable[[DubbingJob], str]) -> None:
    job = worked()
    clean = differences_found()

    named = bend(job)

    assert clean == []
    assert [str(found) for found in differences_found() if str(found).startswith(named)]


def test_the_command_exits_with_one_and_names_the_rows() -> None:
    job = worked()
    LanguageTask.objects.filter(job=job, stage="complete").update(credits=60)
    out = io.StringIO()

    with pytest.raises(CommandError, match="Differences: "):
        call_command("reconcile", stdout=out)

    assert f"{job.public_id} fr" in out.getvalue()


def test_the_command_is_content_when_everything_adds_up() -> None:
    worked()
    out = io.StringIO()

    call_command("reconcile", "--strict", stdout=out)

    assert out.getvalue() == "Everything adds up.\n"


def test_strict_names_what_waits_for_somebody() -> None:
    purchase = Purchase.objects.create(
        user=make.user(),
        plan="creator",
        credits=50,
        amount_cents=2900,
        currency="usd",
        customer="cus_1",
        status="quarantined",
        doubt="amount 1 in place of 2900",
    )

    assert differences_found() == []
    assert [found.row for found in differences_found(strict=True)] == [str(purchase.pk)]
