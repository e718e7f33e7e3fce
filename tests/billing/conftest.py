"""The platform's own account at a simulator: one server for a module, and an empty account for each test."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.simulator.server import Server, running
from billing.stripe import account
from tests.billing.platform import Platform


@pytest.fixture(scope="module")
def simulator() -> Iterator[Server]:
    with running() as found:
        yield found


@pytest.fixture
def platform(simulator: Server, settings: Settings) -> Iterator[Platform]:
    settings.STRIPE_API_KEY, settings.STRIPE_ADDRESS = "sk_test_simulator", simulator.address
    account.cache_clear()
    simulator.simulator.world.settings.summary_lag = 0
    found = Platform(simulator)
    found.publish()
    yield found
    simulator.simulator.reset()
    account.cache_clear()
