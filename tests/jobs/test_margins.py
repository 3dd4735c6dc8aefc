"""What jobs brought, what vendors took, and who may see it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing import ledger
from billing.models import Purchase
from jobs import margins, outcomes, vendor_calls
from jobs.margins import Margin
from jobs.models import DubbingJob, Step
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.ports import Bill
from tests import make

pytestmark = pytest.mark.django_db

PAGE = "admin:jobs_margins"
A_CREDIT = 580_000  # of the Creator pack, in millionths of a dollar


def customer() -> User:
    """Somebody who bought fifty credits for $29."""
    person = make.user()
    bought = Purchase.objects.create(
        user=person,
        plan="creator",
        credits=50,
        amount_cents=2900,
        currency="usd",
        status="paid",
        paid_at=timezone.now(),
        stripe_payment_intent_id=f"pi_{person.pk.hex}",
    )
    ledger.purchase(person, credits=50, reference=bought.reference, description="Bought")
    return person


def billed(job: DubbingJob, microdollars: int) -> None:
    """Let a vendor take something for a job."""
    bill = Bill("nova-3", "seconds", 61, microdollars, "request-1")
    step = Step.objects.filter(job=job).earliest("pk")
    vendor_calls.record(job, step, "deepgram", bill, 1.5)


def staff_with(*permissions: str) -> Client:
    """A browser in which staff with those permissions is signed in."""
    person = make.user()
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    make.sign_in(client, person)
    return client


@pytest.fixture
def accountant() -> Client:
    return staff_with("view_dubbingjob", "view_vendorcall", "view_purchase")


def test_a_job_brought_what_was_paid_for_its_credits() -> None:
    job = make.job(customer(), languages=["es"])
    billed(job, 11_387)

    assert margins.margin_of(job) == Margin(paid=7 * A_CREDIT, vendors=11_387)


def test_given_credits_bring_nothing_and_are_spent_first_when_older() -> None:
    person = make.user(credits=5)
    given = make.job(make.user(credits=20), languages=["es"])
    ledger.grant(person, credits=20, reference="more", reason="A present", by=None)

    assert margins.margin_of(given).paid == 0
    assert margins.margin_of(make.job(person, languages=["es"])).paid == 0


def test_a_language_that_was_given_back_brought_nothing() -> None:
    job = make.job(customer(), languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

    assert margins.margin_of(job).paid == 0


def test_the_page_lists_a_month_and_its_sum(accountant: Client) -> None:
    for _ in range(2):
        billed(make.job(customer(), languages=["es"]), 1_000_000)
    old = make.job(customer(), languages=["es"])
    DubbingJob.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=70))

    page = accountant.get(reverse(PAGE)).content.decode()
    before = accountant.get(reverse(PAGE), {"month": "1999-01"}).content.decode()

    assert page.count("$4.0600") == 2
    assert "$8.1200" in page  # paid in the month
    assert "$6.1200" in page  # left in the month
    assert old.public_id not in page
    assert "2 jobs in the month" in before  # which no month of ours can be, so it is this one


def test_many_jobs_are_paged_and_ask_no_more_than_one(accountant: Client) -> None:
    person = make.professional()
    make.job(person, languages=["es"])
    one = count(accountant)
    for _ in range(54):
        make.job(person, languages=["es"], seconds=5)

    assert count(accountant) == one
    assert "Page 1 of 2" in accountant.get(reverse(PAGE)).content.decode()


def count(client: Client) -> int:
    """How many queries the page takes."""
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse(PAGE))
    return len(captured)


def test_a_month_is_taken_along_as_a_table(accountant: Client) -> None:
    job = make.job(customer(), languages=["es"])
    billed(job, 1_000_000)

    table = accountant.get(reverse("admin:jobs_margins_table")).getvalue().decode()

    assert f"{job.public_id}," in table
    assert ",4.06,1.0,3.06" in table


def test_nobody_sees_margins_without_both_permissions() -> None:
    client = staff_with("view_dubbingjob", "view_vendorcall")

    statuses = [
        client.get(reverse(address)).status_code for address in (PAGE, "admin:jobs_margins_table")
    ]

    assert statuses == [403, 403]
    assert "Margins" not in client.get(reverse("admin:jobs_dubbingjob_changelist")).content.decode()


@pytest.mark.parametrize(
    ("month", "before", "after"),
    [
        ((2026, 1, 31), (2025, 12, 1), (2026, 2, 1)),
        ((2026, 6, 15), (2026, 5, 1), (2026, 7, 1)),
        ((2026, 12, 31), (2026, 11, 1), (2027, 1, 1)),
    ],
)
def test_months_follow_each_other(
    month: tuple[int, int, int], before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    day = datetime(*month, tzinfo=UTC)

    assert margins.month_before(day) == datetime(*before, tzinfo=UTC)
    assert margins.month_after(day) == datetime(*after, tzinfo=UTC)
