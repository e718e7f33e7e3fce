"""Our own layer over the stripe package, against the simulator: keys are compulsory, errors are ours."""

from collections.abc import Iterator

import pytest
from stripe import StripeClient

from billing.simulator.server import Server
from billing.stripe.client import (
    Stripe,
    StripeBusy,
    StripeDenied,
    StripeDown,
    StripeFailed,
    StripeKeyReused,
    StripeMissing,
    connect,
)


@pytest.fixture
def stripe(simulator: Server) -> Iterator[Stripe]:
    yield connect("sk_test_simulator", simulator.address, seconds=2)
    simulator.simulator.reset()


def customers(client: StripeClient):
    return client.v1.customers


def test_a_change_needs_a_key_and_is_done_once_with_it(stripe: Stripe):
    with pytest.raises(ValueError, match="idempotency key"):
        stripe.send(lambda client: customers(client).create, key="", params={"name": "Acme"})
    made = [
        stripe.send(lambda client: customers(client).create, key="acme", params={"name": "Acme"}).id
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert [each.id for each in stripe.read_all(lambda client: customers(client).list)] == made[:1]
    with pytest.raises(StripeKeyReused):
        stripe.send(lambda client: customers(client).create, key="acme", params={"name": "Globex"})


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ("rate_limit", StripeBusy, 0),
        ("error_before", StripeDown, 0),
        ("cut_before", StripeDown, 0),
        ("error_after", StripeDown, 1),
        ("cut_after", StripeDown, 1),
    ],
)
def test_a_call_that_failed_can_be_sent_again_with_its_key(
    stripe: Stripe, simulator: Server, kind, error, made
):
    simulator.simulator.faults.add(kind=kind)
    with pytest.raises(error) as failed:
        stripe.send(lambda client: customers(client).create, key="acme")
    assert failed.value.may_have_happened == (error is StripeDown)
    assert len(list(stripe.read_all(lambda client: customers(client).list))) == made
    stripe.send(lambda client: customers(client).create, key="acme")
    assert len(list(stripe.read_all(lambda client: customers(client).list))) == 1


def test_errors_are_ours(stripe: Stripe, simulator: Server):
    with pytest.raises(StripeMissing) as missing:
        stripe.read(lambda client: customers(client).retrieve, "cus_gone")
    assert (missing.value.code, missing.value.param) == ("resource_missing", "id")
    with pytest.raises(StripeDenied):
        connect("pk_test_1", simulator.address).read(lambda client: customers(client).list)
    simulator.simulator.faults.add(kind="slow", seconds=0.3)
    with pytest.raises(StripeFailed) as slow:
        connect("sk_test_1", simulator.address, seconds=0.1).read(lambda client: customers(client).list)
    assert slow.value.may_have_happened
