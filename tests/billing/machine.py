"""Anything anybody can do with money, in any order: the books stay right after every step.

The rules call the real services on PostgreSQL, and a Stripe of our own over HTTP. Messages are
delivered late, doubled, out of turn or never; workers die; accounts close in the middle.
"""

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import hypothesis.strategies as st
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from accounts.models import User
from billing import prices, reconciler, services
from billing.checkout import look_at_purchase, send_to_checkout
from billing.models import Dispute, Purchase, PurchaseRefund, UserCredits
from billing.plans import CREATOR, PROFESSIONAL
from billing.purchases import cancel_purchase, confirm_payment
from billing.queries import imbalances
from billing.refunds import refund_purchase
from dubber.errors import UserError
from dubber.reconcile import differences_found
from jobs import claims, outcomes, sweeper
from jobs.models import DubbingJob, LanguageTask, Step
from jobs.pipeline.errors import PipelineError, Stopped
from jobs.services import cancel_job, refund_language, retry_language
from jobs.states import Stage, StepStatus
from tests import make
from tests.billing.paying import Till, way_back
from tests.peers.stripe_account import GOOD_CARD, NEEDS_CONFIRMATION, SLOW, Account, Refusal

if TYPE_CHECKING:
    from jobs.claims import Claim

PLANS = st.sampled_from([CREATOR, PROFESSIONAL])
LANGUAGES = st.lists(st.sampled_from(["es", "fr", "ja", "hi"]), min_size=1, max_size=3, unique=True)
LENGTHS = st.sampled_from([12.3, 61.0, 601.0, 1801.0])
NUMBERS = st.integers(0, 10_000)
CARDS = st.sampled_from([GOOD_CARD, GOOD_CARD, "pm_card_chargeDeclined", NEEDS_CONFIRMATION, SLOW])


class Money(RuleBasedStateMachine):
    """Three customers, one member of staff, one worker, and Stripe."""

    till: ClassVar[Till]
    steps: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        """Start from nothing; what an example does is undone after it."""
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.till.peer.account = Account(url=self.till.peer.url)
        self.people = [make.user() for _ in range(3)]
        self.staff = make.staff()
        self.claims: list[Claim] = []

    def teardown(self) -> None:
        """Let everything arrive that is on its way, and compare strictly."""
        if not hasattr(self, "undone"):
            return
        try:
            self.settle_everything()
            found = [one for one in differences_found(strict=True) if "quarantined" not in one.told]
            assert found == []
        finally:
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    def settle_everything(self) -> None:
        """Deliver every message once more, and let the reconciler do its work."""
        assert set(self.till.deliver_all()) <= {200}
        past = timezone.now() - timedelta(minutes=3)
        Purchase.objects.update(created_at=past)
        PurchaseRefund.objects.update(updated_at=past)
        assert reconciler.run().failures == 0
        for purchase in Purchase.objects.filter(stripe_payment_intent_id__isnull=False):
            intent = self.account.objects[str(purchase.stripe_payment_intent_id)]
            # A doubtful payment is credited only if staff say so, which nobody does here.
            due = intent["status"] == "succeeded" and not purchase.doubt
            assert (purchase.paid_at is not None) == due

    @property
    def account(self) -> Account:
        """What Stripe knows."""
        return self.till.peer.account

    def one_of(self, rows: Any, number: int) -> Any:
        """Some row, none if there are none."""
        found = list(rows)
        return found[number % len(found)] if found else None

    # -- Buying ---------------------------------------------------------------------------------

    @rule(who=NUMBERS, plan=PLANS, page=st.booleans())
    def open_purchase(self, who: int, plan: Any, page: bool) -> None:
        """Begin to buy, here or on Stripe's page."""
        user = self.one_of(self.people, who)
        if page:
            send_to_checkout(user, plan=plan, back=way_back)
        else:
            self.till.open(user, plan)

    @rule(which=NUMBERS, card=CARDS)
    def pay(self, which: int, card: str) -> None:
        """Pay some open purchase, or fail to."""
        purchase = self.one_of(Purchase.objects.order_by("pk"), which)
        if purchase is None:
            return
        with suppress(Refusal):
            if purchase.checkout_session_id:
                page = self.account.objects[purchase.checkout_session_id]
                self.account.pay_session(page, card)
            else:
                self.till.peer.pay(str(purchase.stripe_payment_intent_id), card)

    @rule(which=NUMBERS)
    def slow_bank_pays(self, which: int) -> None:
        """Let the money of a slow bank arrive."""
        intents = self.account.of_kind("payment_intent")
        slow = self.one_of([one for one in intents if one["status"] == "processing"], which)
        if slow is not None:
            self.account.arrive(slow)

    @rule(which=NUMBERS)
    def look(self, which: int) -> None:
        """Let somebody come back from Stripe's page, or reload the page of a purchase."""
        purchase = self.one_of(Purchase.objects.order_by("pk"), which)
        if purchase is not None:
            look_at_purchase(purchase.user, purchase_id=purchase.pk)

    @rule(which=NUMBERS)
    def confirm(self, which: int) -> None:
        """Let a browser say that it paid."""
        bought = Purchase.objects.filter(stripe_payment_intent_id__isnull=False).order_by("pk")
        purchase = self.one_of(bought, which)
        if purchase is not None:
            intent = str(purchase.stripe_payment_intent_id)
            confirm_payment(purchase.user, intent=intent)

    @rule(which=NUMBERS)
    def give_up(self, which: int) -> None:
        """Give a purchase up, paid or not."""
        purchase = self.one_of(Purchase.objects.order_by("pk"), which)
        if purchase is not None:
            self.allowed(lambda: cancel_purchase(purchase.user, purchase_id=purchase.pk))

    @rule(which=NUMBERS)
    def expire(self, which: int) -> None:
        """Let a page at Stripe run out."""
        pages = [one for one in self.account.of_kind("checkout.session") if one["status"] == "open"]
        page = self.one_of(pages, which)
        if page is not None:
            self.account.expire(page)

    @rule(which=NUMBERS)
    def deliver(self, which: int) -> None:
        """Let one of Stripe's messages arrive: any, as often as it likes."""
        event = self.one_of(self.account.events, which)
        if event is not None:
            assert self.till.deliver(event) == [200]

    @rule()
    def reconcile_payments(self) -> None:
        """Let the reconciler walk."""
        reconciler.run()

    # -- Money that goes back -------------------------------------------------------------------

    @rule(which=NUMBERS, credits=st.one_of(st.none(), st.integers(1, 60)))
    def refund_by_staff(self, which: int, credits: int | None) -> None:
        """Refund a purchase, or part of it."""
        purchase = self.one_of(Purchase.objects.order_by("pk"), which)
        if purchase is not None:
            self.allowed(
                lambda: refund_purchase(purchase, credits=credits, reason="Asked", by=self.staff)
            )

    @rule(which=NUMBERS, lost=st.booleans())
    def refund_with_a_lost_answer(self, which: int, lost: bool) -> None:
        """Refund a purchase while Stripe, or the way back from it, is broken."""
        purchase = self.one_of(Purchase.objects.filter(status="paid").order_by("pk"), which)
        if purchase is not None:
            self.till.peer.fail("POST", "/v1/refunds", lost=lost)
            self.allowed(
                lambda: refund_purchase(purchase, credits=None, reason="Asked", by=self.staff)
            )
            self.till.peer.faults.clear()

    @rule(which=NUMBERS, cents=st.one_of(st.none(), st.integers(1, 9900)))
    def refund_in_stripe(self, which: int, cents: int | None) -> None:
        """Refund in Stripe's dashboard."""
        intent = self.one_of(self.paid(), which)
        if intent is None:
            return
        form = {"payment_intent": intent["id"]} | ({"amount": cents} if cents else {})
        with suppress(Refusal):
            self.account.create_refund(form, live=False)

    @rule(which=NUMBERS)
    def bank_returns_a_refund(self, which: int) -> None:
        """Let a refund fail days later."""
        refunds = [one for one in self.account.of_kind("refund") if one["status"] != "failed"]
        refund = self.one_of(refunds, which)
        if refund is not None and not self.account.objects[refund["charge"]]["disputed"]:
            self.account.fail_refund(refund)

    @rule(which=NUMBERS)
    def dispute(self, which: int) -> None:
        """Let a bank question a payment."""
        intents = [one for one in self.paid() if self.disputable(one)]
        intent = self.one_of(intents, which)
        if intent is not None:
            self.account.open_dispute(intent)

    @rule(which=NUMBERS, ending=st.sampled_from(["won", "lost"]))
    def end_dispute(self, which: int, ending: str) -> None:
        """Let a dispute end."""
        disputes = [
            one for one in self.account.of_kind("dispute") if one["status"] not in {"won", "lost"}
        ]
        dispute = self.one_of(disputes, which)
        if dispute is not None:
            self.account.close_dispute(dispute, ending)

    def paid(self) -> list[dict[str, Any]]:
        """Every payment that arrived at Stripe."""
        return [
            one for one in self.account.of_kind("payment_intent") if one["status"] == "succeeded"
        ]

    def disputable(self, intent: dict[str, Any]) -> bool:
        """Say whether nobody disputed it yet and money is left of it."""
        charge = self.account.objects[intent["latest_charge"]]
        disputed = {one["charge"] for one in self.account.of_kind("dispute")}
        return charge["id"] not in disputed and not charge["refunded"]

    # -- Work -----------------------------------------------------------------------------------

    @rule(who=NUMBERS, languages=LANGUAGES, seconds=LENGTHS)
    def create(self, who: int, languages: list[str], seconds: float) -> None:
        """Order a dub for the price that was named."""
        user = self.one_of(self.people, who)
        quote = prices.quote(prices.whole_ms(seconds), languages)
        before = UserCredits.objects.filter(user=user).values_list("balance", flat=True).first()
        refusal = self.refusal_of(lambda: make.job(user, languages=languages, seconds=seconds))
        if refusal is not None:
            assert refusal.code in {"insufficient_credits", "permission_denied", "plan_limit"}
        else:
            assert UserCredits.objects.get(user=user).balance == (before or 0) - quote.credits
            self.assert_good_standing(user)

    @rule(who=NUMBERS)
    def take_starter(self, who: int) -> None:
        """Ask for the free pack."""
        self.allowed(lambda: services.grant_starter(self.one_of(self.people, who)))

    @rule(who=NUMBERS, credits=st.integers(1, 400))
    def grant(self, who: int, credits: int) -> None:
        """Let staff give credits, and the limits that long recordings need."""
        user = self.one_of(self.people, who)
        services.set_plan(user, plan=PROFESSIONAL.id)
        reference = f"gift:{user.pk}:{self.steps}"
        services.grant_credits(
            user, credits=credits, reason="A gift", by=self.staff, reference=reference
        )

    @rule(many=st.integers(1, 12))
    def work(self, many: int) -> None:
        """Let the worker do steps that succeed."""
        for _ in range(many):
            claim = claims.claim()
            if claim is None:
                return
            outcomes.begin(claim)
            outcomes.finish(claim, kept=[], write=lambda: None)

    @rule(code=st.sampled_from(["NO_SPEECH", "VENDOR_BUSY", "VENDOR_ACCOUNT", "OUT_OF_TIME"]))
    def fail_step(self, code: str) -> None:
        """Let the worker fail at a step, for good or for now."""
        claim = claims.claim()
        if claim is not None:
            outcomes.begin(claim)
            outcomes.after_error(claim, PipelineError(code, engine="a test"))

    @rule()
    def crash(self) -> None:
        """Let the worker die in the middle of a step; somebody else may take it over."""
        claim = claims.claim()
        if claim is not None:
            outcomes.begin(claim)
            self.claims.append(claim)
            Step.objects.filter(pk=claim.step_id).update(lease_until=Now() - timedelta(seconds=1))

    @precondition(lambda self: self.claims)
    @rule(which=NUMBERS)
    def wake_up_late(self, which: int) -> None:
        """Let a worker that was given up finish after all: it counts only if nobody took over."""
        claim = self.one_of(self.claims, which)
        with suppress(Stopped):
            outcomes.finish(claim, kept=[], write=lambda: None)

    @rule()
    def sweep(self) -> None:
        """Let the sweeper ring, and what was put off be due."""
        Step.objects.filter(status=StepStatus.READY).update(not_before=Now())
        sweeper.sweep()

    @rule(which=NUMBERS, by_staff=st.booleans())
    def cancel(self, which: int, by_staff: bool) -> None:
        """Cancel some job."""
        job = self.one_of(DubbingJob.objects.order_by("pk"), which)
        if job is not None:
            self.allowed(lambda: cancel_job(job, by=self.staff if by_staff else job.user))

    @rule(which=NUMBERS, free=st.booleans())
    def retry(self, which: int, free: bool) -> None:
        """Try a failed language again, paid or as a present."""
        failed = LanguageTask.objects.filter(stage=Stage.FAILED).select_related("job__user")
        task = self.one_of(failed.order_by("pk"), which)
        if task is not None:
            by = self.staff if free else task.job.user
            self.allowed(lambda: retry_language(task.job, language=task.language, by=by, free=free))

    @rule(which=NUMBERS)
    def refund_language(self, which: int) -> None:
        """Let staff refund a language, delivered or not."""
        task = self.one_of(LanguageTask.objects.select_related("job").order_by("pk"), which)
        if task is not None:
            self.allowed(
                lambda: refund_language(
                    task.job, language=task.language, reason="Asked", by=self.staff
                )
            )

    @rule(who=NUMBERS)
    def delete_account(self, who: int) -> None:
        """Close an account in the middle of everything, and let somebody new come."""
        user = self.one_of(self.people, who)
        for job in DubbingJob.objects.filter(user=user):
            self.allowed(lambda job=job: cancel_job(job, by=user))
        disputed = Dispute.objects.filter(purchase__user=user, status="open").exists()
        refusal = self.refusal_of(lambda: services.close_account(user))
        assert (refusal is not None) == disputed
        if refusal is None:
            self.people[self.people.index(user)] = make.user()

    def allowed(self, act: Any) -> None:
        """Do it; a refusal in so many words is fine too."""
        self.refusal_of(act)

    def refusal_of(self, act: Any) -> UserError | None:
        """Do it; why it was refused, if it was."""
        try:
            act()
        except UserError as error:
            return error
        return None

    def assert_good_standing(self, user: User) -> None:
        """Whoever starts work owes nothing and disputes nothing."""
        assert UserCredits.objects.get(user=user).owed == 0
        assert not Dispute.objects.filter(purchase__user=user, status="open").exists()

    # -- What is always true --------------------------------------------------------------------

    @invariant()
    def everything_adds_up(self) -> None:
        """Compare all books after every step."""
        type(self).steps += 1
        if hasattr(self, "undone"):
            assert imbalances() == []
            # Stripe is asked at the end, when its messages have arrived.
            assert [str(found) for found in differences_found(stripe=False)] == []
