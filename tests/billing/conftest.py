"""The platform's own account at a simulator with our plans on sale, for each test as on the first day."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from billing.models import PublishedPlan
from billing.outbox import flushing
from billing.plans.publishing import synchronise_plans
from billing.simulator.server import Server, running
from billing.stripe.client import account, connect
from tenants.audit.actors import Actor
from tenants.context import public_context
from tests.billing import builders
from tests.billing.platform import KEY, Platform

Sold = tuple[tuple[Any, ...], list[PublishedPlan]]


@pytest.fixture(autouse=True)
def _present() -> None:
    builders.look_at_the_clock()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Server]:
    with running() as found:
        yield found


@pytest.fixture(scope="session")
def sold(simulator: Server, pristine: object) -> Sold:
    """An account that knows our plans, and our own rows about them; once, as it takes some forty calls."""
    simulator.simulator.reset()
    with public_context():
        synchronise_plans(actor=Actor.system("tests"), stripe=connect(KEY, simulator.address))
    return simulator.simulator.world.snapshot(), list(PublishedPlan.objects.all())


@pytest.fixture
def platform(simulator: Server, sold: Sold, settings: Settings) -> Iterator[Platform]:
    account_then, published = sold
    simulator.simulator.reset()
    simulator.simulator.world.restore(copy.deepcopy(account_then))
    PublishedPlan.objects.bulk_create(published, ignore_conflicts=True)
    settings.STRIPE_API_KEY, settings.STRIPE_ADDRESS = KEY, simulator.address
    _forget()
    yield Platform(simulator)
    simulator.simulator.reset()
    _forget()


def _forget() -> None:
    account.cache_clear()
    flushing.exporter_of_process.cache_clear()
