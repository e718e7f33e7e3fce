"""Customers, products, prices, meters: what is made can be read, listed and changed, and wrong calls are refused."""

from typing import Any

import pytest
import stripe as package
from stripe import StripeClient

from billing.simulator.calls import HANDLERS
from billing.simulator.routes import table
from billing.simulator.world import World

MONTHLY = {"interval": "month"}


def a_product(stripe: Any) -> Any:
    return stripe.v1.products.create({"name": "Team"}).id


def test_routes_and_parameters_come_from_the_package(stripe: Any):
    routes = table().routes
    assert len(routes) > 600
    assert HANDLERS.keys() <= routes.keys(), "a handler answers a route that the package does not know"


@pytest.mark.parametrize(
    ("call", "params", "status", "code", "param"),
    [
        (
            "prices",
            {"currency": "usd", "unit_amount": 5, "colour": "red"},
            400,
            "parameter_unknown",
            "colour",
        ),
        ("prices", {"unit_amount": 5}, 400, "parameter_missing", "currency"),
        (
            "prices",
            {"currency": "usd", "unit_amount": "much"},
            400,
            "parameter_invalid_integer",
            "unit_amount",
        ),
        ("prices", {"currency": "usd", "recurring": {"interval": "moon"}}, 400, None, "recurring[interval]"),
        (
            "prices",
            {"currency": "usd", "recurring": {**MONTHLY, "meters": "m"}},
            400,
            "parameter_unknown",
            "recurring[meters]",
        ),
        (
            "prices",
            {"currency": "usd", "unit_amount": 5, "product": "gone"},
            400,
            "resource_missing",
            "product",
        ),
        ("customers", {"name": ""}, 400, "parameter_invalid_empty", "name"),
        ("coupons", {"duration": "once"}, 400, None, "percent_off"),
    ],
)
def test_a_wrong_call_is_refused_as_stripe_would(stripe: Any, call, params, status, code, param):
    with pytest.raises(package.InvalidRequestError) as refused:
        getattr(stripe.v1, call).create(params)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (status, code, param)
    assert str(refused.value.request_id).startswith("req_")


def test_what_is_not_there_or_not_known_or_not_allowed(stripe: Any, server):
    with pytest.raises(package.InvalidRequestError, match="No such customer: 'cus_x'") as missing:
        stripe.v1.customers.retrieve("cus_x")
    assert missing.value.http_status == 404
    with pytest.raises(package.APIError, match="does not answer it") as unanswered:
        stripe.v1.payouts.list()
    assert unanswered.value.http_status == 501
    live = StripeClient("sk_live_12345678", base_addresses={"api": server.address})
    with pytest.raises(package.AuthenticationError):
        live.v1.customers.list()
    old = StripeClient("sk_test_1", base_addresses={"api": server.address}, stripe_version="2020-08-27")
    with pytest.raises(package.InvalidRequestError, match="speaks"):
        old.v1.customers.list()


def test_a_customer_is_made_changed_found_and_deleted(stripe: Any):
    made = stripe.v1.customers.create(
        {
            "email": "a@acme.example",
            "metadata": {"tenant": "acme", "old": "1"},
            "tax_id_data": [{"type": "eu_vat", "value": "DE1"}],
        }
    )
    changed = stripe.v1.customers.update(made.id, {"name": "Acme", "metadata": {"old": ""}})
    assert (changed.name, changed.email, changed.metadata.to_dict()) == (
        "Acme",
        "a@acme.example",
        {"tenant": "acme"},
    )
    whole = stripe.v1.customers.retrieve(made.id, {"expand": ["tax_ids"]})
    assert [each.value for each in whole.tax_ids.data] == ["DE1"]
    assert stripe.v1.customers.list({"email": "b@acme.example"}).data == []
    assert stripe.v1.customers.delete(made.id).deleted
    assert stripe.v1.customers.retrieve(made.id).deleted
    kinds = [event.type for event in stripe.v1.events.list().data]
    assert kinds == ["customer.deleted", "customer.updated", "customer.tax_id.created", "customer.created"]
    update = stripe.v1.events.list({"type": "customer.updated"}).data[0]
    assert update.data.previous_attributes.to_dict() == {
        "metadata": {"tenant": "acme", "old": "1"},
        "name": None,
    }


def test_lists_come_in_pages_newest_first(stripe: Any):
    made = [stripe.v1.products.create({"name": f"Product {at}"}).id for at in range(5)]
    first = stripe.v1.products.list({"limit": 2})
    assert ([each.id for each in first.data], first.has_more) == (made[:2:-1], True)
    assert [each.id for each in first.auto_paging_iter()] == made[::-1]
    before = stripe.v1.products.list({"ending_before": made[0], "limit": 2})
    assert ([each.id for each in before.data], before.has_more) == ([made[2], made[1]], True)


def test_a_tiered_metered_price_hides_its_tiers_until_they_are_expanded(stripe: Any):
    meter = stripe.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    )
    price = stripe.v1.prices.create(
        {
            "currency": "usd",
            "product": a_product(stripe),
            "lookup_key": "calls",
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": [{"up_to": 100, "flat_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.5"}],
            "recurring": {**MONTHLY, "usage_type": "metered", "meter": meter.id},
        }
    )
    assert "tiers" not in price
    found = stripe.v1.prices.list({"lookup_keys": ["calls"], "expand": ["data.tiers", "data.product"]}).data[
        0
    ]
    assert [(tier.up_to, str(tier.unit_amount_decimal)) for tier in found.tiers] == [
        (100, "None"),
        (None, "0.5"),
    ]
    assert (found.product.name, found.recurring.meter, found.type) == ("Team", meter.id, "recurring")
    with pytest.raises(package.InvalidRequestError, match="already uses that lookup key"):
        stripe.v1.prices.create(
            {"currency": "usd", "unit_amount": 1, "product": price.product, "lookup_key": "calls"}
        )


def test_the_same_key_answers_the_same_and_refuses_another_call(stripe: Any):
    def make(name: str):
        return stripe.v1.customers.create({"name": name}, {"idempotency_key": "deed"})

    first, second = make("Acme"), make("Acme")
    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(stripe.v1.customers.list().data) == 1
    with pytest.raises(package.IdempotencyError):
        make("Globex")


def test_everything_is_gone_after_a_reset(stripe: Any, world: World):
    stripe.v1.customers.create()
    world.reset()
    assert stripe.v1.customers.list().data == []
