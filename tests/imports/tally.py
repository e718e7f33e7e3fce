"""Counting a file of order lines without the importer: the standard library, one plain pass, its own rules."""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property


@dataclass
class Tally:
    """What a plain reading of a file finds."""

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    first_seen: dict[str, datetime] = field(default_factory=dict)
    skus: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)

    @cached_property
    def sales(self) -> set[str]:
        return {invoice for invoice in self.lines if not invoice.startswith("C")}

    @cached_property
    def cancellations(self) -> set[str]:
        return set(self.lines) - self.sales

    def counts(self) -> dict[str, int]:
        """The figures as an import gives them."""
        return {
            "rows_read": self.rows,
            "rows_imported": self.lines.total(),
            "rows_rejected": self.reasons.total(),
            "rows_already_there": 0,
            "products_created": len(self.skus),
            "customers_created": len(self.customers),
            "orders_created": len(self.sales),
            "cancellations_created": len(self.cancellations),
            "orders_skipped": 0,
        }


def tally(lines: Iterable[str]) -> Tally:
    """Count a file with the columns of the Online Retail data set."""
    found = Tally()
    for row in csv.DictReader(lines):
        found.rows += 1
        reason = why_not(row)
        if reason:
            found.reasons[reason] += 1
            continue
        invoice = row["InvoiceNo"]
        found.lines[invoice] += 1
        found.totals[invoice] += abs(int(row["Quantity"])) * round(float(row["UnitPrice"]) * 100)
        found.first_seen.setdefault(invoice, datetime.fromisoformat(row["InvoiceDate"]))
        found.skus.add(row["StockCode"].strip().upper())
        if row["CustomerID"]:
            found.customers.add(str(int(float(row["CustomerID"]))))
    return found


def why_not(row: dict[str, str]) -> str | None:
    """The reason to refuse a row of the real file: these four are all that its dirt needs."""
    invoice, quantity, price = row["InvoiceNo"], int(row["Quantity"]), Decimal(row["UnitPrice"])
    if not invoice.lstrip("C").isdigit():
        return "unknown_document"
    if quantity < 1 and not invoice.startswith("C"):
        return "negative_quantity"
    if price <= 0:
        return "price_not_positive"
    return "price_fraction_of_cent" if price * 100 % 1 else None
