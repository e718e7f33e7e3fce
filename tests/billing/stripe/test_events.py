"""Stripe's list of events: what a webhook never brought is there, of both generations, page after page."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from billing.handlers.events import on
from billing.models import Customer
from billing.simulator.server import running
from billing.stripe import events
from billing.stripe.client import connect
from shared_apps.clients.statuses import begin_maintenance, end_maintenance
from shared_apps.inbox import registry
from shared_apps.inbox.reading import read_event
from shared_apps.inbox.storing import store
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context
from tenants.hosts import directory
from tests.inbox.messages import snapshot
from tests.isolation.doors.kinds import operator_signed_in


def test_events_are_listed_by_type_and_group_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with running() as server:
        stripe = connect("sk_test_simulator", server.address)
        monkeypatch.setattr(events, "account", lambda: stripe)
        for number in range(3):
            stripe.send(lambda client: client.v1.customers.create, key=f"c{number}", params={})
        stripe.send(lambda client: client.v1.products.create, key="p", params={"name": "Team"})
        event = {"event_name": "unknown", "payload": {"stripe_customer_id": "cus_1", "value": "1"}}
        stripe.send(lambda client: client.v1.billing.meter_events.create, key="m", params=event)

        def listed(*types: str, ago: timedelta = timedelta(0)) -> list[Any]:
            end = timezone.now() + timedelta(minutes=1) - ago
            bodies = events.events_between(end - timedelta(days=1), end, types)
            return [json.loads(body) for body in bodies]

        assert len(listed("customer.created", "invoice.paid")) == 3
        assert len(listed("customer.*", "product.created")) == 4
        assert listed("customer.created", ago=timedelta(hours=1)) == []
        thin = "v1.billing.meter.no_meter_found"
        for asked in (thin, "v1.billing.*"):
            [found] = listed(asked)
            assert (found["object"], found["type"], found["livemode"]) == ("v2.core.event", thin, False)
        assert listed(thin, ago=timedelta(hours=1)) == []
        assert [event["object"] for event in listed("product.created")] == ["event"]


def test_operators_see_whose_an_event_is_and_find_it_by_the_tenant(acme: Any) -> None:
    with public_context():
        Customer.objects.create(tenant=acme.schema, stripe_id="cus_acme")
        bodies = [
            json.dumps(snapshot(f"evt_{whose}", customer=f"cus_{whose}")).encode() for whose in ("acme", "no")
        ]
        for body in bodies:
            store(read_event(body), body, "webhook", timezone.now())
    operator = operator_signed_in()
    events = reverse("operators:inbox_receivedevent_changelist", urlconf=settings.PUBLIC_URLCONF)
    for wanted in ("acme", acme.schema, "cus_acme"):
        listed = operator.get(events, {"q": wanted}).content.decode()
        assert "in_evt_acme" in listed
        assert "in_evt_no" not in listed
        assert 'data-label="Tenant">acme<' in listed
    assert "in_evt_no" in operator.get(events, {"q": "evt_no"}).content.decode()


def test_what_stripe_tells_of_a_tenant_in_maintenance_is_kept_for_later(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_handlers", {})
    done: list[Any] = []
    handler = on("invoice.paid")(done.append)
    told: dict[str, Any] = {
        "id": "evt_1",
        "type": "invoice.paid",
        "created": timezone.now(),
        "livemode": False,
        "body": {},
    }
    event = registry.Event(**told, object_id="in_1", object_type="invoice", customer="cus_acme")
    operator = Actor(kind="operator", id=None, label="operator")
    with public_context():
        Customer.objects.create(tenant=acme.schema, stripe_id="cus_acme")
        begin_maintenance(client_id=acme.id, actor=operator, notice="")
        directory.forget()
        with pytest.raises(registry.Later, match="maintenance"):
            handler(event)
        end_maintenance(client_id=acme.id, actor=operator)
        directory.forget()
        handler(event)
    assert done == [event]
