"""The reports. Amounts are in the tenant's currency, days are those of its calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from tenant_apps.reports import statements
from tenant_apps.reports.models import Stand
from tenant_apps.reports.services import BEGINNING
from tenant_apps.reports.spans import Comparison, Interval, Span
from tenants.context import current_tenant

ZERO: Final = Decimal("0.00")


@dataclass(frozen=True)
class Sales:
    """What was sold. `net` is what is left when credits and refunds are taken off; tax is a part of it."""

    orders: int = 0
    gross: Decimal = ZERO
    credits: Decimal = ZERO
    refunded: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def given_back(self) -> Decimal:
        """Credits and refunds together."""
        return self.credits + self.refunded

    @property
    def net(self) -> Decimal:
        return self.gross - self.given_back

    @property
    def average(self) -> Decimal | None:
        """What an order brought on average; unknown without orders."""
        return round(self.gross / self.orders, 2) if self.orders else None

    def __add__(self, other: Sales) -> Sales:
        return Sales(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Sales)))


@dataclass(frozen=True)
class Period:
    """One day, week or month, and the one that it is compared with."""

    start: date
    sales: Sales
    before: Sales | None


@dataclass(frozen=True)
class SalesReport:
    """Sales over time."""

    span: Span
    interval: Interval
    compared_with: Span | None
    periods: list[Period]
    total: Sales
    before: Sales | None

    @property
    def trend(self) -> Decimal | None:
        """By how many per cent the net sales have changed; unknown without sales before."""
        if self.before is None or self.before.net <= 0:
            return None
        return round((self.total.net - self.before.net) / self.before.net * 100, 1)


@dataclass(frozen=True)
class SoldProduct:
    """A product by what it sold; `share` is per cent of all products' amount."""

    rank: int
    id: UUID
    sku: str
    name: str
    units: int
    amount: Decimal
    share: Decimal


@dataclass(frozen=True)
class Buyer:
    """A customer by what they spent; `cumulative` is the share of this and all better ones, in per cent."""

    rank: int
    id: UUID
    name: str
    orders: int
    amount: Decimal
    cumulative: Decimal


@dataclass(frozen=True)
class Cohort:
    """Customers who bought first in a month, and how many of them bought in each month since."""

    month: date
    customers: int
    later: list[int]


@dataclass(frozen=True)
class Shelf:
    """The stock of one category. `at_cost` leaves out goods whose cost nobody has written down."""

    id: UUID | None
    name: str
    products: int
    units: int
    at_price: Decimal
    at_cost: Decimal | None
    without_cost: int


def sales_report(span: Span, interval: Interval, comparison: Comparison | None = None) -> SalesReport:
    """Sales of each period of a span; periods without sales are there as well."""
    now = _by_period(span, interval)
    other = span.compared(comparison) if comparison else None
    before = _by_period(other, interval) if other else {}
    others = list(other.starts(interval)) if other else []
    periods = [
        Period(start, now.get(start, Sales()), before.get(others[n], Sales()) if n < len(others) else None)
        for n, start in enumerate(span.starts(interval))
    ]
    return SalesReport(
        span, interval, other, periods, _sum(now.values()), _sum(before.values()) if other else None
    )


def top_products(span: Span, limit: int) -> list[SoldProduct]:
    """Products by amount sold, the best first."""
    return [SoldProduct(**row) for row in _rows(statements.PRODUCTS, **_of(span), limit=limit)]


def best_customers(span: Span, limit: int) -> list[Buyer]:
    """Customers by what they spent, refunds taken off, the best first."""
    return [Buyer(**row) for row in _rows(statements.CUSTOMERS, **_of(span), limit=limit)]


def cohorts(span: Span) -> list[Cohort]:
    """Customers by the month of their first order, for each month of which a day is within the span."""
    found: dict[date, list[int]] = {}
    for row in _rows(statements.COHORTS, **_of(span)):
        months = found.setdefault(row["cohort"], [])
        months += [0] * (row["later"] - len(months)) + [row["customers"]]
    return [Cohort(month, later[0], later) for month, later in found.items()]


def stock_value() -> list[Shelf]:
    """What lies on the shelves now, by category."""
    return [Shelf(**row) for row in _rows(statements.STOCK, currency=current_tenant().currency)]


def _by_period(span: Span, interval: Interval) -> dict[date, Sales]:
    rows = _rows(statements.PERIODS, **_of(span), interval=interval.value)
    return {row.pop("start"): Sales(**row) for row in rows}


def _sum(sales: Iterable[Sales]) -> Sales:
    return sum(sales, Sales())


def _of(span: Span) -> dict[str, Any]:
    """The parameters that all statements share."""
    tenant, stand = current_tenant(), Stand.objects.first()
    # In another zone the days that were rolled up are other days.
    sound = stand if stand is not None and stand.time_zone == tenant.time_zone else None
    return {
        "first": span.first,
        "last": span.last,
        "zone": tenant.time_zone,
        "currency": tenant.currency,
        "through": sound.through if sound else BEGINNING,
        "is_sound": sound is not None,
    }


def _rows(statement: str, **values: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
