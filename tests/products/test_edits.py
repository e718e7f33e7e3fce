"""One change for many products, and the way back."""

from decimal import Decimal

import pytest

from tenant_apps.products.edits import Change, edit_products, undo_edit
from tenant_apps.products.models import Product
from tenant_apps.products.services import create_category, update_product
from tenant_apps.products.variants import generate_variants, set_options
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, unit_of_work
from tenants.errors import Invalid, NotFound
from tests.products.builders import CLERK, a_product


def prices(tenant: Tenant) -> dict[str, Decimal]:
    with unit_of_work(tenant):
        return dict(Product.objects.order_by("sku").values_list("sku", "price"))


def test_prices_change_to_the_cent_and_come_back(acme: Tenant) -> None:
    with unit_of_work(acme):
        products = [a_product(sku=sku, price=Decimal(price)) for sku, price in (("A", "9.99"), ("B", "0.05"))]
        ids = [product.pk for product in products]
        edited = edit_products(actor=CLERK, products=ids, change=Change(price_percent=Decimal(-10)))
        entry = AuditEntry.objects.about(products[0]).first()
    assert edited.changed == 1
    assert prices(acme) == {"A": Decimal("8.99"), "B": Decimal("0.05")}
    assert entry is not None
    assert entry.data == {"changes": {"price": ["9.99", "8.99"]}}
    with unit_of_work(acme):
        assert undo_edit(actor=CLERK, undo=edited.undo or "") == 1
    assert prices(acme)["A"] == Decimal("9.99")
    with unit_of_work(acme), pytest.raises(NotFound, match="taken back already"):
        undo_edit(actor=CLERK, undo=edited.undo or "")


def test_what_somebody_changed_since_is_not_taken_back(acme: Tenant) -> None:
    with unit_of_work(acme):
        ids = [a_product(sku=sku, price=Decimal(10)).pk for sku in ("A", "B")]
        edited = edit_products(
            actor=CLERK, products=ids, change=Change(price_by=Decimal(1), add_tags=("Sale",))
        )
    with unit_of_work(acme):
        update_product(actor=CLERK, product=Product.objects.get(sku="A"), price=Decimal(5))
    with unit_of_work(acme):
        assert undo_edit(actor=CLERK, undo=edited.undo or "") == 1
        assert list(Product.objects.order_by("sku").values_list("sku", "price", "tags")) == [
            ("A", Decimal(5), ["sale"]),
            ("B", Decimal(10), []),
        ]


def test_another_tenant_s_word_takes_nothing_back(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(globex):
        change = Change(status="draft")
        edited = edit_products(actor=CLERK, products=[a_product(sku="A").pk], change=change)
    with unit_of_work(acme), pytest.raises(NotFound):
        undo_edit(actor=CLERK, undo=edited.undo or "")


@pytest.mark.usefixtures("inside")
def test_variants_follow_their_parent() -> None:
    category = create_category(actor=CLERK, name="Shirts")
    parent = set_options(
        actor=CLERK, product=a_product(sku="TEE"), options=[{"name": "Size", "values": ["S", "M"]}]
    )
    generate_variants(actor=CLERK, product=parent)
    change = Change(status="archived", category=category)
    assert edit_products(actor=CLERK, products=[parent.pk], change=change).changed == 3
    assert set(Product.objects.values_list("status", "category")) == {("archived", category.pk)}


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change(), "Say what to change"),
        (Change(price_percent=Decimal(1), price_by=Decimal(1)), "not both"),
        (Change(price_by=Decimal(-10)), "MUG-X would fall below 0"),
        (Change(price_by=Decimal(9999999999)), "between 0.00 and"),
        (Change(status="sold"), "is no status"),
    ],
)
def test_a_change_that_cannot_be_is_refused_for_all(change: Change, text: str) -> None:
    products = [a_product(sku="MUG-X", price=Decimal(9)), a_product(price=Decimal(100))]
    with pytest.raises(Invalid, match=text):
        edit_products(actor=CLERK, products=[product.pk for product in products], change=change)
    assert {product.price for product in Product.objects.all()} == {Decimal(9), Decimal(100)}
