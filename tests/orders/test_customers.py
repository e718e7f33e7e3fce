"""The verbs of customers: addresses, notes, tags, merging and erasing."""

import re
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tenant_apps.orders.customers.addresses import add_address, change_address, remove_address
from tenant_apps.orders.customers.erasing import ERASED_NAME, NameMismatch, erase_customer
from tenant_apps.orders.customers.merging import merge_customers
from tenant_apps.orders.customers.models import Address, Customer, CustomerNote
from tenant_apps.orders.customers.notes import add_note, remove_note
from tenant_apps.orders.customers.services import create_customer, update_customer
from tenant_apps.orders.customers.standing import CustomerErased, CustomerMerged
from tenant_apps.orders.customers.value import worth_of
from tenant_apps.orders.fulfilments.services import Portion, return_goods, update_parcel
from tenant_apps.orders.models import Fulfilment, Order, Payment
from tenant_apps.orders.payments.services import refund_order
from tenant_apps.orders.services import cancel_order, fulfil_order, pay_order, place_order, update_order
from tenant_apps.orders.timeline import timeline_of
from tenant_apps.products.models import StockMovement
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, unit_of_work
from tenants.errors import DomainError, Invalid
from tests.orders.builders import a_draft, a_paid_order, a_placed_order
from tests.products.builders import CLERK, a_product
from tests.races import at_once, kinds

LONDON: dict[str, Any] = {
    "line1": "12 St James's Square",
    "city": "London",
    "country": "gb",
    "postal_code": "SW1Y 4JH",
}
TURIN: dict[str, Any] = {"line1": "Via Po 1", "city": "Torino", "country": "IT"}


def ada(**fields: Any) -> Customer:
    return create_customer(actor=CLERK, **{"name": "Ada", **fields})


def defaults(customer: Customer) -> dict[str, str]:
    """The city of the default address by kind of letter."""
    rows = customer.addresses.filter(is_default=True)
    return {kind: address.city for address in rows for kind in sorted(address.serves)}


# Fields and tags


def test_fields_are_cleaned(inside):
    customer = ada(
        vat_id="gb 123.456-789", language="pt-BR", tags=[" VIP ", "vip", "Trade"], company="Engines"
    )
    assert (customer.vat_id, customer.language, customer.tags) == ("GB123456789", "pt-BR", ["vip", "trade"])
    assert list(Customer.objects.filter(tags__contains=["trade"])) == [customer]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vat_id", "??"),
        ("vat_id", "X" * 21),
        ("language", "German"),
        ("tags", ["a,b"]),
        ("tags", [""]),
        ("tags", ["x" * 41]),
        ("tags", [str(number) for number in range(51)]),
    ],
)
def test_what_is_no_such_thing_is_refused_at_its_field(inside, field, value):
    with pytest.raises(Invalid) as refusal:
        ada(**{field: value})
    assert refusal.value.field == field


# Addresses


def test_the_first_address_is_the_default_and_a_new_default_ends_the_old_one(inside):
    customer = ada()
    london = add_address(actor=CLERK, customer=customer, **LONDON)
    assert (london.country, defaults(customer)) == ("GB", {"billing": "London", "shipping": "London"})
    turin = add_address(actor=CLERK, customer=customer, kind="shipping", **TURIN)
    assert not turin.is_default
    change_address(actor=CLERK, address=turin, is_default=True)
    assert defaults(customer) == {"shipping": "Torino"}
    change_address(actor=CLERK, address=london, kind="billing", is_default=True)
    assert defaults(customer) == {"billing": "London", "shipping": "Torino"}
    remove_address(actor=CLERK, address=london)
    assert defaults(customer) == {"shipping": "Torino"}


@pytest.mark.parametrize(
    "wrong", [{"country": "XX"}, {"country": "Italy"}, {"city": ""}, {"line1": ""}, {"kind": "x"}]
)
def test_an_address_that_is_none_is_refused(inside, wrong):
    with pytest.raises(Invalid) as refusal:
        add_address(actor=CLERK, customer=ada(), **{**TURIN, **wrong})
    assert refusal.value.field in wrong


def test_the_database_keeps_a_kind_from_having_two_defaults(inside):
    customer = ada()
    add_address(actor=CLERK, customer=customer, kind="both", **TURIN)
    for kind in ("billing", "shipping", "both"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Address.objects.create(
                customer=customer, kind=kind, is_default=True, line1="x", city="y", country="IT"
            )


def test_clerks_who_add_defaults_at_once_leave_one(acme: Tenant):
    with unit_of_work(acme):
        customer = ada()
    add = partial(add_address, actor=CLERK, customer=customer, is_default=True, **TURIN)
    assert kinds(at_once(acme, [add] * 4, together=True)) == {"Address": 4}
    with unit_of_work(acme):
        assert customer.addresses.filter(is_default=True).count() == 1


def test_an_order_keeps_the_addresses_that_it_was_placed_with(inside):
    customer = ada(company="Engines")
    london = add_address(actor=CLERK, customer=customer, kind="billing", **LONDON)
    draft = a_draft(customer=customer)
    assert draft.billing_address is None
    order = place_order(actor=CLERK, order=draft)
    change_address(actor=CLERK, address=london, city="Oxford")
    order.refresh_from_db()
    assert order.billing_address == {
        "name": "Ada",
        "company": "Engines",
        "line1": "12 St James's Square",
        "postal_code": "SW1Y 4JH",
        "city": "London",
        "country": "GB",
    }
    assert order.shipping_address == {"name": "Ada", "company": "Engines"}
    assert a_placed_order().billing_address is None


# Notes


def test_notes_are_dated_and_signed_and_taken_away(inside):
    customer = ada()
    note = add_note(actor=CLERK, customer=customer, text="Rang about\nthe jug")
    assert (note.author_label, customer.notes.get()) == (CLERK.label, note)
    with pytest.raises(Invalid):
        add_note(actor=CLERK, customer=customer, text="  ")
    remove_note(actor=CLERK, note=note)
    assert not customer.notes.exists()


# Merging


def test_two_customers_become_one(inside):
    survivor = ada(tags=["vip"], note="Pays at once")
    twin = ada(name="A. Lovelace", email="ada@example.com", reference="C-2", tags=["trade"], note="Twin")
    for customer in (survivor, twin):
        add_address(actor=CLERK, customer=customer, **TURIN)
        add_note(actor=CLERK, customer=customer, text=customer.name)
    order = a_placed_order(customer=twin)
    merged = merge_customers(actor=CLERK, survivor=survivor, duplicate=twin)
    assert (merged.name, merged.email, merged.reference) == ("Ada", "ada@example.com", "C-2")
    assert (merged.tags, merged.note) == (["vip", "trade"], "Pays at once\n\nTwin")
    assert (survivor.addresses.count(), survivor.notes.count(), survivor.orders.get()) == (2, 2, order)
    assert survivor.addresses.filter(is_default=True).count() == 1
    twin.refresh_from_db()
    assert (twin.merged_into, twin.email, twin.reference) == (survivor, "", None)
    assert list(Customer.objects.listed()) == [survivor]
    entry = AuditEntry.objects.get(verb="customer.merged")
    assert entry.data == {
        "duplicate": str(twin.pk),
        "merged_into": str(survivor.pk),
        "orders": 1,
        "addresses": 1,
        "notes": 1,
    }


def test_a_merged_customer_points_to_the_last_survivor_and_changes_no_more(inside):
    first, second, third = ada(), ada(), ada()
    merge_customers(actor=CLERK, survivor=second, duplicate=first)
    merge_customers(actor=CLERK, survivor=third, duplicate=second)
    first.refresh_from_db()
    assert first.merged_into == third
    with pytest.raises(CustomerMerged) as refusal:
        update_customer(actor=CLERK, customer=first, name="Bob")
    assert refusal.value.data == {"merged_into": str(third.pk)}
    with pytest.raises(CustomerMerged):
        merge_customers(actor=CLERK, survivor=third, duplicate=first)
    with pytest.raises(Invalid):
        merge_customers(actor=CLERK, survivor=third, duplicate=third)


def test_orders_for_a_merged_customer_are_the_survivors(inside):
    survivor, twin = ada(), ada()
    draft = a_draft(customer=twin)
    other = a_draft()
    merge_customers(actor=CLERK, survivor=survivor, duplicate=twin)
    twin.refresh_from_db()
    assert a_draft(customer=twin).customer == survivor
    assert update_order(actor=CLERK, order=other, customer=twin).customer == survivor
    # As if it had been written in the instant of the merge.
    Order.objects.filter(pk=draft.pk).update(customer=twin)
    placed = place_order(actor=CLERK, order=draft)
    placed.refresh_from_db()
    assert placed.customer == survivor


def test_two_merges_in_opposite_directions_leave_one_survivor(acme: Tenant):
    for _ in range(5):
        with unit_of_work(acme):
            one, two = ada(), ada()
        merges = [
            partial(merge_customers, actor=CLERK, survivor=one, duplicate=two),
            partial(merge_customers, actor=CLERK, survivor=two, duplicate=one),
        ]
        assert kinds(at_once(acme, merges, together=True)) == {"Customer": 1, "CustomerMerged": 1}
        with unit_of_work(acme):
            assert Customer.objects.filter(pk__in=[one.pk, two.pk]).known().count() == 1


# Erasing


def test_an_erased_customer_leaves_amounts_and_countries_and_nothing_else(inside):
    twin = ada(name="A. Lovelace")
    customer = ada(
        email="ada@example.com", phone="1", reference="C-1", company="Engines", vat_id="GB123", tags=["vip"]
    )
    merge_customers(actor=CLERK, survivor=customer, duplicate=twin)
    add_address(actor=CLERK, customer=customer, **LONDON)
    add_note(actor=CLERK, customer=customer, text="Her mother's name")
    order = a_placed_order(customer=customer, note="Leave with Mrs Somerville")
    erasure = erase_customer(actor=CLERK, customer=customer, name="Ada")
    assert erasure.removed == {"addresses": 1, "notes": 1}
    assert erasure.kept["orders"] == 1
    for gone in Customer.objects.all():
        assert (gone.name, gone.email, gone.tags, gone.reference) == (ERASED_NAME, "", [], None)
        assert gone.is_erased
    order.refresh_from_db()
    assert (order.note, order.billing_address, order.customer) == ("", {"country": "GB"}, customer)
    assert order.total > 0
    assert not Address.objects.exists()
    assert not CustomerNote.objects.exists()
    assert not Customer.objects.listed().exists()


def test_the_audit_log_knows_no_personal_data(inside):
    customer = ada(name="Lovelace", email="ada@example.com")
    address = add_address(actor=CLERK, customer=customer, **LONDON)
    change_address(actor=CLERK, address=address, name="Byron")
    add_note(actor=CLERK, customer=customer, text="Her mother")
    update_customer(actor=CLERK, customer=customer, phone="020 7946")
    erase_customer(actor=CLERK, customer=customer, name="Lovelace")
    written = str(list(AuditEntry.objects.about(customer).values_list("data")))
    assert "customer.erased" in AuditEntry.objects.about(customer).values_list("verb", flat=True)
    for personal in ("Lovelace", "ada@", "Byron", "mother", "7946", "London", "James"):
        assert personal not in written


def test_what_people_typed_about_orders_goes_with_the_person(inside):
    """It is shown in the order's timeline, and stands nowhere that an erasure cannot reach."""
    customer, mug = ada(), a_product(opening_stock=9)
    order = a_paid_order((mug, 3), customer=customer, discount_kind="amount", discount_value=Decimal(1))
    update_order(actor=CLERK, order=order, note="secret-0")
    Order.objects.filter(pk=order.pk).update(discount_reason="secret-1")
    portions = [Portion(order.lines.get().pk, 2)]
    parcel: Any = {"tracking_number": "secret-2", "note": "secret-3"}
    order = fulfil_order(actor=CLERK, order=order, lines=portions, **parcel)
    update_parcel(actor=CLERK, fulfilment=order.deliveries[0], note="secret-4")
    order = return_goods(actor=CLERK, order=order, note="secret-5")
    told: Any = {"reason": "secret-6", "reference": "secret-7"}
    order = refund_order(actor=CLERK, order=order, amount=Decimal(1), **told)
    order = cancel_order(actor=CLERK, order=order, note="secret-8", restock=True)
    assert order.note == "secret-0\nCancelled: secret-8"
    shown = timeline_of(order, payments=list(order.payments.all()), deliveries=order.deliveries)
    assert {"secret-5", "secret-6"} <= set(re.findall("secret-.", str(shown)))
    erase_customer(actor=CLERK, customer=customer, name="Ada")
    for model in (Order, Payment, Fulfilment, AuditEntry, StockMovement):
        assert "secret" not in str(list(model._default_manager.values())), model


def test_an_erasure_wants_the_name_and_is_final(inside):
    customer = ada()
    with pytest.raises(NameMismatch) as refusal:
        erase_customer(actor=CLERK, customer=customer, name="ada")
    assert refusal.value.field == "name"
    draft = a_draft(customer=customer)
    customer = erase_customer(actor=CLERK, customer=customer, name="Ada").customer
    assert Order.objects.filter(pk=draft.pk, billing_address__isnull=True).exists()
    for verb in (
        lambda: update_customer(actor=CLERK, customer=customer, name="Ada"),
        lambda: erase_customer(actor=CLERK, customer=customer, name=ERASED_NAME),
        lambda: merge_customers(actor=CLERK, survivor=ada(), duplicate=customer),
    ):
        with pytest.raises(CustomerErased):
            verb()
    for buy in (lambda: a_draft(customer=customer), lambda: place_order(actor=CLERK, order=draft)):
        with pytest.raises(DomainError, match="erased"):
            buy()


def test_what_a_customer_is_worth(inside):
    customer, product = ada(), a_product(price=Decimal(10), opening_stock=100)
    for quantity in (1, 4):
        a_placed_order((product, quantity), customer=customer)
    cancel_order(actor=CLERK, order=a_placed_order((product, 7), customer=customer))
    a_draft((product, 9), customer=customer)
    gone = fulfil_order(actor=CLERK, order=pay_order(actor=CLERK, order=Order.objects.get(number=2)))
    refund_order(actor=CLERK, order=gone, amount=Decimal(5))
    Order.objects.filter(number=1).update(kind="cancellation")
    (value,) = worth_of(customer).by_currency
    assert (value.currency, value.orders, str(value.total), str(value.average)) == (
        "GBP",
        1,
        "25.00",
        "40.00",
    )
