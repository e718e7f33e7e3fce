"""The verbs of customers and orders: what they write, refuse, and leave in the audit log."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from billing import entitlements
from tenant_apps.orders import services
from tenant_apps.orders.customers.services import create_customer, update_customer
from tenant_apps.orders.errors import ReferenceTaken
from tenant_apps.orders.models import Order, OrderCounter, OrderLine
from tenant_apps.orders.services import (
    CurrencyMismatch,
    EmptyOrder,
    LineInput,
    MoveRefused,
    UnknownProduct,
    cancel_order,
    close_order,
    create_and_place_order,
    create_draft,
    discard_draft,
    fulfil_order,
    pay_order,
    place_order,
    replace_lines,
    take_numbers,
    update_order,
)
from tenant_apps.products.ledger import OutOfStock, ProductNotForSale, StockRefused, hold_stock, ship_stock
from tenant_apps.products.services import archive_product, update_product
from tenants.audit.models import AuditEntry
from tenants.errors import Invalid, NotFound
from tests.orders.builders import a_draft, a_paid_order, a_placed_order, lines
from tests.plans import allow
from tests.products.builders import CLERK, a_product, a_service

pytestmark = pytest.mark.usefixtures("inside")


def verbs_about(target: Any) -> list[str]:
    return [entry.verb for entry in AuditEntry.objects.about(target)]


# Customers


def test_a_customer_is_created_clean_and_audited():
    customer = create_customer(
        actor=CLERK,
        name=" Ada  Lovelace ",
        reference=" C-1 ",
        email="ada@example.com",
        country="UK",
        note="Pays.\n",
    )
    customer.refresh_from_db()
    assert (customer.name, customer.reference, customer.note) == ("Ada Lovelace", "C-1", "Pays.")
    assert verbs_about(customer) == ["customer.created"]


@pytest.mark.parametrize("reference", [None, "", "  "])
def test_a_customer_without_a_reference_has_none(reference: str | None):
    assert create_customer(actor=CLERK, name="Ada", reference=reference).reference is None


def test_a_customer_reference_is_given_once():
    create_customer(actor=CLERK, name="Ada", reference="C-1")
    other = create_customer(actor=CLERK, name="Grace")
    with pytest.raises(ReferenceTaken) as refusal:
        create_customer(actor=CLERK, name="Mary", reference="C-1")
    assert refusal.value.field == "reference"
    with pytest.raises(ReferenceTaken):
        update_customer(actor=CLERK, customer=other, reference="C-1")


def test_an_updated_customer_keeps_what_was_not_given():
    customer = create_customer(actor=CLERK, name="Ada", email="ada@example.com")
    updated = update_customer(actor=CLERK, customer=customer, phone="+44 1", email="ada@example.com")
    assert (updated.name, updated.email, updated.phone) == ("Ada", "ada@example.com", "+44 1")
    update_customer(actor=CLERK, customer=customer, phone="+44 1")
    assert verbs_about(customer) == ["customer.updated", "customer.created"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"name": " "}, "name"), ({"phone": "1" * 41}, "phone"), ({"note": "\0"}, "note")],
    ids=str,
)
def test_a_customer_that_makes_no_sense_is_refused_by_the_field_that_is_wrong(
    fields: dict[str, Any], field: str
):
    with pytest.raises(Invalid) as refusal:
        create_customer(actor=CLERK, **{"name": "Ada"} | fields)
    assert refusal.value.field == field


# Drafts


def test_a_draft_has_prices_and_a_total_but_neither_number_nor_stock():
    mug, delivery = a_product(sku="MUG", opening_stock=1), a_service(sku="DHL")
    draft = a_draft(
        (mug, 3), (delivery, 1), (mug, 2), note="  Gift. ", source="portal", external_reference=" PO 7 "
    )
    assert (draft.status, draft.number, draft.total) == ("draft", None, Decimal("52.40"))
    assert (draft.note, draft.source, draft.external_reference) == ("Gift.", "portal", "PO 7")
    assert list(
        draft.lines.values_list("position", "sku", "description", "quantity", "unit_price", "total")
    ) == [
        (1, "MUG", "Mug", 3, Decimal("9.50"), Decimal("28.50")),
        (2, "DHL", "Delivery", 1, Decimal("4.90"), Decimal("4.90")),
        (3, "MUG", "Mug", 2, Decimal("9.50"), Decimal("19.00")),
    ]
    mug.refresh_from_db()
    assert mug.reserved == 0
    assert verbs_about(draft) == ["order.created"]


def test_the_price_of_a_line_is_the_price_of_its_moment():
    mug = a_product(opening_stock=5)
    draft = a_draft((mug, 1))
    update_product(actor=CLERK, product=mug, price=Decimal(20))
    placed = place_order(actor=CLERK, order=draft)
    assert placed.total == placed.lines.get().unit_price == Decimal("9.50")


def test_a_draft_of_unknown_products_is_refused_by_their_ids():
    missing = uuid4()
    with pytest.raises(UnknownProduct, match=str(missing)) as refusal:
        create_draft(actor=CLERK, lines=[LineInput(a_product().pk, 1), LineInput(missing, 1)])
    assert refusal.value.status == 422


@pytest.mark.parametrize("quantity", [0, -1, 1_000_001])
def test_a_quantity_that_makes_no_sense_is_refused(quantity: int):
    with pytest.raises(Invalid, match="whole number from 1"):
        a_draft((a_product(), quantity))


def test_a_draft_takes_active_products_of_its_own_currency_only():
    with pytest.raises(ProductNotForSale):
        a_draft((archive_product(actor=CLERK, product=a_product()), 1))
    with pytest.raises(CurrencyMismatch, match="YEN is priced in JPY"):
        a_draft((a_product(sku="YEN", currency="JPY"), 1))


def test_a_draft_has_at_most_a_thousand_lines_and_a_total_that_fits():
    mug, ship = a_product(), a_product(price=Decimal("9999999999.99"))
    with pytest.raises(Invalid, match="at most 1000 lines"):
        a_draft(*[(mug, 1)] * 1001)
    with pytest.raises(Invalid, match="more than an order can hold"):
        a_draft((ship, 1_000_000))


def test_an_external_reference_is_given_once():
    a_draft(external_reference="PO 7")
    with pytest.raises(ReferenceTaken) as refusal:
        a_draft(external_reference="PO 7")
    assert refusal.value.field == "external_reference"


def test_the_lines_of_a_draft_are_replaced_at_todays_prices():
    mug = a_product(opening_stock=5)
    draft = a_draft((mug, 1), (a_service(), 1))
    update_product(actor=CLERK, product=mug, price=Decimal(10))
    changed = replace_lines(actor=CLERK, order=draft, lines=lines((mug, 2)))
    changed.refresh_from_db()
    assert (changed.total, changed.lines.get().total) == (Decimal(20), Decimal(20))
    assert replace_lines(actor=CLERK, order=draft, lines=[]).total == 0
    assert verbs_about(draft) == ["order.lines_replaced", "order.lines_replaced", "order.created"]


def test_a_draft_changes_only_what_is_named():
    buyer = create_customer(actor=CLERK, name="Harbour Outfitters")
    draft = a_draft(note="by hand", external_reference="B-1")
    changed = update_order(actor=CLERK, order=draft, customer=buyer, external_reference="")
    changed.refresh_from_db()
    assert (changed.customer, changed.note, changed.external_reference) == (buyer, "by hand", None)
    update_order(actor=CLERK, order=draft, note="by hand")
    assert verbs_about(draft) == ["order.updated", "order.created"]


def test_a_draft_cannot_take_the_reference_of_another_order():
    a_draft(external_reference="B-1")
    with pytest.raises(ReferenceTaken):
        update_order(actor=CLERK, order=a_draft(), external_reference="B-1")


def test_only_drafts_are_rewritten_or_discarded():
    order = a_placed_order()
    with pytest.raises(MoveRefused, match=r"only drafts are changed. customer cannot .* Edit the order."):
        update_order(actor=CLERK, order=order, customer=None, note="later")
    assert update_order(actor=CLERK, order=order, note="later", tags=[" Gift "]).tags == ["gift"]
    with pytest.raises(MoveRefused, match="only drafts are changed"):
        replace_lines(actor=CLERK, order=order, lines=[])
    with pytest.raises(MoveRefused):
        discard_draft(actor=CLERK, order=order)


def test_a_discarded_draft_is_gone_with_its_lines_and_stays_in_the_audit_log():
    draft = a_draft()
    gone = Order(pk=draft.pk)
    discard_draft(actor=CLERK, order=draft)
    assert not Order.objects.exists()
    assert not OrderLine.objects.exists()
    assert verbs_about(gone) == ["order.discarded", "order.created"]
    with pytest.raises(NotFound):
        place_order(actor=CLERK, order=gone)


# Moves


def test_a_placed_order_has_a_number_and_holds_its_stock():
    mug = a_product(opening_stock=5)
    order = place_order(actor=CLERK, order=a_draft((mug, 2), (a_service(), 1), (mug, 1)))
    order.refresh_from_db()
    mug.refresh_from_db()
    assert order.status == "placed"
    assert order.placed_at is not None
    assert (mug.on_hand, mug.reserved, mug.available) == (5, 3, 2)
    movement = mug.movements.get(reason="reservation")
    assert (movement.reserved_change, movement.source) == (3, f"order:{order.number}")


def test_orders_are_numbered_one_after_the_other():
    first = OrderCounter.objects.get().last
    numbers = [a_placed_order().number for _ in range(3)]
    assert numbers == [first + 1, first + 2, first + 3]
    assert list(take_numbers(count=3)) == [first + 4, first + 5, first + 6]


def test_a_counter_that_was_never_seeded_says_so():
    OrderCounter.objects.all().delete()
    with pytest.raises(RuntimeError, match="seed rows"):
        a_placed_order()


def test_an_order_goes_its_whole_way_and_leaves_a_line_for_each_step():
    mug = a_product(opening_stock=5)
    order = a_paid_order((mug, 2))
    order = close_order(actor=CLERK, order=fulfil_order(actor=CLERK, order=order))
    order.refresh_from_db()
    mug.refresh_from_db()
    assert (order.status, mug.on_hand, mug.reserved) == ("closed", 3, 0)
    stamps = [order.placed_at, order.paid_at, order.fulfilled_at, order.closed_at]
    assert stamps == sorted(stamp for stamp in stamps if stamp)
    verbs = ["order.closed", "order.fulfilled", "order.paid", "order.placed"]
    assert verbs_about(order) == verbs


@pytest.mark.parametrize("make", [a_draft, a_placed_order, a_paid_order])
def test_an_order_cancelled_before_its_goods_leave_gives_its_stock_back(make: Any):
    mug = a_product(opening_stock=5)
    order = make((mug, 2))
    cancelled = cancel_order(actor=CLERK, order=order, note=" changed  mind ")
    mug.refresh_from_db()
    assert (cancelled.status, mug.on_hand, mug.reserved) == ("cancelled", 5, 0)
    assert cancelled.number == order.number
    assert cancelled.note == "Cancelled: changed mind"
    entry = AuditEntry.objects.about(order).first()
    assert entry is not None
    owed = "19.00" if order.status == "paid" else "0.00"
    assert entry.verb == "order.cancelled"
    assert entry.data == {"note_given": True, "number": order.number, "refund_due": owed}


MOVES: dict[str, tuple[Any, list[str]]] = {
    "place": (place_order, ["draft"]),
    "pay": (pay_order, ["placed"]),
    "fulfil": (fulfil_order, ["paid"]),
    "close": (close_order, ["fulfilled"]),
    "cancel": (cancel_order, ["draft", "placed", "paid"]),
}


def an_order_that_is(status: str) -> Order:
    if status == "draft":
        return a_draft()
    order = a_placed_order()
    way: dict[str, list[Any]] = {
        "placed": [],
        "paid": [pay_order],
        "fulfilled": [pay_order, fulfil_order],
        "closed": [pay_order, fulfil_order, close_order],
        "cancelled": [cancel_order],
    }
    for move in way[status]:
        order = move(actor=CLERK, order=order)
    return order


@pytest.mark.parametrize("status", Order.Status.values)
@pytest.mark.parametrize("move", MOVES)
def test_each_move_starts_from_its_own_statuses_and_is_refused_from_all_others(move: str, status: str):
    verb, sources = MOVES[move]
    order = an_order_that_is(status)
    if status in sources:
        verb(actor=CLERK, order=order)
        return
    with pytest.raises(MoveRefused, match="Possible now") as refusal:
        verb(actor=CLERK, order=order)
    assert refusal.value.data["possible"] == [action.value for action in order.actions]
    order.refresh_from_db()
    assert order.status == status


def test_an_empty_order_is_not_placed():
    with pytest.raises(EmptyOrder):
        place_order(actor=CLERK, order=create_draft(actor=CLERK))
    with pytest.raises(EmptyOrder):
        create_and_place_order(actor=CLERK, lines=[])


def test_a_product_archived_since_the_draft_is_not_sold():
    mug = a_product(opening_stock=5)
    draft = a_draft((mug, 1))
    archive_product(actor=CLERK, product=mug)
    with pytest.raises(ProductNotForSale):
        place_order(actor=CLERK, order=draft)


def test_an_order_of_an_archived_product_is_still_fulfilled():
    mug = a_product(opening_stock=5)
    order = a_paid_order((mug, 1))
    archive_product(actor=CLERK, product=mug)
    assert fulfil_order(actor=CLERK, order=order).status == "fulfilled"


def test_an_order_that_is_short_of_stock_leaves_nothing_behind():
    mug, cup = a_product(opening_stock=5), a_product(opening_stock=1)
    last = OrderCounter.objects.get().last
    with pytest.raises(OutOfStock):
        create_and_place_order(actor=CLERK, lines=lines((mug, 5), (cup, 2)))
    mug.refresh_from_db()
    assert mug.reserved == 0
    assert OrderCounter.objects.get().last == last
    assert not Order.objects.exists()


def test_two_lines_of_one_product_are_counted_together():
    mug = a_product(opening_stock=5)
    with pytest.raises(OutOfStock):
        a_placed_order((mug, 3), (mug, 3))


def test_a_full_month_refuses_further_orders_with_the_plan_and_the_way_on(monkeypatch: pytest.MonkeyPatch):
    a_placed_order()
    allow(monkeypatch, orders_per_month=1)
    with pytest.raises(entitlements.LimitReached, match=r"allows 1 orders per month.*move to the Team plan"):
        a_placed_order()
    assert a_draft().status == "draft"


def test_the_history_of_another_shop_does_not_fill_the_month(monkeypatch: pytest.MonkeyPatch):
    history = a_draft(source=Order.Source.IMPORT)
    Order.objects.filter(pk=history.pk).update(status="placed", placed_at=timezone.now(), number=999_999)
    allow(monkeypatch, orders_per_month=1)
    assert a_placed_order().status == "placed"


def test_a_move_that_lost_a_race_after_its_check_finds_no_row(monkeypatch: pytest.MonkeyPatch):
    order = fulfil_order(actor=CLERK, order=a_paid_order())
    close_order(actor=CLERK, order=order)
    monkeypatch.setattr(services, "locked_for", lambda order, move: order)
    with pytest.raises(MoveRefused, match="is closed"):
        close_order(actor=CLERK, order=order)


def test_shipping_more_than_was_reserved_is_refused():
    mug = a_product(opening_stock=5)
    a_paid_order((mug, 2))
    with pytest.raises(StockRefused), transaction.atomic():
        ship_stock(actor=CLERK, held=hold_stock({mug.pk: 3}), source="order:1")
