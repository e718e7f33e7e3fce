"""Several buyers and clerks at the same moment, in real threads with real commits."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from tenant_apps.orders import services
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Order, OrderCounter
from tenant_apps.orders.services import (
    MoveRefused,
    cancel_order,
    create_and_place_order,
    discard_draft,
    fulfil_order,
    pay_order,
    place_order,
    replace_lines,
)
from tenant_apps.products.bulk import PRODUCTS, STOCK
from tenant_apps.products.ledger import OutOfStock
from tenant_apps.products.models import Category, Product
from tenant_apps.products.services import (
    CategoryInUse,
    SkuTaken,
    create_category,
    delete_category,
    receive_stock,
)
from tenants.api.bulk import Bulk
from tenants.context import Tenant, unit_of_work
from tenants.errors import Invalid
from tests.orders.builders import a_draft, a_paid_order, a_placed_order, lines
from tests.products.builders import CLERK, a_product
from tests.races import WORKERS, Aborted, Job, at_once, kinds


def buy(product: Product) -> Job:
    return lambda: create_and_place_order(actor=CLERK, lines=lines((product, 1)))


@pytest.mark.parametrize("round_", range(5))
def test_ten_pieces_are_sold_to_ten_of_two_hundred_buyers(acme: Tenant, round_: int):
    with unit_of_work(acme):
        product = a_product(opening_stock=10)
    results = at_once(acme, [buy(product)] * 200)
    assert kinds(results) == {"Order": 10, "OutOfStock": 190}
    with unit_of_work(acme):
        product.refresh_from_db()
        assert (product.on_hand, product.reserved) == (10, 10)
        assert Order.objects.count() == 10


def test_reading_the_stock_before_writing_it_would_oversell(acme: Tenant):
    """The red control: a reservation that reads and then writes passes every check, and sells too much."""
    with unit_of_work(acme):
        product = a_product(opening_stock=10)
    everybody_has_read = Barrier(WORKERS)

    def naive_reservation() -> str:
        seen = Product.objects.get(pk=product.pk)
        everybody_has_read.wait(60)
        if seen.available < 1:
            return "refused"
        Product.objects.filter(pk=product.pk).update(reserved=seen.reserved + 1)
        return "sold"

    sold = 0
    for _ in range(3):
        sold += at_once(acme, [naive_reservation] * WORKERS).count("sold")
    assert sold > 10


def test_numbers_have_no_gap_although_every_tenth_order_is_aborted(acme: Tenant):
    with unit_of_work(acme):
        product = a_product(opening_stock=1000)

    def place(turn: int) -> Job:
        def job() -> int | None:
            order = buy(product)()
            if turn % 10 == 0:
                raise Aborted
            return int(order.number)

        return job

    results = at_once(acme, [place(turn) for turn in range(200)])
    assert kinds(results) == {"int": 180, "Aborted": 20}
    with unit_of_work(acme):
        assert list(Order.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 181))
        assert OrderCounter.objects.get().last == 180


def test_a_counter_beside_the_transaction_would_leave_gaps(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    """The red control: a number that is taken for good, as a sequence gives it, is lost with the aborted order."""
    with unit_of_work(acme):
        product = a_product(opening_stock=100)
    take = services.take_numbers

    def apart() -> range:
        try:
            with unit_of_work(acme):
                return take()
        finally:
            connections.close_all()

    def beside(*, count: int = 1) -> range:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(apart).result()

    def place(turn: int) -> int:
        order = buy(product)()
        if turn % 10 == 0:
            raise Aborted
        return int(order.number)

    monkeypatch.setattr(services, "take_numbers", beside)
    at_once(acme, [partial(place, turn) for turn in range(20)])
    with unit_of_work(acme):
        numbers = list(Order.objects.order_by("number").values_list("number", flat=True))
        assert len(numbers) == 18
        assert numbers != list(range(1, 19))


@pytest.mark.parametrize(
    ("make", "verb"), [(a_draft, place_order), (a_placed_order, pay_order), (a_paid_order, fulfil_order)]
)
def test_of_two_clerks_who_make_one_move_one_wins_and_the_other_is_told(acme: Tenant, make: Any, verb: Any):
    for _ in range(5):
        with unit_of_work(acme):
            product = a_product(opening_stock=10)
            order = make((product, 2))
        results = at_once(acme, [partial(verb, actor=CLERK, order=order)] * 2, together=True)
        assert kinds(results) == {"Order": 1, "MoveRefused": 1}
        with unit_of_work(acme):
            product.refresh_from_db()
            assert (product.on_hand, product.reserved) == ((8, 0) if verb is fulfil_order else (10, 2))


def test_an_order_is_either_cancelled_or_fulfilled(acme: Tenant):
    for _ in range(10):
        with unit_of_work(acme):
            product = a_product(opening_stock=10)
            order = a_paid_order((product, 2))
        moves = [partial(verb, actor=CLERK, order=order) for verb in (cancel_order, fulfil_order)]
        results = at_once(acme, moves, together=True)
        assert kinds(results) == {"Order": 1, "MoveRefused": 1}
        with unit_of_work(acme):
            product.refresh_from_db()
            order.refresh_from_db()
            on_hand = 8 if order.status == Order.Status.FULFILLED else 10
            assert (product.on_hand, product.reserved) == (on_hand, 0)


def test_the_lines_of_an_order_do_not_change_under_its_placing(acme: Tenant):
    for _ in range(10):
        with unit_of_work(acme):
            few, many = a_product(opening_stock=50), a_product(opening_stock=50)
            order = a_draft((few, 1))
        results = at_once(
            acme,
            [
                partial(place_order, actor=CLERK, order=order),
                partial(replace_lines, actor=CLERK, order=order, lines=lines((many, 7))),
            ],
            together=True,
        )
        assert not isinstance(results[0], MoveRefused)
        with unit_of_work(acme):
            line = order.lines.get()
            assert Product.objects.get(pk=line.product_id).reserved == line.quantity
            assert Order.objects.get(pk=order.pk).total == line.total


def test_a_draft_is_either_placed_or_discarded(acme: Tenant):
    for _ in range(5):
        with unit_of_work(acme):
            order = a_draft()
        moves: list[Job] = [partial(verb, actor=CLERK, order=order) for verb in (place_order, discard_draft)]
        placed, discarded = at_once(acme, moves, together=True)
        with unit_of_work(acme):
            assert Order.objects.filter(pk=order.pk).exists() == isinstance(placed, Order)
            assert (discarded is None) == (not isinstance(placed, Order))


def test_orders_that_share_products_in_opposite_order_do_not_deadlock(acme: Tenant):
    with unit_of_work(acme):
        one, two = a_product(opening_stock=1000), a_product(opening_stock=1000)

    def order(*wanted: Product) -> Job:
        return lambda: create_and_place_order(actor=CLERK, lines=lines(*((product, 1) for product in wanted)))

    results = at_once(acme, [order(one, two), order(two, one)] * 40)
    assert kinds(results) == {"Order": 80}
    with unit_of_work(acme):
        assert set(Product.objects.values_list("reserved", flat=True)) == {80}


def test_stock_and_products_in_bulk_do_not_deadlock_with_orders_whatever_the_order_of_the_items(acme: Tenant):
    with unit_of_work(acme):
        one, two = a_product(sku="ONE", opening_stock=100), a_product(sku="TWO", opening_stock=100)

    def bulk(kind: Bulk, **change: Any) -> Job:
        items = [{"sku": sku, **change} for sku in ("TWO", "ONE")]
        return lambda: kind.run(actor=CLERK, mode="atomic", items=items)

    def order() -> Order:
        return create_and_place_order(actor=CLERK, lines=lines((one, 1), (two, 1)))

    found, named = bulk(STOCK, delta=2, note="Found"), bulk(PRODUCTS, price="7.00")
    results = at_once(acme, [order, found, named] * 15)
    assert kinds(results) == {"Order": 15, "Outcomes": 30}
    with unit_of_work(acme):
        assert set(Product.objects.values_list("on_hand", "reserved")) == {(130, 15)}


def test_stock_received_and_sold_at_once_adds_up(acme: Tenant):
    with unit_of_work(acme):
        product = a_product(opening_stock=5)
    receive = [lambda: receive_stock(actor=CLERK, product=product, quantity=1)] * 40
    results = at_once(acme, [job for pair in zip(receive, [buy(product)] * 40, strict=True) for job in pair])
    with unit_of_work(acme):
        product.refresh_from_db()
        sold = kinds(results)["Order"]
        assert sold + kinds(results)["OutOfStock"] == 40
        assert (product.on_hand, product.reserved) == (45, sold)


def test_a_category_is_either_deleted_or_gets_its_product(acme: Tenant):
    for _ in range(10):
        with unit_of_work(acme):
            category = create_category(actor=CLERK, name="Tea")
        deleted, created = at_once(
            acme,
            [
                partial(delete_category, actor=CLERK, category=category),
                partial(a_product, category=category),
            ],
            together=True,
        )
        assert isinstance(deleted, CategoryInUse) != isinstance(created, Invalid)
        with unit_of_work(acme):
            assert Product.objects.filter(category=category).exists() == Category.objects.exists()
            Product.objects.update(category=None)
            Category.objects.all().delete()


def test_one_sku_is_given_to_one_of_many(acme: Tenant):
    results = at_once(acme, [lambda: a_product(sku="ONE")] * WORKERS, together=True)
    assert kinds(results) == {"Product": 1, "SkuTaken": WORKERS - 1}
    assert {type(result) for result in results} == {Product, SkuTaken}


def test_one_reference_is_given_to_one_of_many(acme: Tenant):
    jobs = [lambda: create_customer(actor=CLERK, name="Ada", reference="C-1")] * WORKERS
    assert kinds(at_once(acme, jobs, together=True)) == {"Customer": 1, "ReferenceTaken": WORKERS - 1}


def test_buyers_of_the_last_piece_are_told_what_is_left(acme: Tenant):
    with unit_of_work(acme):
        product = a_product(sku="LAST", opening_stock=1)
    results = at_once(acme, [buy(product)] * 2, together=True)
    (refusal,) = (result for result in results if isinstance(result, OutOfStock))
    assert refusal.data["shortages"] == [{"sku": "LAST", "wanted": 1, "available": 0}]
