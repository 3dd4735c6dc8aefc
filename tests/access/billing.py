"""Who gets in where: money."""

import uuid
from collections.abc import Mapping

from billing.models import Purchase
from tests.access.table import Route, World, api_own, everybody, page_own, page_owner


def cost(_: World) -> Mapping[str, object]:
    return {"languages": ["es", "fr"], "duration": 61}


def endpoint(_: World) -> Mapping[str, object]:
    return {"uuid": uuid.uuid4()}


def bought(world: World) -> Mapping[str, object]:
    """A purchase of the owner's, never paid."""
    purchase = Purchase.objects.create(
        user=world.owner, plan="creator", credits=50, amount_cents=2900, currency="usd"
    )
    return {"purchase_id": purchase.pk}


ROUTES = [
    Route("billing", "GET", page_own(200)),
    Route("buy", "POST", page_own("/billing"), body=lambda _: {"plan": "creator"}),
    Route("take_starter", "POST", page_own("/billing")),
    Route("transactions_sheet", "GET", page_own(200)),
    Route("purchase", "GET", page_owner(200), bought),
    Route("purchase_state", "GET", page_owner(200), bought),
    # Without a key of Stripe nobody can pay here; the page says so.
    Route("go_on_paying", "POST", page_own("/billing"), bought),
    Route("cancel_purchase", "POST", page_own("/billing"), bought),
    Route("api_create_payment_intent", "POST", api_own(200), body=lambda _: {"plan": "starter"}),
    # Without a key of Stripe nobody can pay here.
    Route(
        "api_confirm_payment",
        "POST",
        api_own(503),
        body=lambda _: {"payment_intent_id": "pi_of_somebody_else"},
    ),
    Route("api_credits", "GET", api_own(200)),
    Route("api_transactions", "GET", api_own(200)),
    Route("api_calculate_job_cost", "POST", api_own(200), body=cost),
    Route("api_can_afford_job", "GET", api_own(200), query="?languages=es,fr&duration=61"),
    Route("api_pricing_plans", "GET", everybody(200, deactivated=401)),
    Route("api_billing_transactions", "GET", api_own(200)),
    Route(
        "api_billing_create_payment_intent", "POST", api_own(503), body=lambda _: {"amount": 2900}
    ),
    Route("stripe_webhook", "POST", everybody(404), endpoint),
    Route("stripe_webhook_slash", "POST", everybody(404), endpoint),
]
