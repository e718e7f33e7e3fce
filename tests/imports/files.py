"""Files of order lines for tests, with known truth: what is sound, what is not, and why."""

import csv
import io
import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

HEADER = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
SOUND = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "WHITE HANGING HEART",
    "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850.0",
    "Country": "United Kingdom",
}
# One row for each reason: what has to be changed in a sound row.
DIRT: dict[str, dict[str, str]] = {
    "forbidden_character": {"Description": "HEART\x00"},
    "text_too_long": {"Description": "X" * 201},
    "invoice_missing": {"InvoiceNo": " "},
    "unknown_document": {"InvoiceNo": "A563185"},
    "sku_missing": {"StockCode": ""},
    "date_invalid": {"InvoiceDate": "2010-02-30 08:26:00"},
    "date_out_of_range": {"InvoiceDate": "1912-04-14 23:40:00"},
    "quantity_invalid": {"Quantity": "six"},
    "quantity_zero": {"Quantity": "0"},
    "negative_quantity": {"Quantity": "-10"},
    "positive_quantity": {"InvoiceNo": "C536379", "Quantity": "1"},
    "quantity_out_of_range": {"Quantity": "2147483648"},
    "price_invalid": {"UnitPrice": "1e2"},
    "price_not_positive": {"UnitPrice": "0.0"},
    "price_fraction_of_cent": {"UnitPrice": "0.001"},
    "amount_out_of_range": {"UnitPrice": "9999999999.99"},
    "customer_differs": {"CustomerID": "13047.0"},
}


@dataclass
class Truth:
    """What an importer has to find in a generated file."""

    rows: int = 0
    sound: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    sales: dict[str, Decimal] = field(default_factory=dict)
    cancellations: dict[str, Decimal] = field(default_factory=dict)
    skus: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)

    def counts(self) -> dict[str, int]:
        """The same as `running.counts` of a first import."""
        return {
            "rows_read": self.rows,
            "rows_imported": self.sound,
            "rows_rejected": self.reasons.total(),
            "rows_already_there": 0,
            "products_created": len(self.skus),
            "customers_created": len(self.customers),
            "orders_created": len(self.sales),
            "cancellations_created": len(self.cancellations),
            "orders_skipped": 0,
        }


def a_row(**changes: str) -> dict[str, str]:
    """A sound row with changes."""
    return {**SOUND, **changes}


def a_csv(*rows: dict[str, str], delimiter: str = ",") -> str:
    """The rows as a file's text, below the usual header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def every_reason() -> str:
    """A file with a sound row and then one row for each reason that one row can have."""
    bad_shapes = "536365,too,short\n" + '536365,"open quote,x,1,2010-12-01 08:26:00,1.00,,UK\n'
    return a_csv(a_row(), *(a_row(**changes) for changes in DIRT.values())) + bad_shapes


def generated(invoices: int, seed: int = 7) -> tuple[str, Truth]:
    """A shop's history with all the dirt of real ones: its text, and the truth about it."""
    dice, truth, blocks = random.Random(seed), Truth(), list[list[dict[str, str]]]()
    for number in range(invoices):
        blocks.append(_invoice(dice, truth, number))
    # Two invoices are interrupted by others and taken up again later in the file.
    for position in (invoices // 3, invoices // 2):
        block = blocks[position]
        blocks.insert(position + 4, block[len(block) // 2 :])
        blocks[position] = block[: len(block) // 2]
    return a_csv(*(row for block in blocks for row in block)), truth


def _invoice(dice: random.Random, truth: Truth, number: int) -> list[dict[str, str]]:
    cancelled = dice.random() < 0.15
    code = f"{'C' if cancelled else ''}{536365 + number}"
    customer = f"{12346 + dice.randrange(400)}.0" if dice.random() < 0.75 else ""
    at = f"2011-{1 + number % 9:02}-{1 + number % 28:02} {8 + number % 10:02}:{number % 60:02}:00"
    common = {
        "InvoiceNo": code,
        "CustomerID": customer,
        "InvoiceDate": at,
        "Country": dice.choice(["France", "EIRE"]),
    }
    rows = [_line(dice, truth, code, cancelled, common) for _ in range(1 + dice.randrange(12))]
    truth.customers |= {row["CustomerID"].removesuffix(".0") for row in rows if row.get("sound")} - {""}
    for row in rows:
        row.pop("sound", None)
    return rows


def _line(
    dice: random.Random, truth: Truth, code: str, cancelled: bool, common: dict[str, str]
) -> dict[str, str]:
    sku, pieces, price = (
        f"{20000 + dice.randrange(900)}{dice.choice(['', 'a', 'B'])}",
        1 + dice.randrange(48),
        dice.randrange(1, 2000),
    )
    row = {
        "StockCode": sku,
        "Description": dice.choice([f"THING {sku.upper()}", "", f'"QUOTED", {sku}']),
        "Quantity": str(-pieces if cancelled else pieces),
        "UnitPrice": f"{price / 100:.2f}",
        **common,
    }
    truth.rows += 1
    if dice.random() < 0.06:
        return row | _dirt(dice, truth, cancelled)
    ledger, amount = truth.cancellations if cancelled else truth.sales, Decimal(price * pieces) / 100
    ledger[code] = ledger.get(code, Decimal(0)) + amount
    truth.sound += 1
    truth.skus.add(sku.upper())
    return row | {"sound": "yes"}


def _dirt(dice: random.Random, truth: Truth, cancelled: bool) -> dict[str, str]:
    anywhere = (
        "unknown_document",
        "price_not_positive",
        "price_fraction_of_cent",
        "sku_missing",
        "date_invalid",
    )
    reason = dice.choice([*anywhere, "quantity_zero", *([] if cancelled else ["negative_quantity"])])
    truth.reasons[reason] += 1
    return DIRT[reason]
