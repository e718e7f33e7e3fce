"""Whatever is done at however many locations: the ledger, the levels and the totals stay one story."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_apps.products.books import check_books
from tenant_apps.products.counts import apply_count, cancel_count, enter_counts, open_count
from tenant_apps.products.documents import DocumentLine
from tenant_apps.products.ledger import (
    hold_for_sale,
    hold_stock,
    release_stock,
    reserve_stock,
    return_stock,
    ship_stock,
)
from tenant_apps.products.locations import archive_location, restore_location, update_location
from tenant_apps.products.models import Location, Product, StockDocument, StockMovement
from tenant_apps.products.services import adjust_stock, receive_stock
from tenant_apps.products.setting import StockItem, set_stock
from tenant_apps.products.transfers import cancel_transfer, create_transfer, receive_transfer, send_transfer
from tenants.context import Tenant, Unit
from tenants.errors import DomainError
from tests.products.builders import CLERK, a_location, a_product

small = st.integers(0, 2)
steps = st.tuples(st.sampled_from(range(12)), small, small, small, st.integers(-3, 8))


class House:
    """Two products, three locations, three orders, and the documents of one run."""

    def __init__(self) -> None:
        self.products = [a_product(opening_stock=6, low_stock_at=2), a_product()]
        self.places = [Location.objects.default(), a_location("EAST", "East"), a_location("WEST", "West")]
        self.documents: list[StockDocument] = []
        self.acts: list[Callable[..., Any]] = [
            self.receive, self.adjust, self.reserve, self.release, self.ship, self.give_back,
            self.transfer, self.go_on, self.count, self.enter, self.set, self.keep_house,
        ]  # fmt: skip

    def do(self, act: int, *how: int) -> None:
        """One step; a refusal must leave everything as it was, so it is simply gone on from."""
        with suppress(DomainError):
            self.acts[act](*how)

    def product(self, number: int) -> Product:
        return self.products[number % 2]

    def receive(self, product: int, place: int, other: int, count: int) -> None:
        location = self.places[place]
        receive_stock(actor=CLERK, product=self.product(product), quantity=count, location=location)

    def adjust(self, product: int, place: int, other: int, count: int) -> None:
        how: dict[str, Any] = {"counted": count} if other else {"delta": count}
        location = self.places[place]
        adjust_stock(actor=CLERK, product=self.product(product), note="Found", location=location, **how)

    def reserve(self, product: int, place: int, order: int, count: int) -> None:
        location = self.places[place] if place else None
        held = hold_for_sale({self.product(product).pk: max(count, 1)}, location=location)
        reserve_stock(actor=CLERK, held=held, source=f"order:{order}", location=location)

    def release(self, product: int, place: int, order: int, count: int) -> None:
        held = hold_stock({self.product(product).pk: max(count, 1)})
        release_stock(actor=CLERK, held=held, source=f"order:{order}")

    def ship(self, product: int, place: int, order: int, count: int) -> None:
        held = hold_stock({self.product(product).pk: max(count, 1)})
        location = self.places[place] if place else None
        ship_stock(actor=CLERK, held=held, source=f"order:{order}", location=location)

    def give_back(self, product: int, place: int, order: int, count: int) -> None:
        held = hold_stock({self.product(product).pk: max(count, 1)})
        return_stock(actor=CLERK, held=held, source=f"order:{order}", location=self.places[place])

    def transfer(self, product: int, place: int, other: int, count: int) -> None:
        lines = [DocumentLine(self.product(product).pk, count)]
        ends: dict[str, Any] = {"location": self.places[place], "destination": self.places[other]}
        self.documents.append(create_transfer(actor=CLERK, lines=lines, at_once=count == 1, **ends))

    def go_on(self, product: int, place: int, other: int, count: int) -> None:
        document = self.documents[place % len(self.documents)] if self.documents else None
        if document is None:
            return
        if document.kind == "count":
            (apply_count if other else cancel_count)(actor=CLERK, count=document)
        elif count > 4:
            send_transfer(actor=CLERK, transfer=document)
        elif count > 0:
            lines = [DocumentLine(self.product(product).pk, count - 1)]
            receive_transfer(actor=CLERK, transfer=document, lines=lines, complete=bool(other))
        else:
            cancel_transfer(actor=CLERK, transfer=document)

    def count(self, product: int, place: int, other: int, count: int) -> None:
        self.documents.append(open_count(actor=CLERK, location=self.places[place]))

    def enter(self, product: int, place: int, other: int, count: int) -> None:
        if self.documents:
            document = self.documents[place % len(self.documents)]
            lines = [DocumentLine(self.product(product).pk, count)]
            enter_counts(actor=CLERK, count=document, lines=lines)

    def set(self, product: int, place: int, other: int, count: int) -> None:
        items = [StockItem(sku=self.product(product).sku, location=self.places[place].code, counted=count)]
        set_stock(actor=CLERK, items=[*items, StockItem(sku=self.products[0].sku, delta=other)])

    def keep_house(self, product: int, place: int, other: int, count: int) -> None:
        location = self.places[place]
        if count > 4:
            update_location(actor=CLERK, location=location, is_default=True)
        else:
            (archive_location if other else restore_location)(actor=CLERK, location=location)


def check(house: House) -> None:
    """What holds after every step."""
    assert check_books() == []
    for product in Product.objects.all():
        assert (product.low_since is not None) == product.is_low
        assert 0 <= product.reserved <= product.on_hand
    for order in range(3):
        promised = StockMovement.objects.caused_by(f"order:{order}").values_list("reserved_change", flat=True)
        assert sum(promised) >= 0
    assert Location.objects.filter(is_default=True).count() == 1


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(story=st.lists(steps, min_size=5, max_size=20))
def test_the_books_add_up_after_any_story(acme: Tenant, story: list[tuple[int, int, int, int, int]]):
    unit = Unit(acme).enter()
    try:
        house = House()
        for step in story:
            house.do(*step)
            check(house)
    finally:
        unit.leave(RolledBack())


class RolledBack(Exception):
    """Each story starts in an empty house."""
