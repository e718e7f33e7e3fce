"""Reports hold what independent sums over the orders say, rolled up or not."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils import timezone

from shared_apps.clients.models import Client
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.customers.value import worth_of
from tenant_apps.orders.editing import edit_order
from tenant_apps.orders.figures import sales_until
from tenant_apps.orders.models import Customer, Order, OrderLine
from tenant_apps.orders.payments.services import refund_order
from tenant_apps.orders.services import fulfil_order
from tenant_apps.products.models import Product
from tenant_apps.reports import figures, services
from tenant_apps.reports.models import SalesDay, Stand
from tenant_apps.reports.spans import Comparison, Interval, Span
from tenants.context import Tenant, unit_of_work
from tenants.formats import today
from tenants.hosts import directory
from tests.cast import tenant_named
from tests.orders.builders import a_paid_order, lines
from tests.products.builders import CLERK, a_product

FIRST, LAST = date(2026, 2, 20), date(2026, 4, 12)  # the clocks change on the 29th of March
SPAN = Span(FIRST, LAST)
ZONE = "Europe/London"
SEED = 7


@pytest.fixture
def shop(acme: Tenant) -> Tenant:
    """A shop in London with sales, credits, refunds and calls off, many of them around midnight."""
    Client.objects.filter(pk=acme.id).update(time_zone=ZONE)
    directory.forget()
    london = tenant_named("acme")
    with unit_of_work(london):
        make_orders(random.Random(SEED))
    return london


def make_orders(dice: random.Random) -> None:
    """Rows as history brings them, without the verbs, which know only of now."""
    goods = [
        Product(sku=f"G-{n}", name=f"=Jug {n}", price=Decimal(n + 1), currency="GBP", cost_price=Decimal(n))
        for n in range(5)
    ]
    buyers = [Customer(name=f"Buyer {n}") for n in range(6)]
    Product.objects.bulk_create(goods)
    Customer.objects.bulk_create(buyers)
    orders = [an_order(dice, number, dice.choice([*buyers, None])) for number in range(1, 121)]
    Order.objects.bulk_create(orders)
    OrderLine.objects.bulk_create(line_of(order, dice.choice(goods)) for order in orders)


def an_order(dice: random.Random, number: int, customer: Customer | None) -> Order:
    at = datetime(2026, 2, 15, tzinfo=UTC) + timedelta(hours=dice.randrange(0, 60 * 24))
    total = Decimal(dice.randrange(1, 9) * 12)
    refunded = total / 2 if dice.random() < 0.2 else Decimal(0)
    return Order(
        number=number,
        kind="cancellation" if dice.random() < 0.1 else "sale",
        status="cancelled" if dice.random() < 0.1 else "paid",
        customer=customer,
        currency="USD" if dice.random() < 0.1 else "GBP",
        total=total,
        paid_total=total,
        refunded_total=refunded,
        payment_status="paid",
        placed_at=at,
    )


def line_of(order: Order, product: Product) -> OrderLine:
    return OrderLine(
        order=order,
        position=1,
        product=product,
        sku=product.sku,
        description=product.name,
        quantity=12,
        unit_price=order.total / 12,
        total=order.total,
    )


def counted() -> list[Order]:
    """The orders of the span that count, by another way than the reports'."""
    rows = Order.objects.exclude(status="cancelled").filter(currency="GBP", placed_at__isnull=False)
    return [order for order in rows.select_related("customer") if FIRST <= day_of(order) <= LAST]


def day_of(order: Order) -> date:
    assert order.placed_at is not None
    return order.placed_at.astimezone(ZoneInfo(ZONE)).date()


def worth(order: Order) -> Decimal:
    total = order.total if order.kind == "sale" else -order.total
    return total - order.refunded_total


def untouched() -> None:
    """Nothing to prepare."""


def rolled_up() -> None:
    """As after the task, of orders that have been as they are for an hour."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET updated_at = now() - interval '1 hour'")
    assert services.roll_up() > 30
    assert SalesDay.objects.exists()


def rolled_up_and_changed() -> None:
    """Some orders have changed since."""
    rolled_up()
    for order in Order.objects.filter(status="paid", kind="sale", refunded_total=0)[:9]:
        order.status = "cancelled"
        order.save()


def rolled_up_elsewhere() -> None:
    """The shop has moved since: its days were others then."""
    rolled_up()
    Stand.objects.update(time_zone="Asia/Tokyo")


@pytest.mark.parametrize("prepare", [untouched, rolled_up, rolled_up_and_changed, rolled_up_elsewhere])
def test_the_figures_are_those_of_independent_sums(shop: Tenant, prepare: Callable[[], None]) -> None:
    with unit_of_work(shop):
        prepare()
    with unit_of_work(shop):
        orders = counted()
        report = figures.sales_report(SPAN, Interval.DAY)
        for period in report.periods:
            of_day = [order for order in orders if day_of(order) == period.start]
            assert period.sales.orders == sum(order.kind == "sale" for order in of_day), period.start
            assert period.sales.net == sum(map(worth, of_day), Decimal(0)), period.start
        assert report.total.net == sum(map(worth, orders))
        for interval in Interval:
            cut = figures.sales_report(SPAN, interval)
            assert cut.total == report.total, interval
        check_products(orders)
        check_customers(orders)


def check_products(orders: list[Order]) -> None:
    amounts: dict[str, Decimal] = {}
    for order in orders:
        for line in order.lines.all():
            amounts[line.sku] = amounts.get(line.sku, Decimal(0)) + (
                line.total if order.kind == "sale" else -line.total
            )
    found = figures.top_products(SPAN, 100)
    assert {each.sku: each.amount for each in found} == amounts
    assert [each.amount for each in found] == sorted(amounts.values(), reverse=True)
    assert abs(sum((each.share for each in found), Decimal(0)) - 100) < 1


def check_customers(orders: list[Order]) -> None:
    spent: dict[Any, Decimal] = {}
    for order in orders:
        if order.customer_id:
            spent[order.customer_id] = spent.get(order.customer_id, Decimal(0)) + worth(order)
    found = figures.best_customers(SPAN, 100)
    assert {each.id: each.amount for each in found} == spent
    assert found[-1].cumulative == 100


def test_what_is_rolled_up_is_not_read_again(shop: Tenant) -> None:
    """The red control: without the rollups the figures would go on being right when they are spoilt."""
    with unit_of_work(shop):
        rolled_up()
        before = figures.sales_report(SPAN, Interval.DAY).total.gross
        SalesDay.objects.update(gross=0)
        assert figures.sales_report(SPAN, Interval.DAY).total.gross == 0 != before


def test_nothing_is_added_up_twice(shop: Tenant) -> None:
    with unit_of_work(shop):
        rolled_up()
    with unit_of_work(shop):
        assert services.roll_up() == 0
        Order.objects.filter(number=1).update(updated_at=timezone.now() - timedelta(minutes=1))
    with unit_of_work(shop):
        services.roll_up()
        assert SalesDay.objects.count() == SalesDay.objects.values("day", "currency").distinct().count()


def test_comparisons_stand_beside_their_periods(shop: Tenant) -> None:
    span = Span(date(2026, 3, 1), date(2026, 3, 7))
    with unit_of_work(shop):
        report = figures.sales_report(span, Interval.DAY, Comparison.PREVIOUS)
        before = figures.sales_report(Span(date(2026, 2, 22), date(2026, 2, 28)), Interval.DAY)
    assert [period.before for period in report.periods] == [period.sales for period in before.periods]
    assert report.before == before.total
    assert Span(date(2024, 2, 29), date(2024, 3, 1)).compared(Comparison.YEAR).first == date(2023, 2, 28)


def test_cohorts_follow_customers_from_their_first_order(shop: Tenant) -> None:
    with unit_of_work(shop):
        months: dict[Any, set[date]] = {}
        sales = Order.objects.exclude(status="cancelled").filter(kind="sale", currency="GBP")
        for order in sales.filter(customer__isnull=False):
            months.setdefault(order.customer_id, set()).add(day_of(order).replace(day=1))
        found = figures.cohorts(Span(date(2026, 1, 1), date(2026, 12, 31)))
    assert sum(cohort.customers for cohort in found) == len(months)
    assert sum(sum(cohort.later) for cohort in found) == sum(map(len, months.values()))
    first = min(month for each in months.values() for month in each)
    assert found[0].month == first
    with unit_of_work(shop):
        (only,) = figures.cohorts(Span(first.replace(day=28), first.replace(day=28)))
    assert only.month == first, "a month counts as a whole, wherever the span begins in it"


def test_what_was_given_back_counts_once_everywhere(acme: Tenant) -> None:
    """An edit lowers the sale itself: giving back what it freed takes nothing off, a refund beyond that does."""
    with unit_of_work(acme):
        mug, customer = (
            a_product(price=Decimal(10), opening_stock=9),
            create_customer(actor=CLERK, name="Ada"),
        )
        order = a_paid_order((mug, 4), customer=customer)
        edit_order(actor=CLERK, order=order, lines=lines((mug, 3)))
        refund_order(actor=CLERK, order=order)
        assert told(customer) == [Decimal(30)] * 4
        refund_order(actor=CLERK, order=fulfil_order(actor=CLERK, order=order), amount=Decimal(2))
        assert told(customer) == [Decimal(28)] * 4


def told(customer: Customer) -> list[Decimal]:
    """Today's sales by the report of days, that of customers, the customer's page and the home page."""
    day = today().date()
    span = Span(day, day)
    return [
        figures.sales_report(span, Interval.DAY).total.net,
        figures.best_customers(span, 1)[0].amount,
        worth_of(customer).by_currency[0].total,
        sales_until(day, "GBP").total,
    ]


def test_stock_is_valued_at_price_and_at_cost(acme: Tenant) -> None:
    with unit_of_work(acme), transaction.atomic():
        for sku, cost, on_hand in (("A", Decimal(2), 10), ("B", None, 3)):
            product = Product.objects.create(
                sku=sku, name=sku, price=Decimal(5), currency="GBP", cost_price=cost
            )
            Product.objects.filter(pk=product.pk).update(on_hand=on_hand)
        (shelf,) = figures.stock_value()
    assert (shelf.products, shelf.units, shelf.without_cost) == (2, 13, 1)
    assert (shelf.at_price, shelf.at_cost) == (Decimal(65), Decimal(20))
