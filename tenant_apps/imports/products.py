"""Files of products: each row makes a product or changes the one that has its SKU."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from tenant_apps.imports.models import Import
from tenant_apps.imports.rows import (
    PRICE,
    Reason,
    RowRejected,
    parse_sku,
    parse_text,
    shown,
    without_fraction,
)
from tenant_apps.imports.staging import Accepted
from tenant_apps.imports.upserts import WORKER, RecordReader, Upsert, parse_words
from tenant_apps.products.many import put_products
from tenant_apps.products.models import Category, Product
from tenant_apps.products.putting import Given
from tenant_apps.products.services import create_category, update_product, withdraw_product
from tenants.errors import DomainError

LONGEST_DESCRIPTION: Final = 20_000
PRICES: Final = ("price", "compare_at_price", "cost_price")
WORDS: Final = ("status", "tax_class", "kind")


class ProductReader(RecordReader):
    """Reads the rows of one file of products."""

    key = "sku"

    def parse_key(self, text: str) -> str:
        return parse_sku(text)

    def parse(self, name: str, text: str) -> Any:
        what = name.replace("_", " ")
        if name in PRICES:
            return _amount(text, what, self.separator)
        if name == "low_stock_at":
            return _whole(text, what)
        if name == "tags":
            return parse_words(text, what)
        if name == "description":
            return _paragraphs(text, what)
        plain = parse_text(text, what, 200)
        return plain.lower() if name in WORDS else plain


def _amount(text: str, what: str, separator: str) -> Decimal:
    plain = text.strip()
    if separator != ".":
        plain = plain.replace(".", " ").replace(separator, ".")
    if PRICE.fullmatch(plain) is None:
        raise RowRejected(
            Reason.PRICE_INVALID,
            f"The {what} “{shown(text)}” is no amount such as 1234{separator}50: "
            "leave out the currency and any thousands separator.",
        )
    return Decimal(plain)


def _whole(text: str, what: str) -> int:
    plain = without_fraction(text.strip())
    if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
        raise RowRejected(Reason.NUMBER_INVALID, f"The {what} “{shown(text)}” is no whole number.")
    return int(plain)


def _paragraphs(text: str, what: str) -> str:
    lines = [parse_text(line, what, LONGEST_DESCRIPTION) for line in text.splitlines()]
    return "\n".join(lines).strip()


class _Resolver:
    """Makes rows of one chunk into what the verb takes: names of categories become categories, new ones if need be."""

    def __init__(self, job: Import) -> None:
        self._currency = job.options["currency"]
        self._categories: dict[str, list[Category]] = defaultdict(list)
        for category in Category.objects.all():
            self._categories[category.name.lower()].append(category)

    def __call__(self, entry: Accepted) -> Given:
        values = {"currency": self._currency, **entry.row}
        sku = values.pop("sku")
        if "category" in values:
            values["category"] = self._category(values["category"])
        return Given(sku, values)

    def _category(self, name: str) -> Category:
        found = self._categories[name.lower()]
        if len(found) > 1:
            raise RowRejected(
                Reason.CATEGORY_AMBIGUOUS,
                f"Several categories are called “{shown(name)}”. Rename all but one.",
            )
        if not found:
            found.append(_new_category(name))
        return found[0]


def _new_category(name: str) -> Category:
    try:
        with transaction.atomic():
            return create_category(actor=WORKER, name=name)
    except DomainError as error:
        raise RowRejected(Reason.REFUSED, error.detail) from error


# Undoing


def _find(pk: UUID) -> Product | None:
    return Product.objects.select_for_update(no_key=True).filter(pk=pk).first()


def _restore(product: Product, before: Mapping[str, Any]) -> None:
    values: Any = {
        name: Decimal(value) if name in PRICES and value is not None else value
        for name, value in before.items()
    }
    if values.get("category"):
        values["category"] = Category.objects.filter(pk=values["category"]).first()
    update_product(actor=WORKER, product=product, **values)


PRODUCTS: Final = Upsert(
    noun="product",
    reader=ProductReader,
    phase=Import.Phase.PRODUCTS,
    resolver=_Resolver,
    put=put_products,
    find=_find,
    withdraw=lambda product: withdraw_product(actor=WORKER, product=product),
    restore=_restore,
)
