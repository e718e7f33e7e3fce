"""The export against the simulator, over HTTP and by the real package, with the faults that Stripe has."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from billing.meters import METERS
from billing.models import Customer, Export, Lane
from billing.outbox import reconciling
from billing.outbox.exporting import Exporter, flush
from billing.simulator.server import Server
from billing.stripe.client import Stripe, connect
from billing.stripe.meters import StripeMeters, gateway
from billing.stripe.sending import MeterEvent, Pace, Refused, Unavailable
from tenants.context import Tenant
from tests.billing import builders
from tests.billing.builders import folded, use

EVENTS = "/v1/billing/meter_events"


@pytest.fixture
def stripe(simulator: Server) -> Iterator[Stripe]:
    simulator.simulator.world.settings.summary_lag = 0
    yield connect("sk_test_simulator", simulator.address, seconds=20)
    simulator.simulator.reset()


@pytest.fixture
def meters(stripe: Stripe, acme: Tenant) -> StripeMeters:
    """Stripe with our meters, and acme as a customer."""
    for meter in METERS.values():
        stripe.send(
            lambda client: client.v1.billing.meters.create,
            key=meter.key,
            params={
                "display_name": meter.title,
                "event_name": meter.event_name,
                "default_aggregation": {"formula": meter.formula},
            },
        )
    made = stripe.send(lambda client: client.v1.customers.create, key="acme", params={"name": "Acme"})
    Customer.objects.create(tenant=acme.schema, stripe_id=made.id)
    return StripeMeters(stripe)


def export(meters: StripeMeters, after: timedelta = timedelta()) -> dict[str, int]:
    ended = Exporter(meters, pace=Pace(1e6), now=lambda: builders.NOW + after, threads=4).run()
    return {str(status): count for status, count in ended.items() if count}


def counted(meters: StripeMeters, event_name: str) -> dict[int, int]:
    """Stripe's own figures, by how many hours ago."""
    customer = Customer.objects.get().stripe_id
    found = meters.summaries(
        event_name=event_name,
        customer=customer,
        begin=builders.HOUR - timedelta(hours=9),
        end=builders.HOUR + timedelta(hours=1),
    )
    return {(builders.HOUR - hour) // timedelta(hours=1): value for hour, value in found.items()}


@pytest.mark.parametrize(
    "fault", ["rate_limit", "error_before", "error_after", "cut_before", "cut_after"], ids=str
)
def test_use_reaches_stripe_once_whatever_goes_wrong(
    fault: str, acme: Tenant, meters: StripeMeters, simulator: Server
) -> None:
    use(acme, "orders_placed", 7)
    use(acme, "seats", 3, hours_ago=2)
    folded()
    simulator.simulator.faults.add(kind=fault, path=EVENTS, times=2)
    assert export(meters) == {"waiting": 2}
    Lane.objects.update(retry_at=None)
    assert export(meters) == {"sent": 2}
    assert counted(meters, "rowhouse_orders_placed") == {1: 7}
    assert counted(meters, "rowhouse_seats") == {2: 3}


def test_revisions_corrections_and_amendments_add_up_at_stripe(acme: Tenant, meters: StripeMeters) -> None:
    use(acme, "orders_placed", 7)
    folded()
    export(meters)
    use(acme, "orders_placed", 2, minute=9)
    folded()
    export(meters)
    assert counted(meters, "rowhouse_orders_placed") == {1: 9}
    Export.objects.filter(revision=2).update(value=5)

    def compare(hours: int) -> dict[str, int]:
        now = builders.NOW + timedelta(hours=hours)
        return dict(reconciling.reconcile(meters, begin=builders.LAST_HOUR, end=builders.HOUR, now=now))

    assert compare(3) == {"missing, mended": 1}
    export(meters)
    assert counted(meters, "rowhouse_orders_placed") == {1: 12}
    assert compare(5) == {"agreed": 1}


def test_a_tenant_s_outbox_is_settled_before_its_invoice(acme: Tenant, meters: StripeMeters) -> None:
    use(acme, "orders_placed", 4, hours_ago=0)
    exporter = Exporter(meters, pace=Pace(1e6))
    assert flush(exporter, acme.schema)
    assert counted(meters, "rowhouse_orders_placed") == {0: 4}
    Lane.objects.update(retry_at=builders.NOW + timedelta(days=1))
    use(acme, "orders_placed", 4, hours_ago=0)
    assert not flush(exporter, acme.schema), "something waits still"


@pytest.mark.parametrize(
    ("days", "customer", "error"),
    [(36, "cus_x", Refused), (0, "cus_x", None)],
    ids=["too old", "the same twice"],
)
def test_stripe_s_answers_are_sorted(
    days: int, customer: str, error: type[Exception] | None, meters: StripeMeters
) -> None:
    event = MeterEvent(customer, "rowhouse_seats", 1, builders.NOW - timedelta(days=days), "one")
    if error:
        with pytest.raises(error):
            meters.send(event)
    else:
        meters.send(event)
        meters.send(event)


def test_a_meter_that_stripe_does_not_have_is_not_there_yet(stripe: Stripe) -> None:
    with pytest.raises(Unavailable, match="no active meter for rowhouse_seats"):
        StripeMeters(stripe).summaries(
            event_name="rowhouse_seats", customer="cus_x", begin=builders.LAST_HOUR, end=builders.HOUR
        )


def test_without_a_key_there_is_no_way_to_stripe() -> None:
    assert gateway() is None
