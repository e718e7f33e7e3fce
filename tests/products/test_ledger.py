"""Stock at several locations: where orders take it from, and that levels, totals and ledger stay one story."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from tenant_apps.products.ledger import (
    Held,
    OutOfStock,
    hold_for_sale,
    hold_stock,
    release_stock,
    reserve_stock,
    return_stock,
    ship_stock,
)
from tenant_apps.products.models import Location, Product, StockLevel, StockMovement
from tenant_apps.products.services import adjust_stock, receive_stock, update_product
from tenant_apps.products.shifting import LocationArchived, StockRefused
from tenants.audit.models import AuditEntry
from tests.products.builders import CLERK, a_product

pytestmark = pytest.mark.usefixtures("inside")


@pytest.fixture
def main() -> Location:
    return Location.objects.default()


@pytest.fixture
def shop() -> Location:
    return Location.objects.create(code="SHOP", name="Shop")


@pytest.fixture
def mug(main: Location, shop: Location) -> Product:
    """Five in the main location and three in the shop."""
    product = a_product(sku="MUG", opening_stock=5)
    receive_stock(actor=CLERK, product=product, quantity=3, location=shop)
    return product


def levels(product: Product) -> dict[str, tuple[int, int]]:
    rows = StockLevel.objects.filter(product=product).values_list("location__code", "on_hand", "reserved")
    return {code: (on_hand, reserved) for code, on_hand, reserved in rows}


def hold(product: Product, quantity: int) -> list[Held]:
    return hold_stock({product.pk: quantity})


def test_an_order_takes_from_the_default_location_first_and_then_from_the_others(mug: Product):
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 7}), source="order:1")
    assert levels(mug) == {"MAIN": (5, 5), "SHOP": (3, 2)}
    ship_stock(actor=CLERK, held=hold(mug, 6), source="order:1")
    release_stock(actor=CLERK, held=hold(mug, 1), source="order:1")
    assert levels(mug) == {"MAIN": (0, 0), "SHOP": (2, 0)}


def test_an_order_can_be_held_at_one_location_alone(mug: Product, shop: Location):
    with pytest.raises(OutOfStock, match="MUG: 4 wanted, 3 available"):
        hold_for_sale({mug.pk: 4}, location=shop)
    held = hold_for_sale({mug.pk: 3}, location=shop)
    reserve_stock(actor=CLERK, held=held, source="order:1", location=shop)
    assert levels(mug) == {"MAIN": (5, 0), "SHOP": (3, 3)}
    with pytest.raises(StockRefused, match="Of MUG there are 0 to be moved"):
        reserve_stock(actor=CLERK, held=held, source="order:2", location=shop)


def test_promised_goods_can_leave_from_another_location(mug: Product, shop: Location):
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 2}), source="order:1")
    ship_stock(actor=CLERK, held=hold(mug, 2), source="order:1", location=shop)
    assert levels(mug) == {"MAIN": (5, 0), "SHOP": (1, 0)}


def test_one_order_does_not_touch_what_another_was_promised(mug: Product):
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 4}), source="order:1")
    for verb in (release_stock, ship_stock):
        with pytest.raises(StockRefused, match="MUG"):
            verb(actor=CLERK, held=hold(mug, 1), source="order:2")
    assert levels(mug)["MAIN"] == (5, 4)


def test_goods_come_back_to_the_default_location_unless_another_is_named(mug: Product, shop: Location):
    return_stock(actor=CLERK, held=hold(mug, 1), source="order:1", note="Unopened")
    return_stock(actor=CLERK, held=hold(mug, 1), source="order:1", location=shop)
    assert levels(mug) == {"MAIN": (6, 0), "SHOP": (4, 0)}
    assert set(StockMovement.objects.caused_by("order:1").values_list("reason", flat=True)) == {"return"}


def test_a_count_at_one_location_leaves_the_others_alone(mug: Product, shop: Location):
    adjust_stock(actor=CLERK, product=mug, counted=1, note="Counted", location=shop)
    assert levels(mug) == {"MAIN": (5, 0), "SHOP": (1, 0)}
    mug.refresh_from_db()
    assert mug.on_hand == 6


def test_an_archived_location_takes_no_stock(mug: Product):
    old = Location.objects.create(code="OLD", name="Old shed", archived_at=mug.created_at)
    with pytest.raises(LocationArchived, match="Old shed"):
        receive_stock(actor=CLERK, product=mug, quantity=1, location=old)


def test_a_location_does_not_give_what_lies_at_another(mug: Product, shop: Location):
    with pytest.raises(StockRefused, match="MUG: 3 on hand, 0 reserved at Shop"), transaction.atomic():
        adjust_stock(actor=CLERK, product=mug, delta=-4, note="Broken", location=shop)
    assert levels(mug) == {"MAIN": (5, 0), "SHOP": (3, 0)}


def test_placing_three_lines_costs_a_handful_of_statements(django_assert_num_queries: Any):
    wanted = {a_product(opening_stock=9).pk: 2 for _ in range(3)}
    with django_assert_num_queries(3):
        reserve_stock(actor=CLERK, held=hold_for_sale(wanted), source="order:1")
    with django_assert_num_queries(3):
        ship_stock(actor=CLERK, held=hold_stock(wanted), source="order:1")


# Low stock


def notices(products: Iterable[Product]) -> list[UUID | None]:
    ids = [product.pk for product in products]
    rows = AuditEntry.objects.filter(verb="product.low_stock", target_id__in=ids).order_by("id")
    return list(rows.values_list("target_id", flat=True))


def test_running_low_is_told_once_until_the_stock_recovers():
    mug = a_product(opening_stock=5, low_stock_at=2)
    adjust_stock(actor=CLERK, product=mug, delta=-2, note="Broken")
    assert notices([mug]) == []
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 1}), source="order:1")
    reserve_stock(actor=CLERK, held=hold_for_sale({mug.pk: 1}), source="order:2")
    assert notices([mug]) == [mug.pk]
    entry = AuditEntry.objects.get(verb="product.low_stock")
    assert entry.data == {"sku": mug.sku, "available": 2, "low_stock_at": 2}
    receive_stock(actor=CLERK, product=mug, quantity=9)
    mug.refresh_from_db()
    assert (mug.low_since, mug.is_low) == (None, False)
    adjust_stock(actor=CLERK, product=mug, counted=2, note="Theft")
    assert notices([mug]) == [mug.pk, mug.pk]
    assert list(Product.objects.low()) == [mug]


def test_a_changed_warning_level_is_compared_with_the_stock():
    mug = a_product(opening_stock=5)
    update_product(actor=CLERK, product=mug, low_stock_at=5)
    assert (notices([mug]), Product.objects.low().count()) == ([mug.pk], 1)
    update_product(actor=CLERK, product=mug, low_stock_at=4)
    assert Product.objects.low().count() == 0
    assert notices([a_product(low_stock_at=0)]) != []
