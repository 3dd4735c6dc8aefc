"""Buying a pack: opened once, paid at Stripe, credited exactly once by whichever road is first.

Three roads tell of one payment: the browser's confirm call and two of Stripe's messages. Each may
come late, twice or never; the reconciler walks the way again for those that never came. All end in
`settle_purchase`, which goes by our row.
"""

import contextlib
import hashlib
import logging
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing import gateway, ledger
from billing.gateway import NotAtStripe, Payment, RefusedByStripe
from billing.models import Purchase
from billing.plans import PLANS, Plan
from billing.problems import STATES, sentence_for
from billing.services import renew_plan
from billing.states import PurchaseStatus
from dubber.errors import Conflict, NotFound, PermissionRefused, UserError

log = logging.getLogger(__name__)
audit = logging.getLogger("audit")

PRICED = {plan.price_cents: plan for plan in PLANS.values() if plan.price_cents}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What became of a payment. message says what to do when no credits came.

    coming says that it is at the bank, so that there is nothing to do but to wait.
    """

    purchase: Purchase
    credits_added: int
    message: str = ""
    coming: bool = False


def priced(cents: object) -> Plan:
    """The plan of exactly that price. Raises UserError validation_error."""
    found = PRICED.get(cents) if isinstance(cents, int) else None
    if found is None:
        raise UserError("validation_error", _("No plan costs that much."), field="amount")
    return found


def open_purchase(user: User, *, plan: Plan, reference: str | None = None) -> Purchase:
    """Write down what a person is about to buy, at today's price. Nothing is charged by it.

    The same reference (a SHA-256 in hex) is one purchase of each plan.
    """
    gateway.require_enabled()
    _require_open_account(user)
    purchase, _made = Purchase.objects.get_or_create(
        pk=_name(reference, plan) if reference else uuid4(),
        user=user,
        defaults={
            "plan": plan.id,
            "credits": plan.credits,
            "amount_cents": plan.price_cents,
            "currency": plan.currency,
            "customer": gateway.customer_of(user),
        },
    )
    return purchase


def ask_for_payment(
    user: User, *, plan: Plan, reference: str | None = None
) -> tuple[Purchase, str]:
    """Open a purchase that our clients' own form pays; the secret which that form needs.

    Raises UserError idempotency_mismatch for the reference of a purchase that has ended: Stripe,
    which keeps keys for a day, could make a second payment for it.
    """
    purchase = open_purchase(user, plan=plan, reference=reference)
    if purchase.status != PurchaseStatus.OPEN:
        raise UserError(
            "idempotency_mismatch",
            _("This Idempotency-Key was used for a payment that has ended. Use a new one."),
            status=422,
        )
    intent, secret = gateway.create_intent(purchase)
    Purchase.objects.filter(pk=purchase.pk).update(stripe_payment_intent_id=intent)
    purchase.stripe_payment_intent_id = intent
    return purchase, secret


def confirm_payment(user: User, *, intent: str) -> Confirmation:
    """Look at Stripe whether this person's payment arrived, and credit it if it did.

    Raises NotFound for a payment that isn't theirs.
    """
    gateway.require_enabled()
    purchase = Purchase.objects.filter(user=user, stripe_payment_intent_id=intent).first()
    if purchase is None:
        raise NotFound("payment")
    payment = gateway.find_payment(intent)
    return confirmation_of(settle_purchase(payment) or purchase, payment)


def settle_purchase(payment: Payment) -> Purchase | None:
    """Credit a payment that arrived, once; quarantine one that differs from our row.

    One that didn't arrive changes nothing, unless it never will. None where the payment isn't for
    one of our purchases. This asks nobody: it may run inside a webhook's transaction.
    """
    with transaction.atomic():
        purchase = _locked(payment)
        if purchase is None:
            if payment.arrived:
                log.error("payment %s arrived for none of our purchases", payment.intent)
            return None
        if payment.arrived and purchase.status in {PurchaseStatus.OPEN, PurchaseStatus.CANCELLED}:
            _arrive(purchase, payment)
        elif payment.status == "canceled" and purchase.status == PurchaseStatus.OPEN:
            purchase.move_to(PurchaseStatus.CANCELLED)
        return purchase


def settle_at_stripe(intent: str) -> None:
    """Make sure that a payment which somebody speaks of is settled as Stripe knows it now."""
    if not intent:  # a payment of an older kind than any of ours
        return
    known = Purchase.objects.filter(stripe_payment_intent_id=intent)
    if not known.exclude(status=PurchaseStatus.OPEN).exists():
        with contextlib.suppress(NotAtStripe):
            settle_purchase(gateway.find_payment(intent))


def close_unpaid(purchase: Purchase) -> Purchase:
    """Mark a purchase cancelled that can no longer be paid, unless a payment was faster."""
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update().get(pk=purchase.pk)
        if purchase.status == PurchaseStatus.OPEN:
            purchase.move_to(PurchaseStatus.CANCELLED)
        return purchase


def purchase_of(user: User, purchase_id: UUID) -> Purchase:
    """A purchase of this person. Raises NotFound."""
    purchase = Purchase.objects.filter(user=user, pk=purchase_id).first()
    if purchase is None:
        raise NotFound("purchase")
    return purchase


def cancel_purchase(user: User, *, purchase_id: UUID) -> Purchase:
    """Let a person give up a purchase that they didn't pay. Raises NotFound, Conflict."""
    purchase = purchase_of(user, purchase_id)
    if purchase.status == PurchaseStatus.OPEN:
        try:
            gateway.cancel(purchase)
        except RefusedByStripe as error:
            raise Conflict(_("This is being paid right now, so it can't be cancelled.")) from error
    return close_unpaid(purchase)


def release_from_quarantine(purchase: Purchase, *, by: User) -> Purchase:
    """Let staff credit a payment after all, once they looked at it. Raises Conflict."""
    if not by.is_staff:
        raise PermissionRefused
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update().get(pk=purchase.pk)
        if purchase.status != PurchaseStatus.QUARANTINED:
            raise Conflict(_("Only a quarantined purchase can be released."))
        _credit(purchase)
        audit.info("released: purchase %s by %s", purchase.pk, by.pk)
        return purchase


def differences(purchase: Purchase, payment: Payment) -> list[str]:
    """Everything in which a payment that arrived is not what our row asked for."""
    asked_for = {
        "amount": (purchase.amount_cents, payment.cents),
        "currency": (purchase.currency, payment.currency),
        "live": (settings.STRIPE_LIVE_MODE, payment.live),
        "customer": (purchase.customer, payment.customer),
        "payment": (purchase.stripe_payment_intent_id or payment.intent, payment.intent),
    }
    return [
        f"{name} {there} in place of {ours}"
        for name, (ours, there) in asked_for.items()
        if ours != there
    ]


def confirmation_of(purchase: Purchase, payment: Payment | None = None) -> Confirmation:
    """Say what became of a purchase, from what Stripe says of its payment, if it was asked."""
    if purchase.status == PurchaseStatus.PAID:
        return Confirmation(purchase, purchase.credits)
    if purchase.status == PurchaseStatus.QUARANTINED:
        message = _("Your payment arrived, but something about it doesn't match. We look into it.")
    elif purchase.status == PurchaseStatus.REFUNDED:
        message = _("This payment was refunded.")
    elif payment:
        return Confirmation(purchase, 0, sentence_for(payment), coming=payment.coming)
    else:
        message = str(STATES["canceled"])
    return Confirmation(purchase, 0, message)


def _name(reference: str, plan: Plan) -> UUID:
    return UUID(hashlib.sha256(f"{reference} {plan.id}".encode()).hexdigest()[:32])


def _locked(payment: Payment) -> Purchase | None:
    """The purchase that the payment is for, locked: by the id that we gave it, else by its own."""
    rows = Purchase.objects.select_for_update(of=("self",)).select_related("user")
    try:
        found = rows.filter(pk=UUID(payment.purchase)).first()
    except ValueError:
        found = None
    return found or rows.filter(stripe_payment_intent_id=payment.intent).first()


def _arrive(purchase: Purchase, payment: Payment) -> None:
    # Locked first: an account that is being deleted closes before or after this, not meanwhile.
    closed = ledger.lock(purchase.user).closed_at is not None
    doubts = [*differences(purchase, payment), *(["account deleted"] if closed else [])]
    if doubts:
        known = purchase.stripe_payment_intent_id or payment.intent
        purchase.move_to(
            PurchaseStatus.QUARANTINED,
            doubt="; ".join(doubts)[:200],
            stripe_payment_intent_id=known,
        )
        log.error("purchase %s is quarantined: %s", purchase.pk, purchase.doubt)
        return
    purchase.stripe_payment_intent_id = payment.intent
    _credit(purchase)


def _credit(purchase: Purchase) -> None:
    purchase.move_to(
        PurchaseStatus.PAID,
        paid_at=timezone.now(),
        stripe_payment_intent_id=purchase.stripe_payment_intent_id,
    )
    ledger.purchase(
        purchase.user,
        credits=purchase.credits,
        reference=purchase.reference,
        description=_("Bought: %(plan)s") % {"plan": PLANS[purchase.plan].name},
    )
    renew_plan(purchase.user)


def _require_open_account(user: User) -> None:
    if ledger.open_account(user).closed_at is not None:
        raise PermissionRefused(_("This account is closed."), reason="account_closed")
