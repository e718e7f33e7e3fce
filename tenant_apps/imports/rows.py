"""One row of a file as one line of an order, or the reason why it cannot be one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from operator import itemgetter
from typing import Final, Generic, NamedTuple, TypeVar

from django.db import models

from tenant_apps.imports.columns import FIELDS

T = TypeVar("T")

MOST_QUANTITY: Final = 2_147_483_647
MOST_AMOUNT: Final = Decimal("9999999999.99")
LONGEST_CODE: Final = 64
LONGEST_TEXT: Final = 200
LONGEST_COUNTRY: Final = 60
FIRST_YEAR: Final = 1970

WHOLE_NUMBER: Final = re.compile(r"([+-]?[0-9]+)(?:\.0+)?")
PRICE: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
# What the column for the kind of document says of a cancellation; our own exports do, and count its pieces up.
SAID_CANCELLED: Final = frozenset({"cancellation", "Cancellation"})
DOCUMENT: Final = re.compile(r"(C?)[0-9]+")
# Control characters, direction overrides, halves of surrogate pairs, and what a decoder could not read.
FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffd]"
)
TIME: Final = (
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)? ?(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
DATES: Final = {
    "ymd": re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + TIME, re.ASCII),
    "dmy": re.compile(r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + TIME, re.ASCII),
    "mdy": re.compile(r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4}|\d{2})" + TIME, re.ASCII),
}


class Reason(models.TextChoices):
    """Why a row was not imported."""

    COLUMN_COUNT = "column_count", "Number of columns"
    LINE_TOO_LONG = "line_too_long", "Line too long"
    MALFORMED_QUOTES = "malformed_quotes", "Quotation marks"
    FORBIDDEN_CHARACTER = "forbidden_character", "Unreadable or forbidden character"
    TEXT_TOO_LONG = "text_too_long", "Text too long"
    INVOICE_MISSING = "invoice_missing", "No invoice number"
    UNKNOWN_DOCUMENT = "unknown_document", "Neither a sale nor a cancellation"
    SKU_MISSING = "sku_missing", "No SKU"
    DATE_INVALID = "date_invalid", "Date not understood"
    DATE_OUT_OF_RANGE = "date_out_of_range", "Date out of range"
    QUANTITY_INVALID = "quantity_invalid", "Quantity is no whole number"
    QUANTITY_ZERO = "quantity_zero", "Quantity is zero"
    NEGATIVE_QUANTITY = "negative_quantity", "Negative quantity on a sale"
    POSITIVE_QUANTITY = "positive_quantity", "Positive quantity on a cancellation"
    QUANTITY_OUT_OF_RANGE = "quantity_out_of_range", "Quantity out of range"
    PRICE_INVALID = "price_invalid", "Price is no number"
    PRICE_NOT_POSITIVE = "price_not_positive", "Price is zero or less"
    PRICE_FRACTION_OF_CENT = "price_fraction_of_cent", "Price has fractions of a cent"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range", "Amount out of range"
    CUSTOMER_DIFFERS = "customer_differs", "Another customer on the same invoice"
    ORDER_EXISTS = "order_exists", "Order is there already, without this row"
    SKU_REPEATED = "sku_repeated", "SKU stands in the file twice"
    EMAIL_INVALID = "email_invalid", "No e-mail address"
    EMAIL_REPEATED = "email_repeated", "Address stands in the file twice"
    NUMBER_INVALID = "number_invalid", "Not a whole number"
    CATEGORY_AMBIGUOUS = "category_ambiguous", "Several categories have this name"
    REFUSED = "refused", "Not a sound product or customer"
    CHANGED_SINCE = "changed_since", "Not undone: changed since"
    IN_USE = "in_use", "Not undone: in use"


class RowRejected(Exception):
    """This row cannot be imported; the others can."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Row(NamedTuple):
    """A sound row: one line of one order or cancellation, in the words of the database."""

    invoice: str
    is_cancellation: bool
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    placed_at: datetime
    customer: str | None
    customer_name: str
    country: str


class Document(NamedTuple):
    """An invoice number and what it says about its kind."""

    number: str
    is_cancellation: bool


class Memo(dict[str, T], Generic[T]):
    """Parsed values by their text. Files repeat themselves, so that most fields cost one look-up."""

    MOST_ENTRIES = 20_000
    LONGEST = 256

    def __init__(self, parse: Callable[[str], T]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> T:
        value = self._parse(text)
        if len(text) <= self.LONGEST:
            if len(self) >= self.MOST_ENTRIES:
                self.clear()
            self[text] = value
        return value


class RowReader:
    """Reads the rows of one file: where its fields stand and how its dates and prices are written."""

    def __init__(
        self,
        *,
        mapping: Mapping[str, str],
        columns: Sequence[str],
        zone: tzinfo,
        now: datetime,
        date_order: str = "ymd",
        decimal_separator: str = ".",
    ) -> None:
        absent = len(columns)
        positions = [columns.index(mapping[f.name]) if mapping.get(f.name) else absent for f in FIELDS]
        self._pick = itemgetter(*positions)
        self._documents = Memo(parse_document)
        self._codes = Memo(lambda text: parse_sku(undisarmed(text)))
        self._quantities = Memo(parse_quantity)
        self._prices = Memo(lambda text: parse_price(text, decimal_separator))
        self._dates = Memo(DateParser(zone, now, date_order))
        self._descriptions = Memo(lambda text: parse_text(undisarmed(text), "description", LONGEST_TEXT))
        self._customers = Memo(parse_customer)
        self._names = Memo(lambda text: parse_text(undisarmed(text), "customer name", LONGEST_TEXT))
        self._countries = Memo(lambda text: parse_text(text, "country", LONGEST_COUNTRY))

    def read(self, fields: Sequence[str]) -> Row:
        """The row's order line. The checks run in this order, and the first that fails is the reason."""
        invoice, sku, quantity, date, price, description, customer, name, country, kind = self._pick(
            (*fields, "")
        )
        number, is_cancellation = self._documents[invoice]
        code = self._codes[sku]
        placed_at = self._dates[date]
        pieces = signed_quantity(
            self._quantities[quantity], is_cancellation, is_said=is_cancellation and kind in SAID_CANCELLED
        )
        unit_price = self._prices[price]
        if pieces * unit_price > MOST_AMOUNT:
            raise RowRejected(
                Reason.AMOUNT_OUT_OF_RANGE,
                f"{pieces} at {unit_price} is more than {MOST_AMOUNT}, the most for a line.",
            )
        return Row(
            number,
            is_cancellation,
            code,
            self._descriptions[description],
            pieces,
            unit_price,
            placed_at,
            self._customers[customer],
            self._names[name],
            self._countries[country],
        )


def undisarmed(text: str) -> str:
    """A cell as it was before an export kept spreadsheets from running it."""
    return text[1:] if re.match("'[=+@\t\r\n-]", text) else text


def parse_text(text: str, what: str, longest: int) -> str:
    """Text with single spaces, checked for what a database or a page cannot carry."""
    found = FORBIDDEN.search(text)
    if found:
        raise RowRejected(
            Reason.FORBIDDEN_CHARACTER,
            f"The {what} holds the character U+{ord(found[0]):04X}. Remove it, and save the file as UTF-8.",
        )
    tidy = " ".join(text.split())
    if len(tidy) > longest:
        raise RowRejected(
            Reason.TEXT_TOO_LONG, f"The {what} has {len(tidy)} characters; {longest} are the most."
        )
    return tidy


def parse_document(text: str) -> Document:
    """`536365` is a sale, `C536379` a cancellation; anything else is neither."""
    number = without_fraction(parse_text(text, "invoice number", LONGEST_CODE).upper())
    if not number:
        raise RowRejected(Reason.INVOICE_MISSING, "The invoice number is empty.")
    match = DOCUMENT.fullmatch(number)
    if match is None:
        raise RowRejected(
            Reason.UNKNOWN_DOCUMENT,
            f"{number} is neither a sale (digits) nor a cancellation (C and digits).",
        )
    return Document(number, bool(match[1]))


def parse_sku(text: str) -> str:
    """A stock code in capitals, as products keep it."""
    code = parse_text(text, "SKU", LONGEST_CODE).upper()
    if not code:
        raise RowRejected(Reason.SKU_MISSING, "The SKU is empty.")
    if len(code) > LONGEST_CODE:
        raise RowRejected(
            Reason.TEXT_TOO_LONG, f"The SKU in capitals has more than {LONGEST_CODE} characters."
        )
    return code


def parse_customer(text: str) -> str | None:
    """A customer's number as text; spreadsheets turn 17850 into 17850.0, which is the same customer."""
    return without_fraction(parse_text(text, "customer number", LONGEST_CODE)) or None


def without_fraction(text: str) -> str:
    """The text without the `.0` that spreadsheets add to whole numbers."""
    head, point, tail = text.partition(".")
    return head if point and head.isdigit() and tail and not tail.strip("0") else text


def parse_quantity(text: str) -> int:
    """A whole number other than zero."""
    match = WHOLE_NUMBER.fullmatch(text.strip())
    if match is None:
        raise RowRejected(Reason.QUANTITY_INVALID, f"“{shown(text)}” is no whole number.")
    if len(match[1]) > 11 or abs(int(match[1])) > MOST_QUANTITY:
        raise RowRejected(Reason.QUANTITY_OUT_OF_RANGE, f"{shown(text)} is beyond ±{MOST_QUANTITY}.")
    quantity = int(match[1])
    if quantity == 0:
        raise RowRejected(Reason.QUANTITY_ZERO, "The quantity is 0; nothing was sold or given back.")
    return quantity


def signed_quantity(quantity: int, is_cancellation: bool, *, is_said: bool = False) -> int:
    """The pieces moved; refuses the sign that does not go with the document, unless a column says what it is."""
    if is_cancellation and quantity > 0 and not is_said:
        raise RowRejected(
            Reason.POSITIVE_QUANTITY, f"A cancellation gives goods back, but the quantity is {quantity}."
        )
    if not is_cancellation and quantity < 0:
        raise RowRejected(
            Reason.NEGATIVE_QUANTITY,
            f"The quantity is {quantity} on a sale. This is a stock adjustment; enter it under stock.",
        )
    return abs(quantity)


def parse_price(text: str, decimal_separator: str = ".") -> Decimal:
    """A price above zero in whole cents."""
    plain = text.strip()
    if decimal_separator != ".":
        plain = plain.replace(".", " ").replace(decimal_separator, ".")
    if PRICE.fullmatch(plain) is None:
        raise RowRejected(
            Reason.PRICE_INVALID,
            f"“{shown(text)}” is no price such as 1234{decimal_separator}50: "
            "leave out the currency and any thousands separator.",
        )
    return checked_price(Decimal(plain))


def checked_price(price: Decimal) -> Decimal:
    """The price in cents, unless it is no price to sell at."""
    if price <= 0:
        raise RowRejected(Reason.PRICE_NOT_POSITIVE, f"The price is {price}; a sale has a price above 0.")
    if price > MOST_AMOUNT:
        raise RowRejected(Reason.AMOUNT_OUT_OF_RANGE, f"The price {price} is more than {MOST_AMOUNT}.")
    cents = price.quantize(Decimal("0.01"))
    if cents != price:
        raise RowRejected(Reason.PRICE_FRACTION_OF_CENT, f"The price {price} has fractions of a cent.")
    return cents


class DateParser:
    """Reads local dates and times in the shop's time zone; a date that names its own offset keeps it."""

    def __init__(self, zone: tzinfo, now: datetime, order: str) -> None:
        self._zone = zone
        self._latest = now + timedelta(days=1)
        self._order = order

    def __call__(self, text: str) -> datetime:
        """The moment in UTC."""
        plain = text.strip()
        match = DATES["ymd"].fullmatch(plain) or DATES[self._order].fullmatch(plain)
        if match is None:
            raise RowRejected(
                Reason.DATE_INVALID, f"“{shown(text)}” is no date such as {EXAMPLES[self._order]}."
            )
        try:
            # Where clocks go back, the first of the two hours is taken; where they skip one, it is moved on.
            moment = local_time(match, self._zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RowRejected(
                Reason.DATE_INVALID, f"“{shown(text)}” is no day or time of the calendar."
            ) from error
        if moment.year < FIRST_YEAR or moment > self._latest:
            raise RowRejected(
                Reason.DATE_OUT_OF_RANGE, f"{shown(text)} is before {FIRST_YEAR} or in the future."
            )
        return moment


EXAMPLES: Final = {"ymd": "2010-12-31 08:26:00", "dmy": "31/12/2010 08:26", "mdy": "12/31/2010 08:26"}


def local_time(match: re.Match[str], zone: tzinfo) -> datetime:
    """The date and time that a pattern found, with the offset it names or in the zone."""
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    return datetime(
        year,
        int(match["month"]),
        int(match["day"]),
        hour_of_day(match),
        int(match["minute"] or 0),
        int(match["second"] or 0),
        tzinfo=named_offset(match["zone"]) or zone,
    )


def hour_of_day(match: re.Match[str]) -> int:
    """The hour from 0 to 23, with AM and PM understood."""
    hour = int(match["hour"] or 0)
    if not match["half"]:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("AM and PM go with hours from 1 to 12")
    return hour % 12 + (12 if match["half"] in "pP" else 0)


def named_offset(text: str | None) -> tzinfo | None:
    """`Z` or `+01:00` as a time zone."""
    if not text:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def shown(text: str) -> str:
    """A value as an error text can show it: short, on one line."""
    tidy = " ".join(FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text).split())
    return tidy if len(tidy) <= 60 else tidy[:59] + "…"
