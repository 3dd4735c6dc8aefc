"""People of these tests may buy too."""

from tests.billing.conftest import peer, till

__all__ = ["peer", "till"]
