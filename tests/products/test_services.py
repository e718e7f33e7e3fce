"""The verbs of products and stock: what they write, refuse, and leave in the audit log."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing import entitlements
from tenant_apps.products.ledger import (
    NotStocked,
    OutOfStock,
    ProductNotForSale,
    StockRefused,
    hold_for_sale,
    hold_stock,
    release_stock,
    reserve_stock,
    ship_stock,
)
from tenant_apps.products.models import Category, Product, StockMovement
from tenant_apps.products.services import (
    CategoryInUse,
    CategoryTaken,
    SkuTaken,
    adjust_stock,
    archive_product,
    create_category,
    create_product,
    delete_category,
    receive_stock,
    update_category,
    update_product,
)
from tenants.audit.models import AuditEntry
from tenants.context import Tenant
from tenants.errors import Invalid, NotFound
from tests.plans import allow
from tests.products.builders import CLERK, a_product, a_service

pytestmark = pytest.mark.usefixtures("inside")


def verbs_about(target: Any) -> list[str]:
    return [entry.verb for entry in AuditEntry.objects.about(target)]


# Categories


def test_a_category_gets_a_slug_that_stays_when_it_is_renamed():
    category = create_category(actor=CLERK, name="  Tea   & Coffee ")
    renamed = update_category(actor=CLERK, category=category, name="Hot drinks")
    assert (category.name, category.slug) == ("Tea & Coffee", "tea-coffee")
    assert (renamed.name, renamed.slug) == ("Hot drinks", "tea-coffee")
    assert verbs_about(category) == ["category.updated", "category.created"]


def test_categories_whose_slugs_would_collide_are_counted_up():
    slugs = [create_category(actor=CLERK, name=name).slug for name in ("A B", "A-B", "a_b ", "A+B", "!", "?")]
    assert slugs == ["a-b", "a-b-2", "a_b", "ab", "category", "category-2"]


@pytest.mark.parametrize("name", ["tea", "TEA", " Tea "])
def test_a_category_name_is_taken_whatever_its_case(name: str):
    create_category(actor=CLERK, name="Tea")
    other = create_category(actor=CLERK, name="Coffee")
    with pytest.raises(CategoryTaken) as refusal:
        create_category(actor=CLERK, name=name)
    with pytest.raises(CategoryTaken):
        update_category(actor=CLERK, category=other, name=name)
    assert refusal.value.field == "name"
    assert Category.objects.count() == 2


def test_a_category_can_change_the_case_of_its_own_name():
    category = create_category(actor=CLERK, name="tea")
    assert update_category(actor=CLERK, category=category, name="Tea").name == "Tea"


def test_a_category_with_products_is_not_deleted():
    category = create_category(actor=CLERK, name="Tea")
    product = a_product(category=category)
    with pytest.raises(CategoryInUse, match="has 1 products"):
        delete_category(actor=CLERK, category=category)
    update_product(actor=CLERK, product=product, category=None)
    delete_category(actor=CLERK, category=category)
    assert not Category.objects.exists()


def test_a_category_that_is_gone_is_not_found_by_any_verb():
    category = create_category(actor=CLERK, name="Tea")
    gone = Category(pk=category.pk, name="Tea")
    delete_category(actor=CLERK, category=category)
    with pytest.raises(NotFound, match="category does not exist any more"):
        update_category(actor=CLERK, category=gone, name="Coffee")
    with pytest.raises(Invalid, match="category does not exist any more"):
        a_product(category=gone)


# Products


def test_a_product_is_created_clean_active_and_in_the_tenants_currency(inside: Tenant):
    product = create_product(
        actor=CLERK, sku=" mug-1 ", name=" Mug,  blue ", price=Decimal("9.5"), description=" Big. \n"
    )
    product.refresh_from_db()
    assert (product.sku, product.name, product.description) == ("MUG-1", "Mug, blue", "Big.")
    assert (product.price, product.currency, product.status) == (Decimal("9.50"), inside.currency, "active")
    assert (product.on_hand, product.reserved) == (0, 0)
    assert verbs_about(product) == ["product.created"]


def test_opening_stock_is_the_first_line_of_the_ledger():
    product = a_product(opening_stock=12)
    movement = product.movements.get()
    assert (movement.reason, movement.on_hand_change, movement.reserved_change) == ("receipt", 12, 0)
    assert movement.actor_label == CLERK.label
    product.refresh_from_db()
    assert product.on_hand == 12


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sku": " "}, "sku"),
        ({"sku": "x" * 65}, "sku"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"description": "half \ud800"}, "description"),
        ({"price": Decimal("-0.01")}, "price"),
        ({"price": Decimal("0.005")}, "price"),
        ({"price": Decimal("NaN")}, "price"),
        ({"price": Decimal("1e30")}, "price"),
        ({"status": "sold"}, "status"),
        ({"kind": "gift"}, "kind"),
        ({"currency": "euro"}, "currency"),
        ({"currency": "éur"}, "currency"),
        ({"low_stock_at": -1}, "low_stock_at"),
        ({"opening_stock": -1}, "opening_stock"),
        ({"kind": "service", "low_stock_at": 1}, "low_stock_at"),
    ],
    ids=str,
)
def test_a_product_that_makes_no_sense_is_refused_by_the_field_that_is_wrong(
    fields: dict[str, Any], field: str
):
    with pytest.raises(Invalid) as refusal:
        a_product(**fields)
    assert refusal.value.field == field
    assert not Product.objects.exists()


def test_a_sku_is_taken_whatever_its_case():
    a_product(sku="MUG-A")
    with pytest.raises(SkuTaken) as refusal:
        a_product(sku="mug-a")
    assert (refusal.value.field, refusal.value.status) == ("sku", 409)


def test_an_update_changes_what_is_given_and_tells_the_audit_log_before_and_after():
    product = a_product(price=Decimal("9.50"), opening_stock=3)
    stale = Product(pk=product.pk)
    updated = update_product(actor=CLERK, product=stale, price=Decimal(10), status=Product.Status.DRAFT)
    assert (updated.name, updated.on_hand, updated.price) == (product.name, 3, Decimal("10.00"))
    entry = AuditEntry.objects.about(product).first()
    assert entry is not None
    assert entry.verb == "product.updated"
    assert entry.data == {"changes": {"price": ["9.50", "10.00"], "status": ["active", "draft"]}}


def test_an_update_that_changes_nothing_leaves_no_trace():
    product = a_product()
    update_product(actor=CLERK, product=product, name=product.name, price=product.price)
    assert verbs_about(product) == ["product.created"]


def test_an_update_to_a_taken_sku_is_refused():
    taken, product = a_product(), a_product()
    with pytest.raises(SkuTaken):
        update_product(actor=CLERK, product=product, sku=taken.sku.lower())


def test_an_archived_product_is_archived_once_and_can_come_back():
    product = a_product()
    for _ in range(2):
        assert archive_product(actor=CLERK, product=product).status == "archived"
    assert update_product(actor=CLERK, product=product, status="active").is_sellable
    assert verbs_about(product) == ["product.updated", "product.archived", "product.created"]


def test_a_full_plan_refuses_new_and_returning_products(monkeypatch: pytest.MonkeyPatch):
    archived = archive_product(actor=CLERK, product=a_product())
    a_product()
    allow(monkeypatch, products=1)
    with pytest.raises(
        entitlements.LimitReached, match="archive products that you no longer sell or move to"
    ):
        a_product()
    with pytest.raises(entitlements.LimitReached):
        update_product(actor=CLERK, product=archived, status="active")


# Stock


def test_received_goods_are_on_hand_with_a_line_in_the_ledger():
    product = a_product(opening_stock=1)
    movement = receive_stock(
        actor=CLERK, product=product, quantity=4, note=" from  Lyon ", source="delivery:7"
    )
    product.refresh_from_db()
    assert product.on_hand == 5
    assert (movement.on_hand_change, movement.note, movement.source) == (4, "from Lyon", "delivery:7")
    assert verbs_about(product) == ["stock.received", "product.created"]


@pytest.mark.parametrize(
    ("how", "on_hand", "change"),
    [({"counted": 7}, 7, -3), ({"delta": 5}, 15, 5), ({"delta": -10}, 0, -10)],
    ids=str,
)
def test_stock_is_adjusted_to_a_count_or_by_a_difference(how: dict[str, Any], on_hand: int, change: int):
    product = a_product(opening_stock=10)
    movement = adjust_stock(actor=CLERK, product=product, note="stocktaking", **how)
    product.refresh_from_db()
    assert (product.on_hand, movement.on_hand_change, movement.reason) == (on_hand, change, "adjustment")


def test_a_count_that_confirms_the_books_is_worth_a_line():
    product = a_product(opening_stock=10)
    assert adjust_stock(actor=CLERK, product=product, note="stocktaking", counted=10).on_hand_change == 0


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({}, "counted"),
        ({"counted": 1, "delta": 1}, "counted"),
        ({"counted": -1}, "counted"),
        ({"delta": 0}, "delta"),
        ({"delta": 3_000_000_000}, "delta"),
        ({"delta": 1, "note": " "}, "note"),
        ({"delta": 2_000_000_000}, "quantity"),
    ],
    ids=str,
)
def test_an_adjustment_that_makes_no_sense_is_refused(how: dict[str, Any], field: str):
    product = a_product(opening_stock=10)
    with pytest.raises(Invalid) as refusal:
        adjust_stock(actor=CLERK, product=product, **{"note": "stocktaking"} | how)
    assert refusal.value.field == field


@pytest.mark.parametrize("how", [{"counted": 2}, {"delta": -8}, {"delta": -11}], ids=str)
def test_stock_is_not_adjusted_below_what_is_reserved(how: dict[str, Any]):
    product = a_product(sku="MUG-R", opening_stock=10)
    reserve_stock(actor=CLERK, held=hold_stock({product.pk: 3}), source="order:1")
    with pytest.raises(StockRefused, match="MUG-R: 10 on hand, 3 reserved"):
        adjust_stock(actor=CLERK, product=product, note="stocktaking", **how)
    assert product.movements.filter(reason="adjustment").count() == 0


def test_services_carry_no_stock():
    service = a_service()
    with pytest.raises(NotStocked):
        receive_stock(actor=CLERK, product=service, quantity=1)
    with pytest.raises(NotStocked):
        adjust_stock(actor=CLERK, product=service, note="stocktaking", counted=1)
    assert hold_for_sale({service.pk: 1000}) == []


def test_reserved_goods_are_promised_released_and_shipped_line_by_line():
    product = a_product(opening_stock=10)
    held = hold_for_sale({product.pk: 4})
    reserve_stock(actor=CLERK, held=held, source="order:1")
    release_stock(actor=CLERK, held=hold_stock({product.pk: 1}), source="order:1")
    ship_stock(actor=CLERK, held=hold_stock({product.pk: 3}), source="order:1")
    product.refresh_from_db()
    assert (product.on_hand, product.reserved) == (7, 0)
    changes = StockMovement.objects.caused_by("order:1").order_by("id")
    assert list(changes.values_list("reason", "on_hand_change", "reserved_change")) == [
        ("reservation", 0, 4),
        ("release", 0, -1),
        ("fulfilment", -3, -3),
    ]


def test_goods_are_locked_in_the_order_of_their_skus():
    wanted = {a_product(sku=sku, opening_stock=5).pk: 1 for sku in ("C", "A", "B")}
    assert [item.product.sku for item in hold_for_sale(wanted)] == ["A", "B", "C"]


def test_a_shortage_names_each_sku_with_what_is_wanted_and_available():
    one, two = a_product(sku="ONE", opening_stock=1), a_product(sku="TWO")
    with pytest.raises(OutOfStock, match="ONE: 2 wanted, 1 available; TWO: 3 wanted, 0 available") as refusal:
        hold_for_sale({one.pk: 2, two.pk: 3})
    assert refusal.value.data["shortages"] == [
        {"sku": "ONE", "wanted": 2, "available": 1},
        {"sku": "TWO", "wanted": 3, "available": 0},
    ]


@pytest.mark.parametrize("kind", Product.Kind.values)
@pytest.mark.parametrize("status", ["draft", "archived"])
def test_only_active_products_are_held_for_sale(kind: str, status: str):
    product = a_product(sku="OLD", kind=kind, status=status)
    with pytest.raises(ProductNotForSale, match=f"OLD is {status}"):
        hold_for_sale({product.pk: 1})


def test_a_reservation_of_more_than_is_there_changes_nothing_even_without_the_check_before():
    plenty, scarce = a_product(opening_stock=10), a_product(opening_stock=1)
    held = hold_stock({plenty.pk: 2, scarce.pk: 2})
    with pytest.raises(StockRefused), transaction.atomic():
        reserve_stock(actor=CLERK, held=held, source="order:1")
    assert Product.objects.filter(reserved__gt=0).count() == 0
    assert StockMovement.objects.filter(reason="reservation").count() == 0
