"""The account whose events are told, real plans on sale, and a mailbox that is looked into."""

import copy
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from billing.models import PublishedPlan
from billing.outbox import flushing
from billing.outbox.exporting import Exporter
from billing.plans.publishing import synchronise_plans
from billing.simulator.server import Server
from billing.stripe.client import account, connect
from billing.stripe.meters import gateway
from billing.stripe.sending import Pace
from shared_apps.inbox.sending import messenger
from tenants.audit.actors import Actor
from tenants.context import public_context
from tests.billing.handlers.telling import SECRET, Telling
from tests.clock import Clock


@pytest.fixture(scope="module")
def on_sale(simulator: Server) -> Callable[[], None]:
    """Puts the real plans on sale: at Stripe's once for a module, as it takes some forty calls."""
    with public_context():
        stripe = connect("sk_test_simulator", simulator.address)
        synchronise_plans(actor=Actor.system("test"), stripe=stripe)
        rows = list(PublishedPlan.objects.all())
    snapshot = simulator.simulator.world.snapshot()

    def restore() -> None:
        simulator.simulator.world.restore(copy.deepcopy(snapshot))
        PublishedPlan.objects.bulk_create(rows, ignore_conflicts=True)

    return restore


@pytest.fixture
def telling(
    simulator: Server,
    on_sale: Callable[[], None],
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Telling]:
    """An account with two plans on sale, whose past nobody is told of."""
    settings.STRIPE_API_KEY, settings.STRIPE_ADDRESS = "sk_test_simulator", simulator.address
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    account.cache_clear()
    simulator.simulator.world.settings.summary_lag = 0
    monkeypatch.setattr(messenger, "send", lambda event_id: None)
    way = gateway()
    assert way is not None
    exporter = Exporter(way, pace=Pace(1e6), now=clock.now, threads=2)
    monkeypatch.setattr(flushing, "exporter_of_process", lambda: exporter)
    with public_context():
        on_sale()
        found = Telling(simulator, clock)
        found.forget(found.news())
        yield found
    simulator.simulator.reset()
    account.cache_clear()
