"""One centre for the tests that only add to it; those that break things start their own."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.support.peer import Peer
from tests.support.register import Register
from tests.support.registry import Registry

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def centre() -> Iterator[Registry]:
    """Database, broker, web server, plan process and two ingest workers."""
    with Register.opened() as started:
        started.standard("base.line")
        yield started


@pytest.fixture
def line(centre: Registry) -> Iterator[Callable[..., Peer]]:
    """Makes enrolled gateways, each with an order of its own named like it, a plan accepted."""
    peers: list[Peer] = []

    def make(quantity: int = 20) -> Peer:
        number = next(_NUMBERS)
        peer = Peer(centre, f"test.line-{number}")
        peers.append(peer)
        peer.order = f"T-{number}"
        peer.enroll()
        centre.add_order(peer.order, peer.gateway, quantity=quantity)
        peer.accept()
        return peer

    yield make
    for peer in peers:
        peer.disconnect()
