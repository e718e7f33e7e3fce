"""Options of a product and the variants that they make. A variant is a product; its parent is shown, not sold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any, Final, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from tenant_apps.products.models import MOST_OPTIONS, Product
from tenant_apps.products.writing import clean_line, locked, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid

MOST_VARIANTS: Final = 100
MOST_VALUES: Final = 50
INHERITED: Final = ("name", "description", "category")


class Option(TypedDict):
    """One way in which variants differ, such as Size, and what it can be."""

    name: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class Made:
    """Variants that were made together."""

    variants: list[Product]

    @property
    def made(self) -> int:
        return len(self.variants)


class VariantTaken(Conflict):
    code = "variant_taken"
    title = "A variant with these values exists"


class HasVariants(Conflict):
    code = "has_variants"
    title = "Variants use what would go"


class HasStock(Conflict):
    code = "has_stock"
    title = "The product has stock of its own"


@transaction.atomic
def set_options(*, actor: Actor, product: Product, options: Sequence[Mapping[str, Any]]) -> Product:
    """Say how variants of a product differ; with none, and without variants, it is sold itself again."""
    product = locked(product)
    if product.is_variant:
        raise Invalid("A variant has no options of its own. Change those of its parent.", field="options")
    wanted = _clean_options(options)
    if product.options == (wanted or None):
        return product
    _require_fitting(product, wanted)
    before, product.options = product.options, wanted or None
    product.low_stock_at = None if wanted else product.low_stock_at
    product.save(update_fields=["options", "low_stock_at", "updated_at"])
    record(
        actor=actor,
        verb="product.updated",
        target=product,
        data={"changes": {"options": [before, product.options]}},
    )
    return product


@transaction.atomic
def generate_variants(*, actor: Actor, product: Product) -> list[Product]:
    """Make every variant that the options allow and that is not there yet, as copies of the parent."""
    parent = require_parent(locked(product))
    known = [variant.option_values for variant in parent.variants.all()]
    missing = [values for values in _combinations(parent.options or []) if values not in known]
    if len(known) + len(missing) > MOST_VARIANTS:
        raise Invalid(
            f"The options make {len(known) + len(missing)} variants; at most {MOST_VARIANTS} are possible. "
            "Leave values out, or make the variants that you sell one by one.",
            field="options",
        )
    made = [_drafted(parent, values) for values in missing]
    skus = ", ".join(sorted(variant.sku for variant in made))
    with refused_as(
        VariantTaken(f"One of these SKUs is in use by another product: {skus}. Rename that one.")
    ):
        Product.objects.bulk_create(made)
    for variant in made:
        tell_variant(actor, parent, variant)
    return made


def require_parent(product: Product) -> Product:
    """Refuse a product without options."""
    if not product.is_parent:
        raise Invalid(
            f"{product.sku} has no options. Give it some first, such as Size with the values S and M.",
            field="options",
        )
    return product


def become_variant(product: Product, parent: Product, values: Mapping[str, str]) -> None:
    """Put a new product below a parent that is locked; it takes what is for all variants alike."""
    require_parent(parent)
    product.option_values = _clean_values(parent, values)
    product.parent, product.kind, product.currency = parent, parent.kind, parent.currency
    if parent.variants.count() >= MOST_VARIANTS:
        raise Invalid(f"A product has at most {MOST_VARIANTS} variants.", field="parent")


def inherit(product: Product, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of a variant, with what it says nothing about taken from the parent."""
    parent = product.parent
    if parent is None:
        return changes
    said = {field: changes[field] for field in INHERITED if field in changes}
    silent = {field for field, value in said.items() if value in (None, "")}
    kept = [field for field in product.inherits if field not in said]
    inherits = sorted({*kept, *silent})
    return {**changes, **{field: inherited(parent, product, field) for field in silent}, "inherits": inherits}


def inherited(parent: Product, variant: Product, field: str) -> Any:
    """What a variant has of its parent's name, description or category."""
    return variant_name(parent, variant.option_values or {}) if field == "name" else getattr(parent, field)


def variant_name(parent: Product, values: Mapping[str, str]) -> str:
    """The parent's name with the values behind it, short enough for the column."""
    tail = " – " + " / ".join(values.values())
    return parent.name[: max(200 - len(tail), 1)] + tail[:199]


def hand_down(parent: Product, fields: Iterable[str]) -> None:
    """Let variants have what was changed on their parent, where they say nothing themselves."""
    changed = set(fields) & set(INHERITED)
    if not parent.is_parent or not changed:
        return
    variants = list(parent.variants.filter(inherits__overlap=sorted(changed)).order_by("sku"))
    now = timezone.now()
    for variant in variants:
        for field in changed & set(variant.inherits):
            setattr(variant, field, inherited(parent, variant, field))
        variant.updated_at = now
    Product.objects.bulk_update(variants, [*sorted(changed), "updated_at"])


def tell_variant(actor: Actor, parent: Product, variant: Product) -> None:
    """Write down that a variant was made."""
    data = {"sku": variant.sku, "name": variant.name, "parent": str(parent.pk)}
    record(actor=actor, verb="product.created", target=variant, data=data)


def _drafted(parent: Product, values: dict[str, str]) -> Product:
    return Product(
        sku=_free_sku(parent, values),
        name=variant_name(parent, values),
        description=parent.description,
        category_id=parent.category_id,
        inherits=sorted(INHERITED),
        kind=parent.kind,
        tax_class=parent.tax_class,
        price=parent.price,
        compare_at_price=parent.compare_at_price,
        cost_price=parent.cost_price,
        currency=parent.currency,
        status=parent.status,
        language=parent.language,
        parent=parent,
        option_values=values,
    )


def _free_sku(parent: Product, values: Mapping[str, str]) -> str:
    tail = "-".join(slugify(value, allow_unicode=True).upper() or "X" for value in values.values())[:40]
    return f"{parent.sku[: 63 - len(tail)]}-{tail}"


def _combinations(options: Sequence[Option]) -> Iterator[dict[str, str]]:
    names = [option["name"] for option in options]
    for values in combinations(*(option["values"] for option in options)):
        yield dict(zip(names, values, strict=True))


def _clean_options(options: Sequence[Mapping[str, Any]]) -> list[Option]:
    if len(options) > MOST_OPTIONS:
        raise Invalid(f"A product has at most {MOST_OPTIONS} options, not {len(options)}.", field="options")
    wanted = [
        Option(
            name=clean_line(option["name"], field="options", most=40),
            values=[clean_line(value, field="options", most=60) for value in option["values"]],
        )
        for option in options
    ]
    _refuse_twins([option["name"] for option in wanted], "options")
    for option in wanted:
        _refuse_twins(option["values"], f"values of {option['name']}")
        if not 1 <= len(option["values"]) <= MOST_VALUES:
            raise Invalid(f"An option has 1 to {MOST_VALUES} values.", field="options")
    return wanted


def _refuse_twins(words: list[str], what: str) -> None:
    if len({word.casefold() for word in words}) != len(words):
        raise Invalid(f"Two {what} are the same, whatever their case. Keep one of them.", field="options")


def _require_fitting(product: Product, wanted: list[Option]) -> None:
    """Refuse options that variants, or stock, which are there already do not fit."""
    if wanted and (product.on_hand or product.reserved):
        raise HasStock(
            f"{product.sku} has {product.on_hand} on hand. A product with variants has no stock of its own: adjust it "
            "to 0 first, and receive it on the variants.",
            field="options",
        )
    allowed = list(_combinations(wanted)) if wanted else []
    lost = [variant.sku for variant in product.variants.all() if variant.option_values not in allowed]
    if lost:
        raise HasVariants(
            f"These variants would have no place any more: {', '.join(lost[:10])}. Options may get further values; "
            "a value that a variant has, and the number of options, stay.",
            field="options",
            skus=lost,
        )


def _clean_values(parent: Product, values: Mapping[str, str]) -> dict[str, str]:
    options: list[Option] = parent.options or []
    if {option["name"] for option in options} != set(values):
        names = ", ".join(option["name"] for option in options)
        raise Invalid(f"Give one value for each of: {names}.", field="option_values")
    for option in options:
        if values[option["name"]] not in option["values"]:
            known = ", ".join(option["values"])
            raise Invalid(
                f"{values[option['name']]!r} is no {option['name']} of {parent.sku}. Choose one of: {known}.",
                field="option_values",
            )
    return {option["name"]: values[option["name"]] for option in options}


@transaction.atomic
def update_variants(
    *, actor: Actor, product: Product, rows: Mapping[UUID, Mapping[str, Any]]
) -> list[Product]:
    """Change several variants of one product at once: all, or none where one is refused."""
    from tenant_apps.products.services import update_product

    found = {variant.pk: variant for variant in Product.objects.variants_of(product).filter(pk__in=rows)}
    ordered = sorted(found.values(), key=lambda variant: variant.sku)
    return [update_product(actor=actor, product=variant, **rows[variant.pk]) for variant in ordered]
