"""What the database itself refuses about products and stock, and what their models can answer."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from psycopg import errors

from tenant_apps.products.models import Category, Product, StockMovement
from tenant_apps.products.services import archive_product, create_category, receive_stock
from tests.products.builders import CLERK, a_product, a_service

pytestmark = pytest.mark.usefixtures("inside")


def refused_by(violation: type[Exception]):
    return pytest.raises(
        (IntegrityError, ProgrammingError), check=lambda error: isinstance(error.__cause__, violation)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"reserved": -1},
        {"on_hand": -1},
        {"on_hand": 3, "reserved": 4},
        {"price": Decimal("-0.01")},
        {"currency": "eur"},
        {"currency": "EU"},
        {"sku": "lower"},
        {"sku": ""},
        {"name": ""},
        {"status": "sold"},
        {"kind": "gift"},
        {"kind": "service", "on_hand": 1},
        {"low_stock_at": -1},
        {"kind": "service", "low_stock_at": 1},
    ],
    ids=str,
)
def test_the_database_refuses_a_product_that_cannot_be(change: dict[str, Any]):
    product = a_product()
    with refused_by(errors.CheckViolation), transaction.atomic():
        Product.objects.filter(pk=product.pk).update(**change)


def test_the_database_refuses_two_products_with_one_sku():
    first, second = a_product(), a_product()
    with refused_by(errors.UniqueViolation), transaction.atomic():
        Product.objects.filter(pk=second.pk).update(sku=first.sku)


def test_the_database_refuses_category_names_that_differ_only_in_case():
    create_category(actor=CLERK, name="Glass")
    with refused_by(errors.UniqueViolation), transaction.atomic():
        Category.objects.create(name="gLASS", slug="other")


def test_the_database_refuses_two_categories_with_one_slug():
    create_category(actor=CLERK, name="Glass")
    with refused_by(errors.UniqueViolation), transaction.atomic():
        Category.objects.create(name="Other", slug="glass")


@pytest.mark.parametrize("change", [{"reason": "theft"}, {"reason": "receipt", "on_hand_change": 0}], ids=str)
def test_the_database_refuses_a_movement_that_moves_nothing_or_has_no_known_reason(change: dict[str, Any]):
    values = {
        "product": a_product(),
        "reason": "receipt",
        "on_hand_change": 1,
        "actor_label": "clerk",
    } | change
    with refused_by(errors.CheckViolation), transaction.atomic():
        StockMovement.objects.create(**values)


@pytest.mark.parametrize(
    "statement", ["UPDATE products_stockmovement SET note = 'x'", "DELETE FROM products_stockmovement"]
)
def test_the_stock_ledger_can_be_neither_changed_nor_deleted(statement: str):
    receive_stock(actor=CLERK, product=a_product(), quantity=1)
    with refused_by(errors.InsufficientPrivilege), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_available_is_what_is_on_hand_and_not_reserved():
    assert Product(on_hand=7, reserved=3).available == 4


def test_a_product_is_low_once_its_available_stock_reaches_the_warning_level():
    low = a_product(opening_stock=5, low_stock_at=5)
    a_product(opening_stock=6, low_stock_at=5)
    a_product(opening_stock=1)
    assert list(Product.objects.low()) == [low]
    assert low.is_low


def test_archived_products_are_neither_live_nor_active():
    kept, draft = a_product(), a_product(status=Product.Status.DRAFT)
    archived = archive_product(actor=CLERK, product=a_product())
    assert set(Product.objects.live()) == {kept, draft}
    assert set(Product.objects.active()) == {kept}
    assert not archived.is_sellable
    assert not archived.is_live


def test_the_ledger_of_a_product_reads_newest_first():
    product, other = a_product(), a_product(opening_stock=9)
    first = receive_stock(actor=CLERK, product=product, quantity=1, source="delivery:1")
    second = receive_stock(actor=CLERK, product=product, quantity=2)
    assert list(StockMovement.objects.of(product)) == [second, first]
    assert list(StockMovement.objects.caused_by("delivery:1")) == [first]
    assert other.movements.count() == 1


def test_each_model_names_itself_in_a_line():
    category = create_category(actor=CLERK, name="Glass")
    movement = receive_stock(actor=CLERK, product=a_product(), quantity=2)
    assert [str(category), str(a_service(sku="DHL")), str(movement)] == [
        "Glass",
        "DHL Delivery",
        "receipt +2 on hand, +0 reserved",
    ]
