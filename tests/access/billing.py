"""Who gets in where: money."""

import uuid
from collections.abc import Mapping

from tests.access.table import Route, World, api_own, everybody


def cost(_: World) -> Mapping[str, object]:
    return {"languages": ["es", "fr"], "duration": 61}


def endpoint(_: World) -> Mapping[str, object]:
    return {"uuid": uuid.uuid4()}


ROUTES = [
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
