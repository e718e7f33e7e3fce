"""Tax by rule, discounts and delivery: which rule wins, and what an order comes to."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import replace_lines, update_order
from tenant_apps.orders.taxes.finding import rates_for
from tenant_apps.orders.taxes.services import TaxRuleTaken, create_tax_rule, update_tax_settings
from tenants.errors import Invalid
from tenants.formats import today
from tests.orders.builders import a_draft, a_placed_order, lines
from tests.products.builders import CLERK, a_product

pytestmark = pytest.mark.usefixtures("inside")


def a_rule(rate: str, **fields: Any) -> None:
    create_tax_rule(actor=CLERK, name="VAT", rate=Decimal(rate), **{"valid_from": date(2020, 1, 1)} | fields)


def amounts(order: Order) -> list[str]:
    sums = (order.subtotal, order.discount_total, order.shipping_total, order.tax_total, order.total)
    return [str(amount) for amount in sums]


def test_the_nearest_rule_of_today_wins():
    a_rule("5")
    a_rule("19", country="DE")
    a_rule("7", country="DE", tax_class="reduced")
    a_rule("16", country="DE", region="Helgoland")
    a_rule("18", country="DE", valid_from=date(2019, 1, 1))
    a_rule("99", country="DE", valid_from=today().date() + timedelta(days=1))
    here = rates_for(None, country="DE")
    assert [here.rate(name) for name in ("standard", "reduced")] == [19, 7]
    assert rates_for(None, country="DE", region="helgoland").rate("reduced") == 16
    assert rates_for(None, country="FR").rate("standard") == 5
    with pytest.raises(TaxRuleTaken):
        a_rule("20", country="DE")


def test_the_place_is_the_orders_or_the_customers_or_the_tenants():
    update_tax_settings(actor=CLERK, country="gb")
    assert rates_for(None).country == "GB"
    customer = create_customer(actor=CLERK, name="Ada", country="France")
    assert rates_for(customer).country == "FR"
    add_address(actor=CLERK, customer=customer, line1="1 Quai", city="Gent", country="BE", region="East")
    draft = a_draft(customer=customer)
    assert (draft.tax_country, draft.tax_region) == ("BE", "East")
    assert update_order(actor=CLERK, order=draft, tax_country="AT").tax_country == "AT"
    assert update_order(actor=CLERK, order=draft, customer=None).tax_country == "GB"


@pytest.mark.parametrize(
    ("included", "expected"),
    [
        (False, ["40.00", "4.00", "5.00", "4.60", "45.60"]),
        (True, ["40.00", "4.00", "5.00", "3.83", "41.00"]),
    ],
)
def test_an_order_comes_to_what_its_parts_come_to(included: bool, expected: list[str]):
    update_tax_settings(actor=CLERK, prices_include_tax=included)
    a_rule("20")
    a_rule("0", tax_class="zero")
    mug = a_product(price=Decimal(10), opening_stock=9)
    book = a_product(price=Decimal(20), opening_stock=9, tax_class="zero")
    order = a_placed_order(
        (mug, 2),
        (book, 1),
        discount_kind="percent",
        discount_value=Decimal(10),
        discount_reason="Opening",
        shipping_description="Parcel",
        shipping_total=Decimal(5),
    )
    expected = (
        ["40.00", "4.00", "5.00", "4.60", "45.60"] if not included else [*expected[:3], "3.83", "41.00"]
    )
    assert amounts(order) == expected
    order.refresh_from_db()
    told = order.breakdown()
    assert told.net + told.tax == told.total == sum(part.gross for part in told.taxes)
    assert [part.tax for part in told.taxes] == [Decimal(0), order.tax_total]
    assert [line.discount for line in told.lines] == [Decimal("2.00"), Decimal("2.00")]
    assert told.shipping is not None
    assert told.shipping.tax == order.shipping_tax
    assert told.due == order.total


def test_a_draft_is_reckoned_anew_when_its_terms_change_and_keeps_its_prices():
    mug = a_product(price=Decimal(10), opening_stock=9)
    draft = a_draft((mug, 2))
    mug.price = Decimal(30)
    mug.save()
    changed = update_order(actor=CLERK, order=draft, discount_kind="amount", discount_value=Decimal("0.01"))
    assert amounts(changed) == ["20.00", "0.01", "0.00", "0.00", "19.99"]
    assert amounts(replace_lines(actor=CLERK, order=draft, lines=lines((mug, 1))))[0] == "30.00"
    with pytest.raises(Invalid, match=r"more than the lines cost"):
        update_order(actor=CLERK, order=draft, discount_value=Decimal(31))
    cleared = update_order(actor=CLERK, order=draft, discount_kind="", discount_value=Decimal(0))
    assert amounts(cleared)[1] == "0.00"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"discount_value": Decimal(1)}, "discount_kind"),
        ({"discount_kind": "percent", "discount_value": Decimal(101)}, "discount_value"),
        ({"discount_kind": "amount"}, "discount_value"),
        ({"shipping_total": Decimal("1.005")}, "shipping_total"),
        ({"tax_country": "XX"}, "tax_country"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": [str(number) for number in range(21)]}, "tags"),
    ],
    ids=str,
)
def test_terms_that_make_no_sense_are_refused_by_the_field(terms: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refusal:
        a_draft(**terms)
    assert refusal.value.field == field
