"""Single fields and rows: what is understood, and which reason is given for what is not."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tenant_apps.imports.columns import match_columns
from tenant_apps.imports.rows import (
    DateParser,
    Memo,
    Reason,
    Row,
    RowReader,
    RowRejected,
    parse_customer,
    parse_document,
    parse_price,
    parse_quantity,
    parse_sku,
)
from tests.imports.files import DIRT, HEADER, SOUND, a_row

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def reader(**options: Any) -> RowReader:
    given: dict[str, Any] = {"mapping": match_columns(HEADER), "columns": HEADER, "zone": LONDON, "now": NOW}
    return RowReader(**(given | options))


def read(**changes: str) -> Row:
    return reader().read(list(a_row(**changes).values()))


def reason_of(parse: Any, *args: Any) -> str:
    with pytest.raises(RowRejected) as caught:
        parse(*args)
    assert caught.value.detail.endswith(".")
    return caught.value.reason.value


def test_a_sound_row_becomes_an_order_line():
    assert read() == Row(
        invoice="536365",
        is_cancellation=False,
        sku="85123A",
        description="WHITE HANGING HEART",
        quantity=6,
        unit_price=Decimal("2.55"),
        placed_at=datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
        customer="17850",
        customer_name="",
        country="United Kingdom",
    )


def test_a_cancellation_gives_pieces_back():
    row = read(InvoiceNo="c536379", Quantity="-3")
    assert (row.invoice, row.is_cancellation, row.quantity) == ("C536379", True, 3)


def test_text_is_trimmed_and_codes_are_raised():
    row = read(StockCode=" 85123a ", Description="  WHITE\t HEART ", CustomerID="")
    assert (row.sku, row.description, row.customer) == ("85123A", "WHITE HEART", None)


def test_optional_columns_may_be_absent():
    columns = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice")
    row = reader(mapping=match_columns(columns), columns=columns).read([SOUND[name] for name in columns])
    assert (row.description, row.customer, row.country) == ("", None, "")


@pytest.mark.parametrize("reason", [reason for reason in DIRT if reason != "customer_differs"])
def test_each_kind_of_dirt_has_its_reason(reason: str):
    assert reason_of(lambda: read(**DIRT[reason])) == reason


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\u202eb", f"a{chr(0xDC80)}b", "a\N{REPLACEMENT CHARACTER}b", "a\x9bb", "a\x7fb"]
)
@pytest.mark.parametrize("column", ["InvoiceNo", "StockCode", "Description", "CustomerID", "Country"])
def test_no_text_may_hold_what_cannot_be_stored_or_shown(column: str, text: str):
    assert reason_of(lambda: read(**{column: text})) == Reason.FORBIDDEN_CHARACTER


@pytest.mark.parametrize(("text", "number"), [("536365.0", "536365"), ("c1", "C1"), (" C42 ", "C42")])
def test_invoice_numbers_are_put_into_one_form(text: str, number: str):
    assert parse_document(text).number == number


@pytest.mark.parametrize("text", ["A563185", "CC1", "C", "12-3", "536365.5", "٣"])
def test_other_documents_are_neither_sale_nor_cancellation(text: str):
    assert reason_of(parse_document, text) == Reason.UNKNOWN_DOCUMENT


@pytest.mark.parametrize(
    ("text", "customer"),
    [("17850.0", "17850"), ("17850", "17850"), ("", None), ("K-7.0", "K-7.0"), ("1.5", "1.5")],
)
def test_customers_keep_their_number_without_the_spreadsheets_fraction(text: str, customer: str | None):
    assert parse_customer(text) == customer


def test_a_code_that_grows_by_capitals_is_measured_afterwards():
    assert reason_of(parse_sku, "ß" * 40) == Reason.TEXT_TOO_LONG


@pytest.mark.parametrize(
    ("text", "quantity"), [("6", 6), ("+6", 6), ("-6", -6), (" 6.0 ", 6), ("2147483647", 2147483647)]
)
def test_quantities_are_whole_numbers(text: str, quantity: int):
    assert parse_quantity(text) == quantity


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "quantity_invalid"),
        ("1.5", "quantity_invalid"),
        ("1,000", "quantity_invalid"),
        ("٣", "quantity_invalid"),
        ("NaN", "quantity_invalid"),
        ("-0", "quantity_zero"),
        ("9" * 4000, "quantity_out_of_range"),
        ("-2147483648", "quantity_out_of_range"),
    ],
)
def test_other_quantities_have_their_reason(text: str, reason: str):
    assert reason_of(parse_quantity, text) == reason


@pytest.mark.parametrize(
    ("text", "separator", "price"),
    [
        ("2.55", ".", "2.55"),
        ("2.5500", ".", "2.55"),
        ("3", ".", "3.00"),
        ("2,55", ",", "2.55"),
        ("+1.1", ".", "1.10"),
    ],
)
def test_prices_are_exact(text: str, separator: str, price: str):
    assert str(parse_price(text, separator)) == price


@pytest.mark.parametrize(
    ("text", "separator", "reason"),
    [
        ("", ".", "price_invalid"),
        ("£2.55", ".", "price_invalid"),
        ("1,234.50", ".", "price_invalid"),
        ("1.234,50", ",", "price_invalid"),
        ("1e3", ".", "price_invalid"),
        ("NaN", ".", "price_invalid"),
        ("Infinity", ".", "price_invalid"),
        ("2,55", ".", "price_invalid"),
        ("-11062.06", ".", "price_not_positive"),
        ("0.00", ".", "price_not_positive"),
        ("0.125", ".", "price_fraction_of_cent"),
        ("10000000000", ".", "amount_out_of_range"),
    ],
)
def test_other_prices_have_their_reason(text: str, separator: str, reason: str):
    assert reason_of(parse_price, text, separator) == reason


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2010-12-01 08:26:00", "ymd", "2010-12-01T08:26:00+00:00"),
        ("2010-12-01T08:26", "ymd", "2010-12-01T08:26:00+00:00"),
        ("2010/12/01", "ymd", "2010-12-01T00:00:00+00:00"),
        ("2011-07-01 08:26:00", "ymd", "2011-07-01T07:26:00+00:00"),
        ("2011-07-01 08:26:00Z", "ymd", "2011-07-01T08:26:00+00:00"),
        ("2011-07-01 08:26:00.123 +02:00", "ymd", "2011-07-01T06:26:00+00:00"),
        ("2011-07-01 08:26 -0330", "ymd", "2011-07-01T11:56:00+00:00"),
        ("12/1/2010 8:26", "mdy", "2010-12-01T08:26:00+00:00"),
        ("1/12/10 8:26", "dmy", "2010-12-01T08:26:00+00:00"),
        ("01.12.2010", "dmy", "2010-12-01T00:00:00+00:00"),
        ("12/1/2010 12:05 AM", "mdy", "2010-12-01T00:05:00+00:00"),
        ("12/1/2010 1:05 p.m.", "mdy", "2010-12-01T13:05:00+00:00"),
        ("2010-12-01 08:26:00", "dmy", "2010-12-01T08:26:00+00:00"),
        # Clocks go back: the first of the two hours. Clocks skip an hour: it is moved on.
        ("2011-10-30 01:30:00", "ymd", "2011-10-30T00:30:00+00:00"),
        ("2011-03-27 01:30:00", "ymd", "2011-03-27T01:30:00+00:00"),
    ],
)
def test_dates_are_read_in_the_shops_time_zone(text: str, order: str, expected: str):
    assert DateParser(LONDON, NOW, order)(text).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "date_invalid"),
        ("yesterday", "date_invalid"),
        ("12/01/2010", "date_invalid"),
        ("2010-13-01", "date_invalid"),
        ("2010-12-01 24:00", "date_invalid"),
        ("2010-12-01 13:00 PM", "date_invalid"),
        ("2010-12-01 08:26 +99:00", "date_invalid"),
        ("٢٠١٠-12-01", "date_invalid"),
        ("0001-01-01", "date_out_of_range"),
        ("1969-12-31", "date_out_of_range"),
        ("2026-01-03", "date_out_of_range"),
        ("9999-12-31 23:59:59-14:00", "date_invalid"),
    ],
)
def test_other_dates_have_their_reason(text: str, reason: str):
    assert reason_of(DateParser(LONDON, NOW, "ymd"), text) == reason


def test_parsed_values_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Memo, "MOST_ENTRIES", 3)
    memo = Memo(len)
    assert [memo["x" * length] for length in (1, 2, 3, 4, 300)] == [1, 2, 3, 4, 300]
    assert list(memo) == ["xxxx"]
