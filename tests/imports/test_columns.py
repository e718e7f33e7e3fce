"""Headers as shops write them, and mappings as people give them."""

import pytest

from tenant_apps.imports.columns import FIELDS, check_mapping, match_columns, require_complete
from tenant_apps.imports.errors import InvalidMapping, InvalidOptions
from tenant_apps.imports.options import check_options, infer_date_order, infer_options, infer_separator
from tenant_apps.imports.reading import Head
from tests.imports.files import HEADER


def test_the_data_set_of_a_real_shop_is_understood():
    assert match_columns(HEADER) == {
        "invoice": "InvoiceNo",
        "sku": "StockCode",
        "description": "Description",
        "quantity": "Quantity",
        "placed_at": "InvoiceDate",
        "unit_price": "UnitPrice",
        "customer": "CustomerID",
        "country": "Country",
    }


@pytest.mark.parametrize(
    "header",
    [
        ["invoice_no", "stock code", "QTY", "Invoice-Date", "unit price"],
        ["Order Number", "SKU", "Quantity", "Date", "Price"],
        ["Rechnungsnummer", "Artikelnummer", "Menge", "Datum", "Einzelpreis"],
    ],
)
def test_other_spellings_are_understood(header: list[str]):
    assert [
        match_columns(header)[name] for name in [field.name for field in FIELDS if field.required]
    ] == header


def test_a_column_is_named_that_does_not_exist():
    with pytest.raises(InvalidMapping, match="no column “Kode”"):
        check_mapping({"sku": "Kode"}, HEADER)


def test_a_field_is_named_that_does_not_exist():
    with pytest.raises(InvalidMapping, match="“colour” is no field"):
        check_mapping({"colour": "StockCode"}, HEADER)


def test_one_column_cannot_feed_two_fields():
    with pytest.raises(InvalidMapping, match="two fields"):
        check_mapping({"sku": "StockCode", "description": "StockCode"}, HEADER)


def test_a_column_that_stands_twice_cannot_be_meant():
    with pytest.raises(InvalidMapping, match="2 times"):
        check_mapping({"sku": "code"}, ["code", "code"])


def test_what_is_missing_is_said_with_what_there_is():
    with pytest.raises(InvalidMapping, match="“SKU”, “Unit price”") as caught:
        require_complete(
            match_columns(["InvoiceNo", "Qty", "Date", "Colour"]), ["InvoiceNo", "Qty", "Date", "Colour"]
        )
    assert caught.value.data["missing"] == ["sku", "unit_price"]
    assert "“Colour”" in caught.value.detail


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["2010-12-01 08:26:00"], "ymd"),
        (["12/1/2010", "12/13/2010"], "mdy"),
        (["1.12.2010", "13.12.2010"], "dmy"),
        (["1/12/2010", "2/12/2010"], None),
        (["nonsense", ""], "ymd"),
        ([], "ymd"),
    ],
)
def test_the_order_of_day_and_month_is_told_or_asked_for(dates: list[str], order: str | None):
    assert infer_date_order(dates) == order


@pytest.mark.parametrize(
    ("prices", "separator"), [(["2.55", "3"], "."), (["2,55", "3"], ","), (["2,55", "2.55"], "."), ([], ".")]
)
def test_the_decimal_separator_is_told(prices: list[str], separator: str):
    assert infer_separator(prices) == separator


def test_options_come_from_the_mapped_columns():
    head = Head(";", ["Datum", "Preis"], [["31.01.2011", "1,50"]])
    mapping = {"placed_at": "Datum", "unit_price": "Preis"}
    assert infer_options(head, mapping) == {"date_order": "dmy", "decimal_separator": ","}


@pytest.mark.parametrize(
    "options",
    [
        {"currency": "pounds"},
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "../../etc/passwd"},
        {"date_order": "ydm"},
        {"decimal_separator": "'"},
        {"decimal_separator": 1},
        {"colour": "red"},
    ],
)
def test_unknown_options_and_values_are_refused(options: dict[str, str]):
    with pytest.raises(InvalidOptions):
        check_options(options)


def test_good_options_are_kept():
    options = {"currency": "GBP", "time_zone": "Europe/London", "date_order": "mdy", "decimal_separator": ","}
    assert check_options(options) == options
