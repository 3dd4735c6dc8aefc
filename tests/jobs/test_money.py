"""What jobs do with credits beyond their price: bonuses, late cancels, staff refunds, holds."""

import pytest

from accounts.models import User
from billing import ledger, services
from billing.models import CreditTransaction
from billing.queries import balance_of
from billing.refunds import note_dispute
from dubber.errors import Conflict, PermissionRefused, UserError
from jobs import editing, outcomes, rows
from jobs.models import DubbingJob, Line
from jobs.pipeline.errors import PipelineError
from jobs.pipeline.timeline import Segment, Transcript, Translation
from jobs.services import add_languages, cancel_job, refund_language, retry_language
from jobs.states import JobStatus
from tests import make
from tests.engines import engines

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]

LONG = 601.0
"""Seconds of a job that earns 5 %: 61 credits in Spanish, 61 in French."""


def bonuses() -> int:
    entries = CreditTransaction.objects.filter(reference__startswith="bonus:")
    return sum(entries.values_list("amount", flat=True))


def finish(job: DubbingJob) -> None:
    """Work until the job has ended."""
    while job.status in {JobStatus.PENDING, JobStatus.PROCESSING}:
        make.done()
        job.refresh_from_db()


def test_a_long_job_gets_its_bonus_once_when_its_last_language_ends() -> None:
    person = make.professional(credits=200)
    job = make.job(person, languages=["es", "fr"], seconds=LONG)

    finish(job)

    assert bonuses() == 6  # 5 % of 122, the rest of it dropped
    assert balance_of(person) == 200 - 122 + 6
    assert CreditTransaction.objects.filter(kind="bonus").count() == 1


def test_a_job_of_ten_minutes_gets_no_bonus() -> None:
    job = make.job(languages=["es"], seconds=600.0)

    finish(job)

    assert bonuses() == 0


def test_the_bonus_counts_only_what_the_job_kept() -> None:
    job = make.job(languages=["es", "fr"], seconds=LONG)
    make.done(2)
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))

    finish(job)

    assert bonuses() == 3


def test_a_language_that_is_retried_adds_its_share_of_the_bonus() -> None:
    person = make.professional(credits=300)
    job = make.job(person, languages=["es", "fr"], seconds=LONG)
    make.done(2)
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))
    finish(job)

    retry_language(job, language="es", by=person)
    job.refresh_from_db()
    finish(job)

    assert bonuses() == 6
    assert balance_of(person) == 300 - 122 + 6


def test_a_later_refund_takes_its_share_of_the_bonus_back() -> None:
    person, staff = make.professional(credits=200), make.staff()
    job = make.job(person, languages=["es", "fr"], seconds=LONG)
    finish(job)

    given = refund_language(job, language="es", reason="Sounded wrong", by=staff)
    again = refund_language(job, language="es", reason="Sounded wrong", by=staff)

    assert (given, again) == (61, 0)
    assert bonuses() == 3
    assert balance_of(person) == 200 - 61 + 3


def test_only_staff_refund_a_language() -> None:
    person = make.professional()
    job = make.job(person, languages=["es"])
    finish(job)

    with pytest.raises(PermissionRefused):
        refund_language(job, language="es", reason="Mine", by=person)


def test_a_language_that_runs_can_not_be_refunded() -> None:
    job = make.job(languages=["es"])

    with pytest.raises(Conflict):
        refund_language(job, language="es", reason="Early", by=make.staff())


def cancelled_while_speaking(person: User) -> int:
    """Cancel a job of one language that speaks and one that does not; what came back."""
    before = balance_of(person)
    job = make.job(person, languages=["es", "fr"])
    make.done(3)
    while not job.tasks.filter(stage="dubbing").exists():
        make.claim()
    spent = before - balance_of(person)
    cancel_job(job, by=person)
    return spent - (before - balance_of(person))


def test_the_fourth_cancel_of_a_day_past_the_start_of_speech_keeps_what_is_spoken() -> None:
    person = make.professional(credits=200)

    returned = [cancelled_while_speaking(person) for _ in range(4)]

    assert returned == [14, 14, 14, 7]


def test_staff_cancel_for_the_whole_price_whatever_was_cancelled_before() -> None:
    person, staff = make.professional(credits=200), make.staff()
    for _ in range(3):
        cancelled_while_speaking(person)
    job = make.job(person, languages=["es"])
    while not job.tasks.filter(stage="dubbing").exists():
        make.done()
        if job.steps.filter(kind="dub", status="ready").exists():
            make.claim()

    cancel_job(job, by=staff)

    assert balance_of(person) == 200


def test_cancels_before_speech_are_always_free() -> None:
    person = make.professional(credits=20)

    for _ in range(6):
        cancel_job(make.job(person, languages=["es"]), by=person)

    assert balance_of(person) == 20


def test_what_is_owed_lets_no_job_start() -> None:
    person = make.professional(credits=10)
    ledger.take_back(person, credits=30, reference="dispute:1", description="Payment refunded")

    with pytest.raises(UserError) as refused:
        make.job(person, languages=["es"])

    assert refused.value.code == "insufficient_credits"
    assert refused.value.details == {"required": 7, "balance": 0, "shortfall": 27}


def test_an_open_dispute_lets_no_job_start(paid: str) -> None:
    person = User.objects.get(purchases__stripe_payment_intent_id=paid)
    note_dispute(dispute_id="dp_1", intent=paid, cents=2900, status="needs_response")

    with pytest.raises(PermissionRefused) as refused:
        make.job(person, languages=["es"])
    note_dispute(dispute_id="dp_1", intent=paid, cents=2900, status="won")

    assert refused.value.details == {"reason": "dispute_open"}
    assert make.job(person, languages=["es"]).status == JobStatus.PENDING


def test_a_held_account_starts_no_job_until_it_is_released() -> None:
    person, staff = make.professional(), make.staff()
    services.freeze(person, reason="Looks like a stolen card", by=staff)

    with pytest.raises(PermissionRefused):
        make.job(person, languages=["es"])
    services.unfreeze(person, by=staff)

    assert make.job(person, languages=["es"]).status == JobStatus.PENDING


def test_a_held_account_retries_nothing_but_staff_may() -> None:
    person, staff = make.professional(), make.staff()
    job = make.job(person, languages=["es"])
    outcomes.fail(make.claim(), PipelineError("NO_SPEECH"))
    services.freeze(person, reason="Looks like a stolen card", by=staff)

    with pytest.raises(PermissionRefused):
        retry_language(job, language="es", by=person)

    assert retry_language(job, language="es", by=staff, free=True).runs == 2


def test_a_held_account_adds_no_language() -> None:
    person, staff = make.professional(), make.staff()
    job = make.job(person, languages=["es"])
    services.freeze(person, reason="Looks like a stolen card", by=staff)

    with pytest.raises(PermissionRefused) as refused:
        add_languages(job, languages=["fr"], engines=engines)

    assert refused.value.details == {"reason": "frozen"}
    assert job.tasks.count() == 1


def test_whoever_owes_credits_adds_no_language() -> None:
    person = make.professional(credits=100)
    job = make.job(person, languages=["es"])
    ledger.take_back(person, credits=100, reference="dispute:1", description="Payment refunded")

    with pytest.raises(UserError) as refused:
        add_languages(job, languages=["fr"], engines=engines)

    assert refused.value.code == "insufficient_credits"
    assert job.tasks.count() == 1


@pytest.fixture
def paid() -> str:
    """A payment of a professional that was credited."""
    from billing.gateway import Payment
    from billing.models import Purchase
    from billing.purchases import settle_purchase

    purchase = Purchase.objects.create(
        user=make.professional(),
        plan="creator",
        credits=50,
        amount_cents=2900,
        currency="usd",
        customer="cus_1",
        stripe_payment_intent_id="pi_1",
    )
    settle_purchase(
        Payment(
            intent="pi_1",
            status="succeeded",
            cents=2900,
            currency="usd",
            live=False,
            customer="cus_1",
            purchase=str(purchase.pk),
        )
    )
    return "pi_1"


def translated(job: DubbingJob) -> None:
    """Give the job's only language a line of 61 seconds."""
    heard = Transcript("en", (Segment(0, 0.0, 61.0, 0, "One."),))
    rows.save_transcript(job, heard)
    rows.save_translation(job.tasks.get(), heard, Translation("es", ("Uno.",), "test"))


def test_no_premium_voice_comes_with_a_second_try_at_an_ordinary_price() -> None:
    job = make.job(languages=["es"])
    make.done(3)
    translated(job)
    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))
    line = editing.Change(Line.objects.get().pk, revision=1, chosen_voice="grand-hum")

    with pytest.raises(Conflict):
        editing.cast_speaker(job, language="es", speaker=0, voice="grand-hum", engines=engines)
    with pytest.raises(Conflict):
        editing.edit_lines(job, language="es", changes=[line], engines=engines)


def test_a_second_try_that_was_paid_for_as_premium_may_have_a_premium_voice() -> None:
    job = make.job(languages=["es"], options={"voices": {"es": {"0": "grand-hum"}}})
    make.done(3)
    translated(job)
    outcomes.fail(make.claim(), PipelineError("ENGINE_REFUSED", engine="it"))

    editing.cast_speaker(job, language="es", speaker=0, voice="grand-hum", engines=engines)

    assert Line.objects.get().stale


def test_a_line_whose_voice_is_gone_costs_what_its_speakers_voice_costs() -> None:
    job = make.job(languages=["es"], options={"voices": {"es": {"0": "grand-hum"}}})
    make.done(6)
    translated(job)
    Line.objects.update(chosen_voice="no longer offered", stale=True)
    job.refresh_from_db()

    costs = editing.render_prices(job, engines=engines)

    assert list(costs.values()) == [13]
