"""The comparison of everything finds what it should, names it, and is quiet otherwise."""

import io
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import ledger
from billing.models import Purchase
from dubber.models import ReconcileReport
from dubber.reconcile import REPORTS_KEPT, differences_found
from jobs import outcomes, queue, tasks
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


def lose_a_file(job: DubbingJob) -> str:
    default_storage.delete(job.voice.key)
    return f"file: {job.voice.key}: missing"


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
        lose_a_file,
    ],
)
def test_a_difference_is_found_and_its_row_is_named(bend: Callable[[DubbingJob], str]) -> None:
    job = worked()
    clean = differences_found()

    named = bend(job)

    assert clean == []
    assert [str(found) for found in differences_found() if str(found).startswith(named)]


@pytest.fixture
def forgotten() -> Iterator[str]:
    """A file of two days ago that no row names."""
    key = default_storage.save("jobs/job_zzzzzzzzzzzz/left.mp3", ContentFile(b"sound"))
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(default_storage.path(key), (two_days_ago, two_days_ago))
    yield key
    default_storage.delete(key)


def test_a_file_without_a_row_is_found(forgotten: str) -> None:
    found = [str(one) for one in differences_found()]

    assert found == [f"file: {forgotten}: no row names it"]


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


REPORTS = "admin:dubber_reconcilereport_changelist"
COMPARE = "admin:dubber_reconcilereport_compare"


def clerk(*permissions: str) -> Client:
    """A browser in which a member of staff with those permissions is signed in."""
    person = make.user()
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    make.sign_in(client, person)
    return client


def test_staff_read_the_last_report_with_links_to_its_rows() -> None:
    job = worked()
    for bend in (bend_balance, bend_charge, credit_nothing):
        bend(job)
    with pytest.raises(CommandError):
        call_command("reconcile", verbosity=0)
    report = ReconcileReport.objects.get()
    client = clerk("view_reconcilereport")

    lists = client.get(reverse(REPORTS)).content.decode()
    page = client.get(
        reverse("admin:dubber_reconcilereport_change", args=[report.pk])
    ).content.decode()

    assert f"{len(report.found)} differences" in lists
    assert f'<a href="/admin/billing/usercredits/{job.user_id}/change/">' in page
    assert f'<a href="/admin/jobs/dubbingjob/?q={job.public_id}">{job.public_id} fr</a>' in page
    assert '<a href="/admin/billing/credittransaction/?q=purchase%3Anone">' in page


def test_staff_with_permission_ask_for_a_comparison_and_nobody_else() -> None:
    told = []
    for permissions in (["view_reconcilereport"], ["view_reconcilereport", "add_reconcilereport"]):
        client = clerk(*permissions)
        shown = "Compare now" in client.get(reverse(REPORTS)).content.decode()
        told.append((shown, client.post(reverse(COMPARE)).status_code))

    assert told == [(False, 403), (True, 302)]
    assert queue.waiting() == 1


def test_a_worker_that_is_asked_writes_a_report() -> None:
    tasks.run_command("reconcile")

    report = ReconcileReport.objects.get()
    assert (report.found, report.strict) == ([], False)


def test_only_so_many_reports_are_kept() -> None:
    long_ago = timezone.now() - timedelta(days=300)
    ReconcileReport.objects.bulk_create(
        ReconcileReport(at=long_ago + timedelta(days=day), strict=False)
        for day in range(REPORTS_KEPT)
    )

    call_command("reconcile", verbosity=0)

    assert ReconcileReport.objects.count() == REPORTS_KEPT
    assert not ReconcileReport.objects.filter(at=long_ago).exists()
