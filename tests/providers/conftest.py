"""The vendors' server, and calls to it that never really wait."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

import pytest

from jobs.pipeline.calls import InProcess, PacedCalls, Patience
from tests.peers.server import VendorPeer

RETRIES = 2


class Closable(Protocol):
    def close(self) -> None: ...


Engine = TypeVar("Engine", bound=Closable)


@dataclass
class Placed:
    """Calls as the command line makes them, but waits are only noted down."""

    attempt: float = 20.0
    waits: list[float] = field(default_factory=list)
    accounts: InProcess = field(default_factory=InProcess)
    opened: list[Closable] = field(default_factory=list)

    def __post_init__(self) -> None:
        patience = Patience(attempt=self.attempt, total=200, queue=20, retries=RETRIES)
        self.calls = PacedCalls(
            self.accounts,
            patience=dict.fromkeys(("recognition", "translation", "speech"), patience),
            sleep=self.waits.append,
            jitter=lambda: 0.5,
        )

    def open(self, engine: Engine) -> Engine:
        """Take care that an engine's connections are closed."""
        self.opened.append(engine)
        return engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self.opened:
            engine.close()


@pytest.fixture(scope="session")
def vendor_server() -> Iterator[VendorPeer]:
    with VendorPeer() as running:
        yield running


@pytest.fixture
def vendors(vendor_server: VendorPeer) -> Iterator[VendorPeer]:
    """The vendors, well-behaved and with no calls."""
    vendor_server.reset()
    yield vendor_server
    vendor_server.reset()


@pytest.fixture
def placed() -> Iterator[Placed]:
    with Placed() as calls:
        yield calls
