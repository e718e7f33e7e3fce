"""Options, variants and what they have of their parent."""

from decimal import Decimal
from typing import Any

import pytest

from tenant_apps.orders.services import LineInput, create_and_place_order
from tenant_apps.products.ledger import NotStocked, ProductNotForSale
from tenant_apps.products.models import Product
from tenant_apps.products.services import (
    SkuTaken,
    archive_product,
    create_category,
    create_product,
    receive_stock,
    restore_product,
    update_product,
)
from tenant_apps.products.variants import (
    HasStock,
    HasVariants,
    VariantTaken,
    generate_variants,
    set_options,
    update_variants,
)
from tenants.audit.models import AuditEntry
from tenants.errors import Invalid
from tests.products.builders import CLERK, a_product

pytestmark = pytest.mark.usefixtures("inside")
SIZES = {"name": "Size", "values": ["S", "M"]}
COLOURS = {"name": "Colour", "values": ["Red", "Ink blue"]}


def a_parent(*options: dict[str, Any], **fields: Any) -> Product:
    product = a_product(**{"sku": "TEE", "name": "Tee", "description": "Cotton", **fields})
    return set_options(actor=CLERK, product=product, options=options or (SIZES, COLOURS))


def test_missing_variants_are_made_as_copies_of_the_parent() -> None:
    category = create_category(actor=CLERK, name="Shirts")
    parent = a_parent(category=category, price=Decimal("20.00"))
    red = create_product(
        actor=CLERK, sku="tee-s-red", parent=parent, option_values={"Size": "S", "Colour": "Red"}
    )
    made = generate_variants(actor=CLERK, product=parent)
    assert [variant.sku for variant in made] == ["TEE-S-INK-BLUE", "TEE-M-RED", "TEE-M-INK-BLUE"]
    assert generate_variants(actor=CLERK, product=parent) == []
    for variant in Product.objects.variants_of(parent):
        assert (variant.price, variant.category, variant.description) == (Decimal(20), category, "Cotton")
    assert red.name == "Tee – S / Red"
    assert AuditEntry.objects.about(made[0]).get().data["parent"] == str(parent.pk)


def test_a_variant_has_of_its_parent_what_it_says_nothing_about() -> None:
    parent = a_parent()
    variants = generate_variants(actor=CLERK, product=parent)
    update_product(actor=CLERK, product=variants[0], name="Small red", description="Wool")
    update_product(actor=CLERK, product=parent, name="Shirt", description="Linen")
    own, other = (Product.objects.get(pk=variant.pk) for variant in variants[:2])
    assert (own.name, own.description, own.inherits) == ("Small red", "Wool", ["category"])
    assert (other.name, other.description) == ("Shirt – S / Ink blue", "Linen")
    silent = update_product(actor=CLERK, product=own, name="", description="")
    assert (silent.name, silent.description) == ("Shirt – S / Red", "Linen")


def test_a_parent_is_shown_and_not_sold() -> None:
    parent = a_parent()
    variant = generate_variants(actor=CLERK, product=parent)[0]
    assert parent in Product.objects.listed()
    assert variant not in Product.objects.listed()
    assert set(Product.objects.active()) == set(Product.objects.variants_of(parent))
    with pytest.raises(ProductNotForSale, match="TEE is sold as its variants"):
        create_and_place_order(actor=CLERK, lines=[LineInput(parent.pk, 1)])
    with pytest.raises(NotStocked, match="sold as its variants"):
        receive_stock(actor=CLERK, product=parent, quantity=1)
    receive_stock(actor=CLERK, product=variant, quantity=1)
    assert (
        create_and_place_order(actor=CLERK, lines=[LineInput(variant.pk, 1)]).lines.get().sku == variant.sku
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([SIZES] * 4, "at most 3 options"),
        ([SIZES, {"name": "size", "values": ["L"]}], "Two options are the same"),
        ([{"name": "Size", "values": ["S", "s"]}], "Two values of Size are the same"),
        ([{"name": "Size", "values": []}], "1 to 50 values"),
        ([{"name": " ", "values": ["S"]}], "empty"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, text: str) -> None:
    with pytest.raises(Invalid, match=text):
        set_options(actor=CLERK, product=a_product(), options=options)


def test_options_keep_what_variants_and_stock_need() -> None:
    with pytest.raises(HasStock, match="7 on hand"):
        set_options(actor=CLERK, product=a_product(opening_stock=7), options=[SIZES])
    parent = a_parent(SIZES)
    variant = generate_variants(actor=CLERK, product=parent)[0]
    with pytest.raises(HasVariants, match="TEE-S"):
        set_options(actor=CLERK, product=parent, options=[{"name": "Size", "values": ["M", "L"]}])
    with pytest.raises(HasVariants):
        set_options(actor=CLERK, product=parent, options=[])
    with pytest.raises(Invalid, match="no options of its own"):
        set_options(actor=CLERK, product=variant, options=[COLOURS])
    wider = set_options(actor=CLERK, product=parent, options=[{"name": "Size", "values": ["S", "M", "L"]}])
    assert [made.sku for made in generate_variants(actor=CLERK, product=wider)] == ["TEE-L"]
    assert not set_options(actor=CLERK, product=a_parent(SIZES, sku="B"), options=[]).is_parent


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"Size": "S"}, VariantTaken),
        ({"Size": "XXL"}, Invalid),
        ({"Colour": "Red"}, Invalid),
        ({}, Invalid),
    ],
)
def test_a_variant_fits_the_options_and_is_there_once(values: Any, error: Any) -> None:
    parent = a_parent(SIZES)
    generate_variants(actor=CLERK, product=parent)
    with pytest.raises(error) as refused:
        create_product(actor=CLERK, sku="OTHER", parent=parent, option_values=values)
    assert refused.value.field == "option_values"


def test_skus_that_are_in_use_are_named_whoever_makes_them() -> None:
    parent = a_parent(SIZES)
    a_product(sku="TEE-M")
    with pytest.raises(VariantTaken, match="TEE-M"):
        generate_variants(actor=CLERK, product=parent)
    with pytest.raises(SkuTaken):
        create_product(actor=CLERK, sku="tee-m", parent=parent, option_values={"Size": "S"})
    many = [{"name": name, "values": [str(number) for number in range(11)]} for name in "AB"]
    with pytest.raises(Invalid, match="121 variants; at most 100"):
        generate_variants(actor=CLERK, product=a_parent(*many, sku="MANY"))


def test_a_parent_is_archived_and_restored_with_its_variants() -> None:
    parent = a_parent(SIZES)
    generate_variants(actor=CLERK, product=parent)
    archive_product(actor=CLERK, product=parent)
    assert not Product.objects.live().filter(parent=parent).exists()
    restored = restore_product(actor=CLERK, product=parent)
    assert restored.is_live
    assert Product.objects.active().filter(parent=parent).count() == 2


def test_a_table_of_variants_is_written_whole_or_not_at_all() -> None:
    parent = a_parent(SIZES)
    small, medium = generate_variants(actor=CLERK, product=parent)
    update_variants(
        actor=CLERK,
        product=parent,
        rows={small.pk: {"price": Decimal("8.00")}, medium.pk: {"status": "draft"}},
    )
    assert Product.objects.get(pk=small.pk).price == Decimal("8.00")
    assert Product.objects.get(pk=medium.pk).status == "draft"
