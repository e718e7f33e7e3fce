"""What the database itself refuses about orders, and what their models can answer."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone
from psycopg import errors

from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import TRANSITIONS, Customer, Move, Order, OrderCounter, OrderLine
from tenant_apps.orders.services import cancel_order
from tests.orders.builders import a_draft, a_paid_order, a_placed_order
from tests.products.builders import CLERK, a_product

pytestmark = pytest.mark.usefixtures("inside")


def refused_by(violation: type[Exception]):
    return pytest.raises(
        (IntegrityError, ProgrammingError), check=lambda error: isinstance(error.__cause__, violation)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"status": "placed"},
        {"number": 7},
        {"placed_at": timezone.now()},
        {"status": "placed", "number": 7},
        {"status": "placed", "number": 0, "placed_at": timezone.now()},
        {"status": "lost"},
        {"kind": "gift"},
        {"source": "fax"},
        {"total": Decimal("-0.01")},
        {"currency": "eur"},
        {"external_reference": ""},
    ],
    ids="+".join,
)
def test_the_database_refuses_an_order_that_cannot_be(change: dict[str, Any]):
    draft = a_draft()
    with refused_by(errors.CheckViolation), transaction.atomic():
        Order.objects.filter(pk=draft.pk).update(**change)


def test_the_database_refuses_a_placed_order_without_its_number():
    order = a_placed_order()
    with refused_by(errors.CheckViolation), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(number=None)


@pytest.mark.parametrize("field", ["number", "external_reference"])
def test_the_database_refuses_two_orders_with_one(field: str):
    first, second = a_placed_order(external_reference="A"), a_placed_order(external_reference="B")
    with refused_by(errors.UniqueViolation), transaction.atomic():
        Order.objects.filter(pk=second.pk).update(**{field: getattr(first, field)})


def test_any_number_of_orders_and_customers_may_have_no_reference():
    for name in ("Ada", "Grace"):
        a_draft(customer=create_customer(actor=CLERK, name=name))
    assert (
        Customer.objects.filter(reference=None).count()
        == Order.objects.filter(external_reference=None).count()
        == 2
    )


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 0, "total": 0},
        {"quantity": -1, "total": Decimal("-9.50")},
        {"unit_price": Decimal(-1), "total": Decimal(-1)},
        {"total": Decimal("9.49")},
        {"position": 0},
    ],
    ids=str,
)
def test_the_database_refuses_a_line_that_cannot_be(change: dict[str, Any]):
    values = {"position": 9, "quantity": 1, "unit_price": Decimal("9.50"), "total": Decimal("9.50")} | change
    with refused_by(errors.CheckViolation), transaction.atomic():
        OrderLine.objects.create(order=a_draft(), product=a_product(), sku="X", description="X", **values)


def test_the_database_refuses_two_lines_at_one_position():
    draft = a_draft()
    line = draft.lines.get()
    line.pk = uuid4()
    with refused_by(errors.UniqueViolation), transaction.atomic():
        line.save(force_insert=True)


def test_the_price_of_a_line_cannot_be_changed():
    order = a_placed_order()
    with refused_by(errors.InsufficientPrivilege), transaction.atomic():
        order.lines.update(unit_price=0, total=0)


def test_there_is_one_counter_and_never_a_second():
    with refused_by(errors.CheckViolation), transaction.atomic():
        OrderCounter.objects.create(id=uuid4())
    with refused_by(errors.UniqueViolation), transaction.atomic():
        OrderCounter.objects.create()
    assert OrderCounter.objects.count() == 1


@pytest.mark.parametrize("statement", ["DELETE FROM products_product", "DELETE FROM orders_customer"])
def test_what_an_order_names_cannot_be_deleted(statement: str):
    a_draft(customer=create_customer(actor=CLERK, name="Ada"))
    with refused_by(errors.ForeignKeyViolation), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


def test_every_status_but_the_last_ones_has_a_way_on():
    ends = {Order.Status.CLOSED, Order.Status.CANCELLED}
    for status in Order.Status:
        order = Order(status=status)
        assert bool(order.actions) == (status not in ends)
        for order.fulfilment_status in Order.FulfilmentStatus:
            assert order.actions == [
                move
                for move in Move
                if move != Move.REOPEN
                and status in TRANSITIONS[move].sources
                and (move != Move.CLOSE_SHORT or order.fulfilment_status == "partial")
            ]
        assert order.is_cancellable == (Move.CANCEL in order.actions)


def test_a_cancellation_that_an_import_brought_makes_no_moves():
    credit = Order(kind=Order.Kind.CANCELLATION, status=Order.Status.PLACED)
    assert credit.actions == []
    assert not credit.holds_stock


def test_the_lists_of_orders_show_what_they_say():
    draft, placed, paid = a_draft(), a_placed_order(), a_paid_order()
    cancelled = cancel_order(actor=CLERK, order=a_placed_order())
    assert set(Order.objects.drafts()) == {draft}
    assert set(Order.objects.open()) == {placed, paid}
    assert set(Order.objects.placed()) == {placed, paid, cancelled}
    assert Order.objects.sales().count() == 4


def test_a_list_with_customers_and_lines_asks_the_database_twice(django_assert_num_queries: Any):
    customer = create_customer(actor=CLERK, name="Ada")
    for _ in range(3):
        a_draft(customer=customer)
    with django_assert_num_queries(2):
        orders = list(Order.objects.with_customer().with_lines())
        assert [(str(order.customer), len(order.lines.all())) for order in orders] == [("Ada", 1)] * 3


def test_each_model_names_itself_in_a_line():
    order = a_placed_order((a_product(sku="CUP", opening_stock=5), 3))
    counter = OrderCounter.objects.get()
    assert [str(a_draft()), str(order), str(order.lines.get()), str(counter)] == [
        "Draft order",
        f"Order {order.number}",
        "3 x CUP",
        f"Last order number {order.number}",
    ]
