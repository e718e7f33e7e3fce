"""Locations, transfers and counts: what they move, refuse, and leave in the audit log."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection

from tenant_apps.products.books import check_books, mend_books
from tenant_apps.products.counts import apply_count, cancel_count, enter_counts, open_count
from tenant_apps.products.documents import DocumentLine, DocumentRefused, UnknownGoods
from tenant_apps.products.ledger import hold_for_sale, reserve_stock, ship_stock
from tenant_apps.products.locations import (
    LocationCodeTaken,
    LocationInUse,
    archive_location,
    restore_location,
    update_location,
)
from tenant_apps.products.models import Location, Product, StockDocument, StockLevel, StockMovement
from tenant_apps.products.notices import send_low_stock, tell_low_stock
from tenant_apps.products.services import adjust_stock, create_category, receive_stock
from tenant_apps.products.setting import StockItem, set_stock
from tenant_apps.products.shifting import LocationArchived, StockRefused
from tenant_apps.products.transfers import (
    cancel_transfer,
    receive_transfer,
    send_transfer,
    set_transfer_lines,
)
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, tenant_context, unit_of_work
from tenants.errors import Invalid
from tenants.models import uuid7
from tests.products.builders import CLERK, a_location, a_product, a_service, a_transfer


@pytest.fixture
def main(inside: Tenant) -> Location:
    return Location.objects.default()


@pytest.fixture
def shop(inside: Tenant) -> Iterator[Location]:
    yield a_location()
    assert check_books() == []


@pytest.fixture
def mug(inside: Tenant) -> Product:
    return a_product(sku="MUG", opening_stock=10)


def at(location: Location, product: Product) -> int:
    return sum(
        StockLevel.objects.filter(location=location, product=product).values_list("on_hand", flat=True)
    )


def line(product: Product, quantity: int, note: str = "") -> DocumentLine:
    return DocumentLine(product.pk, quantity, note)


# Locations


def test_every_tenant_begins_with_one_location_and_can_have_more(main: Location, shop: Location):
    assert (main.code, main.is_default, shop.code, shop.is_default) == ("MAIN", True, "SHOP", False)
    with pytest.raises(LocationCodeTaken, match="SHOP"):
        a_location("shop")
    for wrong in ({"code": "two words"}, {"code": "-"}, {"name": " "}, {"address": "x" * 501}):
        with pytest.raises(Invalid) as refusal:
            a_location(**{"code": "NEW"} | wrong)
        assert refusal.value.field in wrong


def test_another_location_becomes_the_default_and_takes_what_names_none(shop: Location, mug: Product):
    update_location(actor=CLERK, location=shop, is_default=True, name="Corner shop")
    assert [place.name for place in Location.objects.filter(is_default=True)] == ["Corner shop"]
    receive_stock(actor=CLERK, product=mug, quantity=3)
    assert at(shop, mug) == 3
    with pytest.raises(Invalid, match="Make another one the default"):
        update_location(actor=CLERK, location=shop, is_default=False)


def test_only_an_empty_location_that_nothing_leads_to_is_archived(
    main: Location, shop: Location, mug: Product
):
    with pytest.raises(LocationInUse, match="default"):
        archive_location(actor=CLERK, location=main)
    transfer = a_transfer((mug, 1), to=shop)
    with pytest.raises(LocationInUse, match="Transfer MAIN-1 is still open"):
        archive_location(actor=CLERK, location=shop)
    receive_transfer(actor=CLERK, transfer=send_transfer(actor=CLERK, transfer=transfer))
    with pytest.raises(LocationInUse, match="1 products lie at Shop"):
        archive_location(actor=CLERK, location=shop)
    adjust_stock(actor=CLERK, product=mug, counted=0, note="Moved", location=shop)
    archived = archive_location(actor=CLERK, location=shop)
    with pytest.raises(LocationArchived):
        a_transfer((mug, 1), to=archived)
    assert not restore_location(actor=CLERK, location=archived).is_archived


# Transfers


def test_a_transfer_takes_stock_on_a_journey_and_notes_what_did_not_arrive(
    main: Location, shop: Location, mug: Product
):
    transfer = set_transfer_lines(actor=CLERK, transfer=a_transfer((mug, 9), to=shop), lines=[line(mug, 6)])
    send_transfer(actor=CLERK, transfer=transfer)
    mug.refresh_from_db()
    assert (at(main, mug), at(shop, mug), mug.on_hand) == (4, 0, 4)
    part = partial(receive_transfer, actor=CLERK, transfer=transfer)
    assert part(lines=[line(mug, 2)], complete=False).status == "sent"
    with pytest.raises(Invalid, match="Of MUG 4 are on their way, not 5"):
        part(lines=[line(mug, 5)])
    done = part(lines=[line(mug, 3, "One broken")], note="Signed by the driver")
    assert (done.status, done.lines.get().difference, done.lines.get().note) == ("received", -1, "One broken")
    assert (at(main, mug), at(shop, mug)) == (4, 5)
    assert set(StockMovement.objects.caused_by("transfer:MAIN-1").values_list("reason", flat=True)) == {
        "transfer"
    }
    assert [entry.verb for entry in AuditEntry.objects.about(done)] == [
        "transfer.received", "transfer.received", "transfer.sent", "transfer.changed", "transfer.created",
    ]  # fmt: skip


def test_a_small_shop_moves_stock_in_one_step(main: Location, shop: Location, mug: Product):
    assert a_transfer((mug, 4), to=shop, at_once=True).status == "received"
    assert (at(main, mug), at(shop, mug)) == (6, 4)


def test_what_is_promised_or_missing_cannot_be_sent(shop: Location, mug: Product):
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 8}), source="order:1")
    transfer = a_transfer((mug, 3), to=shop)
    with pytest.raises(StockRefused, match="MUG: 10 on hand, 8 reserved at Main location"):
        send_transfer(actor=CLERK, transfer=transfer)


def test_a_cancelled_transfer_gives_back_what_is_still_on_its_way(
    main: Location, shop: Location, mug: Product
):
    transfer = send_transfer(actor=CLERK, transfer=a_transfer((mug, 5), to=shop))
    receive_transfer(actor=CLERK, transfer=transfer, lines=[line(mug, 2)], complete=False)
    cancel_transfer(actor=CLERK, transfer=transfer)
    assert (at(main, mug), at(shop, mug)) == (8, 2)
    verbs: tuple[Callable[..., StockDocument], ...] = (send_transfer, receive_transfer, cancel_transfer)
    for verb in verbs:
        with pytest.raises(DocumentRefused, match="Transfer MAIN-1 is cancelled"):
            verb(actor=CLERK, transfer=transfer)


def test_lines_of_a_transfer_are_goods_named_once(main: Location, shop: Location, mug: Product):
    make = partial(a_transfer, to=shop)
    with pytest.raises(Invalid, match="stands on several lines"):
        make((mug, 1), (mug, 2))
    with pytest.raises(Invalid, match="quantity"):
        make((mug, -1))
    with pytest.raises(UnknownGoods):
        make((a_service(), 1))
    with pytest.raises(Invalid, match="another location"):
        make((mug, 1), to=main)
    with pytest.raises(Invalid, match="without lines"):
        send_transfer(actor=CLERK, transfer=make((mug, 0)))


# Counts


def test_a_count_corrects_by_what_differed_when_it_was_counted(main: Location, shop: Location, mug: Product):
    cup = a_product(sku="CUP", opening_stock=4)
    count = open_count(actor=CLERK, location=main, note="Year's end")
    assert list(count.lines.values_list("product__sku", "expected", "actual")) == [
        ("CUP", 4, None),
        ("MUG", 10, None),
    ]
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 1}), source="order:1")
    found = a_product(sku="NEW")
    enter_counts(actor=CLERK, count=count, lines=[line(mug, 8, "Two broken"), line(found, 2)])
    ship_stock(actor=CLERK, held=hold_for_sale({mug.pk: 1}), source="order:1")
    receive_stock(actor=CLERK, product=mug, quantity=5)
    done = apply_count(actor=CLERK, count=count)
    assert (at(main, mug), at(main, cup), at(main, found)) == (12, 4, 2)
    assert StockMovement.objects.caused_by("count:MAIN-1").count() == 2
    assert AuditEntry.objects.about(done)[0].data == {
        "number": "MAIN-1", "lines": 2, "differences": 2, "on_hand_change": 0,
    }  # fmt: skip
    with pytest.raises(DocumentRefused, match="is applied"):
        cancel_count(actor=CLERK, count=done)


def test_a_count_can_be_of_one_category_and_be_given_up(main: Location, mug: Product):
    tea = create_category(actor=CLERK, name="Tea")
    pot = a_product(category=tea, opening_stock=1)
    count = open_count(actor=CLERK, location=main, category=tea)
    assert [each.product for each in count.lines.all()] == [pot]
    with pytest.raises(Invalid, match="Nothing has been counted"):
        apply_count(actor=CLERK, count=count)
    assert cancel_count(actor=CLERK, count=count).status == "cancelled"


def test_a_count_below_what_is_promised_is_refused_and_loses_nothing(main: Location, mug: Product):
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 6}), source="order:1")
    count = open_count(actor=CLERK, location=main)
    enter_counts(actor=CLERK, count=count, lines=[line(mug, 5)])
    with pytest.raises(StockRefused, match="MUG: 10 on hand, 6 reserved"):
        apply_count(actor=CLERK, count=count)
    assert count.lines.get().actual == 5


# Many at once


def test_stock_is_set_for_many_with_an_answer_for_each(shop: Location, mug: Product):
    cup = a_product(sku="CUP", opening_stock=5)
    reserve_stock(actor=CLERK, held=hold_for_sale({cup.pk: 2}), source="order:1")
    items = [
        StockItem(sku="mug", counted=7),
        StockItem(product=mug.pk, location="shop", delta=4),
        StockItem(sku="CUP", counted=1),
        StockItem(sku="NONE", counted=1),
        StockItem(sku="MUG", counted=1),
        StockItem(sku="CUP", location=uuid7(), counted=1),
        StockItem(sku="CUP"),
    ]
    outcomes = set_stock(actor=CLERK, items=items)
    assert [getattr(outcome, "on_hand_change", None) for outcome in outcomes[:2]] == [-3, 4]
    assert [getattr(outcome, "field", None) for outcome in outcomes[2:]] == [
        "counted", "sku", "sku", "location", "counted",
    ]  # fmt: skip
    mug.refresh_from_db()
    assert mug.on_hand == 11


def test_setting_one_more_costs_its_entry_in_the_log_and_nothing_else(
    inside: Any, django_assert_num_queries: Any
):
    items = [StockItem(product=a_product().pk, counted=3) for _ in range(20)]
    with django_assert_num_queries(8 + len(items)):  # each has its own entry in the log
        set_stock(actor=CLERK, items=items)


# The books


def test_books_that_were_bent_are_found_and_mended_from_the_ledger(acme: Tenant, capsys: Any):
    with unit_of_work(acme), connection.cursor() as cursor:
        product = a_product(sku="MUG", opening_stock=10, low_stock_at=5)
        cursor.execute("UPDATE products_product SET on_hand = 4")
        cursor.execute("UPDATE products_stocklevel SET on_hand = 3")
        assert [str(each) for each in check_books()] == [
            "MUG in all: 4 on hand, 0 reserved; the ledger says 10 and 0",
            "MUG at MAIN: 3 on hand, 0 reserved; the ledger says 10 and 0",
        ]
    with pytest.raises(CommandError, match="2 figures differ"):
        call_command("stock", "acme")
    call_command("stock", "acme", mend=True)
    with pytest.raises(CommandError, match="Not all of these"):
        call_command("stock", "nobody")
    call_command("stock")
    assert "2 figures mended" in capsys.readouterr().out
    with unit_of_work(acme):
        product.refresh_from_db()
        assert (product.on_hand, mend_books(actor=CLERK)) == (10, [])


def test_owners_and_admins_get_one_letter_about_what_ran_low(acme: Tenant, monkeypatch: Any):
    monkeypatch.setattr("tenant_apps.products.tasks.mail_low_stock.delay", send_low_stock)
    with tenant_context(acme):
        with unit_of_work(acme):
            a_product(sku="MUG", opening_stock=1, low_stock_at=2)
            a_product(sku="CUP", opening_stock=3, low_stock_at=2)
        assert [tell_low_stock(actor=CLERK), tell_low_stock(actor=CLERK)] == [1, 0]
    assert sorted(letter.to[0] for letter in mail.outbox) == ["admin@acme.example", "owner@acme.example"]
    assert "MUG  Mug: 1 available, warns at 2" in mail.outbox[0].body
    assert "CUP" not in mail.outbox[0].body
