"""One simulator for the session, an account on its first day for each test, and the real package as its client."""

from collections.abc import Iterator

import pytest
import stripe as package

from billing.simulator.server import Server, running
from billing.simulator.world import World

KEY = "sk_test_simulator"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running() as found:
        yield found


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    yield server.simulator.world
    server.simulator.reset()


@pytest.fixture(scope="session")
def client(server: Server) -> package.StripeClient:
    return package.StripeClient(
        KEY, base_addresses={"api": server.address, "meter_events": server.address}, max_network_retries=0
    )


@pytest.fixture
def stripe(client: package.StripeClient, world: World) -> package.StripeClient:
    """The stripe package, speaking to an empty account."""
    return client
