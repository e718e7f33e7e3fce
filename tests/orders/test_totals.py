"""The arithmetic of orders: parts add up to their whole, whatever is bought."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant_apps.orders.totals import ZERO, Discount, allocate, reckon, tax_of

cents = st.integers(0, 10_000_000).map(lambda amount: Decimal(amount) / 100)
rates = st.sampled_from([Decimal(rate) for rate in ("0", "5.5", "7", "8.875", "19", "20", "100")])
discounts = st.one_of(
    st.just(Discount()),
    st.decimals("0.01", "100", places=2).map(lambda value: Discount("percent", value)),
    cents.map(lambda value: Discount("amount", value)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cents, rates), min_size=1, max_size=12), discounts, cents, rates, st.booleans())
def test_the_cents_of_an_order_always_add_up(lines, discount, shipping, shipping_rate, included):
    amounts, line_rates = [amount for amount, _ in lines], [rate for _, rate in lines]
    totals = reckon(
        amounts,
        line_rates,
        discount=discount,
        shipping=shipping,
        shipping_rate=shipping_rate,
        prices_include_tax=included,
    )
    assert totals.subtotal == sum(amounts)
    assert totals.discount == sum(totals.line_discounts) <= totals.subtotal
    assert totals.tax == sum(totals.line_taxes) + totals.shipping_tax
    assert totals.total == totals.subtotal - totals.discount + shipping + (ZERO if included else totals.tax)
    for amount, off, tax in zip(amounts, totals.line_discounts, totals.line_taxes, strict=True):
        assert ZERO <= off <= amount
        assert ZERO <= tax <= amount - off or not included
    charged = [
        (*part, rate)
        for part, rate in zip(
            zip(amounts, totals.line_discounts, totals.line_taxes, strict=True), line_rates, strict=True
        )
    ] + [(shipping, ZERO, totals.shipping_tax, shipping_rate)]
    for rate in {*line_rates, shipping_rate}:
        parts = [(amount - off, tax) for amount, off, tax, its in charged if its == rate]
        assert sum(tax for _, tax in parts) == tax_of(sum(amount for amount, _ in parts), rate, included)


def test_what_cannot_be_shared_evenly_goes_to_the_largest_remainders():
    thirds = allocate(Decimal("1.00"), [Decimal(1)] * 3)
    assert thirds == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
    assert allocate(Decimal("0.01"), [Decimal(1), Decimal(3)]) == [ZERO, Decimal("0.01")]
    assert allocate(Decimal("5.00"), [ZERO, ZERO]) == [ZERO, ZERO]


@pytest.mark.parametrize(
    ("amount", "rate", "included", "tax"),
    [("0.05", "10", False, "0.01"), ("0.15", "10", False, "0.02"), ("119.00", "19", True, "19.00")],
)
def test_half_a_cent_is_rounded_up(amount, rate, included, tax):
    assert tax_of(Decimal(amount), Decimal(rate), included) == Decimal(tax)
