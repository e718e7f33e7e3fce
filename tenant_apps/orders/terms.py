"""What an order says besides its lines: whose it is, discount, delivery, tax place, tags and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, TypedDict

from tenant_apps.orders.customers.countries import clean_country
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.standing import buyer
from tenant_apps.orders.models import Order
from tenant_apps.orders.totals import HUNDRED, ZERO
from tenant_apps.products.writing import clean_choice, clean_line, clean_text, rounded
from tenants.errors import Invalid

MOST_TAGS: Final = 20
LONGEST_TAG: Final = 40
HIGHEST_AMOUNT: Final = Decimal("999999999.99")


class AlwaysChanges(TypedDict, total=False):
    """What of an order may change at any time."""

    note: str
    tags: Iterable[str]
    external_reference: str | None


class AmountTerms(TypedDict, total=False):
    """What an order costs besides its lines. An empty kind means no discount."""

    discount_kind: str
    discount_value: Decimal
    discount_reason: str
    shipping_description: str
    shipping_total: Decimal


class DraftChanges(AlwaysChanges, AmountTerms, total=False):
    """What of a draft may change besides its lines."""

    customer: Customer | None
    tax_country: str
    tax_region: str


class DraftFields(DraftChanges, total=False):
    """What an order begins with."""

    source: str


ALWAYS: Final = frozenset(AlwaysChanges.__annotations__)
# What others bring with them.
FOLLOWING: Final = ("discount_reason", "tax_country", "tax_region")
# A change of these makes other amounts.
PRICED: Final = frozenset(
    "customer tax_country tax_region discount_kind discount_value shipping_total shipping_description".split()
)


def apply_terms(order: Order, given: DraftFields | DraftChanges | AmountTerms) -> list[str]:
    """Put the cleaned terms on the order; returns the names of those that differ."""
    customer = order.customer_id
    before = {name: getattr(order, name) for name in (*given, *FOLLOWING)}
    for name, value in given.items():
        setattr(order, name, CLEANERS[name](value))
    if order.customer_id != customer and "tax_country" not in given:
        order.tax_country = order.tax_region = ""
    _check_discount(order)
    if order.tax_region and not order.tax_country:
        raise Invalid("A region needs its country. Give tax_country as well.", field="tax_country")
    return [name for name, value in before.items() if getattr(order, name) != value]


def _check_discount(order: Order) -> None:
    if not order.discount_kind:
        if order.discount_value:
            raise Invalid(
                "Say what the discount is: amount, or percent. An empty kind takes it away.",
                field="discount_kind",
            )
        order.discount_reason = ""
    elif not order.discount_value:
        raise Invalid("A discount of nothing is none. Give a value above 0.", field="discount_value")
    elif order.discount_kind == Order.DiscountKind.PERCENT and order.discount_value > HUNDRED:
        raise Invalid(f"A discount is at most 100 %, not {order.discount_value}.", field="discount_value")


def clean_amount(amount: Decimal, *, field: str) -> Decimal:
    """Money in whole cents, not negative."""
    if not amount.is_finite() or not 0 <= amount <= HIGHEST_AMOUNT or amount != rounded(amount):
        raise Invalid(
            f"Give an amount from 0.00 to {HIGHEST_AMOUNT} with at most two decimals, not {amount}.",
            field=field,
        )
    return rounded(amount)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags in small letters, each once, in their order."""
    cleaned = [clean_line(tag, field="tags", most=LONGEST_TAG).lower() for tag in tags]
    found = list(dict.fromkeys(cleaned))
    if len(found) > MOST_TAGS:
        raise Invalid(f"An order has at most {MOST_TAGS} tags, not {len(found)}.", field="tags")
    return found


def clean_reference(reference: str | None) -> str | None:
    """Another system's name of the order; none when it is empty."""
    return clean_line(reference or "", field="external_reference", most=64, needed=False) or None


def _line(field: str, most: int) -> Callable[[str], str]:
    return lambda text: clean_line(text, field=field, most=most, needed=False)


def _discount_kind(kind: str) -> str:
    return clean_choice(kind, Order.DiscountKind, field="discount_kind") if kind else ""


CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "customer": buyer,
    "note": lambda note: clean_text(note, field="note"),
    "tags": clean_tags,
    "external_reference": clean_reference,
    "source": lambda source: clean_choice(source, Order.Source, field="source"),
    "tax_country": lambda code: clean_country(code, field="tax_country") if code else "",
    "tax_region": _line("tax_region", 100),
    "discount_kind": _discount_kind,
    "discount_value": lambda value: clean_amount(value or ZERO, field="discount_value"),
    "discount_reason": _line("discount_reason", 200),
    "shipping_description": _line("shipping_description", 200),
    "shipping_total": lambda amount: clean_amount(amount or ZERO, field="shipping_total"),
}
