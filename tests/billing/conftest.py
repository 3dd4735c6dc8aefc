"""A Stripe of our own for every test that asks for one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import stripe
from pytest_django import Settings

from tests.peers.stripe import StripePeer

if TYPE_CHECKING:
    from tests.billing.paying import Till

TEST_KEY = "sk_test_" + "only4tests" * 3


@pytest.fixture
def peer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripePeer]:
    """A Stripe server, which our code talks to over real HTTP."""
    settings.STRIPE_SECRET_KEY = TEST_KEY
    settings.STRIPE_PUBLIC_KEY = "pk_test_" + "only4tests" * 3
    settings.STRIPE_LIVE_MODE = False
    client = stripe.RequestsClient(timeout=5)
    monkeypatch.setattr(stripe, "default_http_client", client)
    monkeypatch.setattr(stripe, "max_network_retries", 0)
    with StripePeer() as server:
        monkeypatch.setattr(stripe, "api_base", server.url)
        yield server
    client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def till(peer: StripePeer, db: None) -> "Till":
    """The peer, with a webhook of ours registered there."""
    from tests.billing.paying import Till  # which needs Django, and that is set up only now

    return Till(peer)
