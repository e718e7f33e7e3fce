"""The figures of the home page: what was sold, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Case, Count, F, Q, Sum, When
from django.db.models.functions import TruncDate
from django.utils.formats import date_format

from tenant_apps.orders.models import Order
from tenant_apps.orders.payments.counting import given_back
from tenants.charts import BarChart, Point, bar_chart
from tenants.formats import SYMBOLS, local, money, tenant_zone, today

DAYS: Final = 30
ZERO: Final = Decimal(0)
NET: Final = Sum(
    Case(
        When(kind=Order.Kind.CANCELLATION, then=-F("total")),
        default=F("total") - given_back(),
    )
)


@dataclass(frozen=True)
class Sales:
    """Thirty days of sales in the tenant's currency, credits deducted."""

    from_day: date
    to_day: date
    total: Decimal
    orders: int
    before: Decimal
    latest: date | None
    chart: BarChart
    is_past: bool

    @property
    def window(self) -> str:
        """The days in words."""
        return "30 days" if self.is_past else "last 30 days"

    @property
    def trend(self) -> int | None:
        """By how many per cent the thirty days before were surpassed; unknown when they had no sales."""
        return round((self.total - self.before) / self.before * 100) if self.before > 0 else None

    @property
    def average(self) -> Decimal | None:
        return self.total / self.orders if self.orders else None


def sales_until(day: date, currency: str) -> Sales:
    """The thirty days that end with this day, and how they compare."""
    days = [day - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    by_day = _net_by_day(days[0], day, currency)
    this_day = today().date()
    return Sales(
        from_day=days[0],
        to_day=day,
        total=sum((net for net, _ in by_day.values()), ZERO),
        orders=sum(count for _, count in by_day.values()),
        before=_net(days[0] - timedelta(days=DAYS), days[0] - timedelta(days=1), currency),
        latest=None if by_day else _latest(),
        chart=bar_chart(_points(days, by_day, currency, this_day), unit=f"{_sign(currency)} a day"),
        is_past=day != this_day,
    )


def _points(
    days: list[date], by_day: Mapping[date, tuple[Decimal, int]], currency: str, this_day: date
) -> list[Point]:
    return [
        Point(
            date_format(day, "j M"),
            (net := by_day.get(day, (ZERO, 0))[0]),
            money(net, currency),
            is_partial=day == this_day,
        )
        for day in days
    ]


def _sold(first: date, last: date, currency: str) -> Q:
    return Q(
        placed_at__gte=_midnight(first),
        placed_at__lt=_midnight(last + timedelta(days=1)),
        currency=currency,
    ) & ~Q(status=Order.Status.CANCELLED)


def _net_by_day(first: date, last: date, currency: str) -> dict[date, tuple[Decimal, int]]:
    rows = (
        Order.objects.filter(_sold(first, last, currency))
        .order_by()
        .values(day=TruncDate("placed_at", tzinfo=tenant_zone()))
        .annotate(net=NET, sales=Count("pk", filter=Q(kind=Order.Kind.SALE)))
    )
    return {row["day"]: (row["net"], row["sales"]) for row in rows}


def _net(first: date, last: date, currency: str) -> Decimal:
    return Order.objects.filter(_sold(first, last, currency)).aggregate(net=NET)["net"] or ZERO


def _latest() -> date | None:
    order = Order.objects.placed().order_by("-placed_at", "-pk").first()
    return local(order.placed_at).date() if order and order.placed_at else None


def _midnight(day: date) -> datetime:
    # The wall clock's midnight of that very day: a day may have 23 or 25 hours.
    return datetime.combine(day, time.min, tzinfo=tenant_zone())


def _sign(currency: str) -> str:
    return SYMBOLS.get(currency, currency)


@dataclass(frozen=True)
class Waiting:
    """How many orders stand at the stages where somebody has to do something."""

    drafts: int
    to_be_paid: int
    to_fulfil: int

    @property
    def open(self) -> int:
        return self.to_be_paid + self.to_fulfil


def waiting_orders() -> Waiting:
    """Count the drafts, the placed and the paid orders."""
    status = Order.Status
    stages = (status.DRAFT, status.PLACED, status.PAID)
    rows = Order.objects.filter(status__in=stages).order_by().values_list("status").annotate(Count("pk"))
    found = dict(rows)
    return Waiting(*(found.get(stage, 0) for stage in stages))
