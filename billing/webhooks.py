"""The door for Stripe's messages, before dj-stripe's own.

dj-stripe stores every request first and verifies it afterwards. Here it is the other way round:
what is too large, too much, or not signed by Stripe within five minutes of now leaves no trace.
"""

import logging
import time
from uuid import UUID, uuid4

import stripe
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from djstripe.models import WebhookEndpoint
from djstripe.views import ProcessWebhookView

from billing import gateway, receivers
from dubber.rate_limits import count

security = logging.getLogger("security")

LARGEST_BYTES = 256 * 1024
MOST_A_MINUTE = 600
TOLERANCE_SECONDS = 300
"""How far a signature's time may lie in the past, or in the future."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    """Check a message's size, signature and time, then let dj-stripe work on it."""
    endpoint = get_object_or_404(WebhookEndpoint, djstripe_uuid=uuid)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BYTES:
        return HttpResponse(status=413)
    if not _is_signed(request, endpoint.secret):
        security.warning("a message to the Stripe webhook was not signed by Stripe")
        return HttpResponseBadRequest()
    spent = count(f"webhook:{uuid}", most=MOST_A_MINUTE, seconds=60)
    if spent.exceeded:
        return HttpResponse(status=429, headers={"Retry-After": str(spent.wait)})
    _drop_secret(request)
    answer: HttpResponseBase = ProcessWebhookView.as_view()(request, uuid=uuid)
    return answer


def register() -> WebhookEndpoint:
    """Let Stripe send its messages to this site; while it knows of that there is nothing to do."""
    gateway.require_enabled()
    known = WebhookEndpoint.objects.filter(
        url__startswith=f"{settings.SITE_URL}/", livemode=settings.STRIPE_LIVE_MODE
    ).exclude(secret="")
    for endpoint in known:
        if gateway.has_webhook(endpoint.id):
            return endpoint
    uuid = uuid4()
    address = settings.SITE_URL + reverse("stripe_webhook", args=[uuid])
    made = gateway.create_webhook(address, events=sorted(receivers.RECEIVERS), uuid=uuid)
    return WebhookEndpoint.sync_from_stripe_data(made, api_key=settings.STRIPE_SECRET_KEY)


def _is_signed(request: HttpRequest, secret: str) -> bool:
    header = request.META.get("HTTP_STRIPE_SIGNATURE", "")
    if not secret:
        return False
    try:
        body = request.body.decode()
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
    except (UnicodeDecodeError, stripe.SignatureVerificationError):
        return False
    times = [part[2:] for part in header.split(",") if part.startswith("t=")]
    return int(times[0]) <= time.time() + TOLERANCE_SECONDS


def _drop_secret(request: HttpRequest) -> None:
    """Take away the header with which, in debug, a request may choose its own secret."""
    request.META.pop("HTTP_X_DJSTRIPE_WEBHOOK_SECRET", None)
    request.__dict__.pop("headers", None)  # which may have been read, and so kept, before
