"""One simulator for the session, an account on its first day for each test, and the real package as its client.

With STRIPE_SANDBOX_KEY the tests that need no switch of the simulator run against that sandbox of Stripe instead.
"""

from collections.abc import Iterator

import pytest
import stripe as package

from billing.simulator.server import Server, running
from billing.simulator.world import World
from tests.billing.simulator.account import SANDBOX

KEY = "sk_test_simulator"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if SANDBOX:
        pytest.skip("needs the switches of the simulator, and STRIPE_SANDBOX_KEY asks for Stripe")
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
def stripe(request: pytest.FixtureRequest) -> package.StripeClient:
    """The stripe package, speaking to an empty account."""
    if SANDBOX:
        if not SANDBOX.startswith(("sk_test_", "rk_test_")):
            pytest.fail(
                "STRIPE_SANDBOX_KEY has to be a test key: these tests make customers and charge cards"
            )
        return package.StripeClient(SANDBOX, max_network_retries=2)
    request.getfixturevalue("world")
    found: package.StripeClient = request.getfixturevalue("client")
    return found
