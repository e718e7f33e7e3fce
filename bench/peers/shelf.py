"""The rows that every side of the comparison lists."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

CATEGORIES: Final = 10
PRODUCTS: Final = 200
PAGE: Final = 20


def categories() -> Iterator[dict[str, Any]]:
    """Ten categories."""
    for number in range(CATEGORIES):
        yield {"name": f"Shelf {number}", "slug": f"shelf-{number}"}


def products() -> Iterator[dict[str, Any]]:
    """Two hundred products; the caller puts number n into category n % 10."""
    for number in range(PRODUCTS):
        yield {
            "sku": f"BENCH-{number:04d}",
            "name": f"Enamel jug, number {number}",
            "description": "White enamel with a blue rim; holds a litre and a half. " * 2,
            "price": Decimal(number * 7 + 199) / 100,
            "currency": "EUR",
            "on_hand": 40 + number,
            "reserved": number % 7,
            "low_stock_at": 10 if number % 3 else None,
        }
