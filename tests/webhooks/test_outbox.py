"""Events are written with the change they tell of, for those alone who want them, and cost nobody else anything."""

import json
import re
from typing import Any

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from config import env
from tenant_apps.imports.models import Import
from tenant_apps.invoices.models import Invoice
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.webhooks.catalogue import CATALOGUE, ERASING
from tenant_apps.webhooks.models import Delivery, Endpoint, Event
from tenant_apps.webhooks.outbox import body_of
from tenant_apps.webhooks.services import delete_endpoint, pause_endpoint
from tenant_apps.webhooks.switching import switch_off
from tenants.audit.models import AuditEntry
from tenants.audit.services import record
from tenants.context import Tenant, tenant_context, unit_of_work
from tests.api.described import described
from tests.invoices.builders import an_invoice
from tests.orders.builders import a_placed_order
from tests.products.builders import a_product
from tests.webhooks.conftest import CLERK, endpoint_at, hints
from tests.webhooks.receivers import Receiver


def test_an_event_commits_or_vanishes_with_its_change(
    endpoint: Endpoint, acme: Tenant, sent: list[str]
) -> None:
    with pytest.raises(RuntimeError), unit_of_work(acme):
        create_customer(actor=CLERK, name="Ada")
        raise RuntimeError
    with unit_of_work(acme):
        assert not Event.objects.exists()
    assert (sent, hints()) == ([], {})
    with unit_of_work(acme):
        customer = create_customer(actor=CLERK, name="Ada")
        assert sent == []
    with unit_of_work(acme):
        delivery = Delivery.objects.select_related("event").get()
    assert (delivery.event.type, delivery.event.subject_id) == ("customer.created", customer.pk)
    assert sent == [str(endpoint.pk)]
    assert list(hints()) == [f"{acme.schema}:{endpoint.pk}"]


def test_only_endpoints_that_want_the_type_get_it(
    receiver: Receiver, acme: Tenant, globex: Tenant, sent: list[str]
) -> None:
    wanting, _ = endpoint_at(receiver.url, acme, "customer.created", "order.paid")
    paused, _ = endpoint_at(receiver.url, acme, "*")
    endpoint_at(receiver.url, acme, "order.paid")
    off, _ = endpoint_at(receiver.url, acme, "*")
    endpoint_at(receiver.url, globex, "*")
    with unit_of_work(acme):
        pause_endpoint(actor=CLERK, endpoint=paused)
        switch_off(endpoint=off, reason="A test.")
        create_customer(actor=CLERK, name="Ada")
        assert set(Delivery.objects.values_list("endpoint_id", flat=True)) == {wanting.pk, paused.pk}
    with unit_of_work(globex):
        assert not Delivery.objects.exists()


def test_a_change_that_nobody_wants_costs_no_statement_and_no_message(acme: Tenant, sent: list[str]) -> None:
    with unit_of_work(acme), CaptureQueriesContext(connections["default"]) as queries:
        record(actor=CLERK, verb="order.paid")
    assert len(queries) == 1
    assert "webhooks_endpoint" in queries[0]["sql"]
    with unit_of_work(acme):
        assert AuditEntry.objects.filter(verb="order.paid", actor_label=CLERK.label).count() == 1
        assert not Event.objects.exists()
    assert (sent, hints()) == ([], {})


def test_a_thousand_changes_send_one_message(endpoint: Endpoint, acme: Tenant, sent: list[str]) -> None:
    for _ in range(3):
        with unit_of_work(acme):
            for _ in range(10):
                record(actor=CLERK, verb="order.paid")
    assert sent == [str(endpoint.pk)]


def test_an_endpoint_deleted_at_this_moment_breaks_no_order(endpoint: Endpoint, acme: Tenant) -> None:
    from tenant_apps.webhooks.outbox import write_event

    with unit_of_work(acme):
        delete_endpoint(actor=CLERK, endpoint=endpoint)
        write_event("order.paid", [endpoint.pk])
        assert not Delivery.objects.exists()


@pytest.fixture
def stocked(endpoint: Endpoint, acme: Tenant) -> Tenant:
    """acme with a row of everything that events are about."""
    with unit_of_work(acme):
        customer = create_customer(actor=CLERK, name="Bob")
        product = a_product(opening_stock=10)
        an_invoice(a_placed_order((product, 1), customer=customer))
        Import.objects.create(file_name="a.csv", file_size=1, file_sha256="0" * 64)
        Event.objects.all().delete()
    return acme


def test_each_type_fires_with_a_body_that_fits_its_schema(stocked: Tenant) -> None:
    openapi: Resource[Any] = Resource(described(), DRAFT202012)  # type: ignore[call-arg]
    registry = Registry().with_resource("openapi", openapi)
    with unit_of_work(stocked):
        for kind in CATALOGUE.values():
            target = kind.viewset.queryset.model.objects.first()
            record(actor=CLERK, verb=kind.caused_by, target=target, data={"total": "1.00"})
            event = Event.objects.get(type=kind.name)
            body = json.loads(body_of(event))
            where = f"openapi#/webhooks/{kind.name}/post/requestBody/content/application~1json/schema"
            OAS31Validator({"$ref": where}, registry=registry, format_checker=oas31_format_checker).validate(
                body
            )
            assert body["data"]["object"]["id"] == body["data"]["id"] == str(target.pk)
            assert body["data"]["details"] == {"total": "1.00"}
    assert described()["webhooks"].keys() == {*CATALOGUE, "webhook.test"}


def test_each_type_is_caused_by_a_verb_that_the_services_write() -> None:
    code = "\n".join(path.read_text() for path in sorted((env.ROOT / "tenant_apps").rglob("*.py")))
    written = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', re.sub(r"EventType\([^)]*\)", "", code)))
    written |= {f"{kind}.issued" for kind in Invoice.Kind.values}
    assert {kind.caused_by for kind in CATALOGUE.values()} <= written


def test_a_body_is_made_once_and_tells_of_what_is_gone(stocked: Tenant) -> None:
    with unit_of_work(stocked):
        customer = create_customer(actor=CLERK, name="Ada")
        event = Event.objects.get(type="customer.created")
        first = body_of(event)
        type(customer).objects.filter(pk=customer.pk).update(name="Grace")
        assert body_of(Event.objects.get(pk=event.pk)) == first
        gone = Event.objects.create(type="customer.created", subject_id=event.pk)
        assert json.loads(body_of(gone))["data"]["object"] is None


def test_who_is_forgotten_is_taken_out_of_the_log(stocked: Tenant) -> None:
    with unit_of_work(stocked):
        customer = create_customer(actor=CLERK, name="Ada")
        event = Event.objects.get(type="customer.created")
        body_of(event)
        Delivery.objects.filter(event=event).update(attempts=[{"response_body": "Hello Ada"}])
        record(actor=CLERK, verb=ERASING[0], target=customer)
        event.refresh_from_db()
        assert (event.body, event.details, event.deliveries.get().attempts) == ("", {}, [])


def test_what_orders_and_documents_say_of_who_is_forgotten_goes_as_well(stocked: Tenant) -> None:
    with unit_of_work(stocked):
        customer = create_customer(actor=CLERK, name="Ada")
        invoice = an_invoice(a_placed_order(customer=customer))
        told = [invoice.pk, invoice.order_id]
        for event in Event.objects.filter(subject_id__in=told):
            body_of(event)
        assert Event.objects.filter(subject_id__in=told, body__contains="Ada").exists()
        record(actor=CLERK, verb=ERASING[0], target=customer)
        assert set(Event.objects.filter(subject_id__in=told).values_list("body", flat=True)) == {""}


def test_events_of_one_record_keep_the_order_of_their_commits(endpoint: Endpoint, acme: Tenant) -> None:
    """The second change waits for the first one's lock, and is later by the database's clock whoever began first."""
    times: dict[str, Any] = {}
    with tenant_context(acme):
        for name in ("order.placed", "order.paid"):
            with transaction.atomic():
                record(actor=CLERK, verb=name)
        with transaction.atomic():
            times = dict(Delivery.objects.in_turn().values_list("event__type", "queued_at"))
    assert list(times) == ["order.placed", "order.paid"]
    assert times["order.placed"] < times["order.paid"]
