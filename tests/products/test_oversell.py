"""Stock of 10, many buyers at once, many rounds: exactly 10 are sold in each, from however many locations.

`OVERSELL=200x50` in the environment takes 200 buyers and 50 rounds.
"""

import os
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db.models import QuerySet

from tenant_apps.products.books import check_books
from tenant_apps.products.ledger import OutOfStock, hold_for_sale, reserve_stock
from tenant_apps.products.models import Product
from tenant_apps.products.services import receive_stock
from tenant_apps.products.shifting import StockRefused
from tenants.context import Tenant, unit_of_work
from tests.products.builders import CLERK, a_location, a_product
from tests.races import Job, at_once, kinds

BUYERS, ROUNDS = (int(number) for number in os.environ.get("OVERSELL", "20x5").split("x"))


def stocked(tenant: Tenant) -> Product:
    """Six in the main location and four in the shop."""
    with unit_of_work(tenant):
        product = a_product(opening_stock=6)
        receive_stock(actor=CLERK, product=product, quantity=4, location=a_location(f"SHOP-{product.sku}"))
    return product


def buy(product: Product, order: int) -> str:
    held = hold_for_sale({product.pk: 1})
    reserve_stock(actor=CLERK, held=held, source=f"order:{order}")
    return "sold"


def buyers(product: Product, count: int = BUYERS) -> list[Job]:
    return [partial(buy, product, order) for order in range(count)]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_exactly_what_is_there_is_sold(acme: Tenant, round_: int):
    product = stocked(acme)
    results = at_once(acme, buyers(product))
    assert kinds(results) == {"str": 10, "OutOfStock": BUYERS - 10}
    with unit_of_work(acme):
        product.refresh_from_db()
        assert (product.on_hand, product.reserved, check_books()) == (10, 10, [])


def test_without_the_lock_the_conditions_of_the_statement_still_sell_no_more(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    """Somebody may be told late, by the statement instead of before it; nobody is promised what is not there."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **how: rows)
    product = stocked(acme)
    results = at_once(acme, buyers(product, 16))
    sold = results.count("sold")
    assert sold + sum(isinstance(result, OutOfStock | StockRefused) for result in results) == 16
    with unit_of_work(acme):
        product.refresh_from_db()
        assert product.reserved == sold <= 10


def test_without_lock_and_conditions_more_is_sold_than_is_there(acme: Tenant):
    """The red control: what is read first and written afterwards sells the same piece to several."""
    product = stocked(acme)
    together = Barrier(8)

    def naive() -> str:
        seen = Product.objects.get(pk=product.pk)
        together.wait(60)
        if seen.available < 1:
            return "refused"
        Product.objects.filter(pk=product.pk).update(reserved=seen.reserved + 1)
        return "sold"

    sold: list[Any] = []
    for _ in range(2):
        sold += at_once(acme, [naive] * 8)
    assert sold.count("sold") > 10
