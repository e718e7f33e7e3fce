"""Files of products: each row makes a product or changes the one that has its SKU, by the verbs of products."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from tenant_apps.imports.models import Import, ImportedProduct
from tenant_apps.imports.rows import (
    PRICE,
    Reason,
    RowRejected,
    parse_sku,
    parse_text,
    shown,
    without_fraction,
)
from tenant_apps.imports.staging import Accepted, Chunk, Rejected, copy_rejected
from tenant_apps.products.models import Category, Product
from tenant_apps.products.services import create_category, create_product, update_product
from tenants.audit.actors import Actor
from tenants.errors import DomainError

CHUNK_PRODUCTS: Final = 200
WORKER: Final = Actor.system("importer")
LONGEST_DESCRIPTION: Final = 20_000
PRICES: Final = ("price", "compare_at_price", "cost_price")
WORDS: Final = ("status", "tax_class", "kind")
Outcome = ImportedProduct.Outcome


class ProductReader:
    """Reads the rows of one file of products. What a cell leaves empty is not said."""

    def __init__(self, *, mapping: Mapping[str, str], columns: Sequence[str], decimal_separator: str) -> None:
        self._places = {name: columns.index(column) for name, column in mapping.items() if column}
        self._separator = decimal_separator

    def read(self, fields: Sequence[str]) -> dict[str, Any]:
        """What the row says of its product; raises RowRejected with the first thing that is wrong."""
        sku = parse_sku(_undisarmed(fields[self._places["sku"]]))
        texts = {name: _undisarmed(fields[place]) for name, place in self._places.items() if name != "sku"}
        said = {name: text for name, text in texts.items() if text.strip()}
        return {"sku": sku} | {name: self._value(name, text) for name, text in said.items()}

    def _value(self, name: str, text: str) -> Any:
        what = name.replace("_", " ")
        if name in PRICES:
            return _amount(text, what, self._separator)
        if name == "low_stock_at":
            return _whole(text, what)
        if name == "tags":
            return [tag for part in re.split("[,;|]", text) if (tag := parse_text(part, what, 40))]
        if name == "description":
            return _paragraphs(text, what)
        plain = parse_text(text, what, 200)
        return plain.lower() if name in WORDS else plain


def _undisarmed(text: str) -> str:
    """A cell as it was before an export kept spreadsheets from running it."""
    return text[1:] if re.match("'[=+@\t\r\n-]", text) else text


def _amount(text: str, what: str, separator: str) -> Decimal:
    plain = text.strip()
    if separator != ".":
        plain = plain.replace(".", " ").replace(separator, ".")
    if PRICE.fullmatch(plain) is None:
        raise RowRejected(
            Reason.PRICE_INVALID,
            f"The {what} “{shown(text)}” is no amount such as 1234{separator}50: "
            "leave out the currency and any thousands separator.",
        )
    return Decimal(plain)


def _whole(text: str, what: str) -> int:
    plain = without_fraction(text.strip())
    if not (plain.isascii() and plain.isdigit() and len(plain) < 10):
        raise RowRejected(Reason.NUMBER_INVALID, f"The {what} “{shown(text)}” is no whole number.")
    return int(plain)


def _paragraphs(text: str, what: str) -> str:
    lines = [parse_text(line, what, LONGEST_DESCRIPTION) for line in text.splitlines()]
    return "\n".join(lines).strip()


# Applying


def put_products(job: Import, chunk: Chunk) -> None:
    """Make and change the chunk's products and note what became of each row; a dry run keeps only the notes."""
    _reject_repeated(job, chunk)
    with transaction.atomic():
        noted = _put_all(job, chunk)
        if job.is_rehearsal:
            transaction.set_rollback(True)
    ImportedProduct.objects.bulk_create(noted)
    copy_rejected(job, chunk.rejected)
    tally = {outcome: sum(note.outcome == outcome for note in noted) for outcome in Outcome}
    job.products_created += tally[Outcome.NEW]
    job.products_changed += tally[Outcome.CHANGED]
    job.rows_imported += tally[Outcome.NEW] + tally[Outcome.CHANGED]
    job.rows_already_there += tally[Outcome.SAME]
    job.rows_rejected += len(chunk.rejected)
    job.rows_read += len(noted) + len(chunk.rejected)
    job.staged_line = job.applied_line = chunk.last_line


def _reject_repeated(job: Import, chunk: Chunk) -> None:
    skus = [entry.row["sku"] for entry in chunk.accepted]
    first = dict(ImportedProduct.objects.filter(job=job, sku__in=skus).values_list("sku", "line"))
    kept = []
    for entry in chunk.accepted:
        before = first.setdefault(entry.row["sku"], entry.line)
        if before == entry.line:
            kept.append(entry)
        else:
            detail = f"Line {before} has the SKU {entry.row['sku']} too. Keep one of the rows."
            chunk.rejected.append(Rejected(entry.line, Reason.SKU_REPEATED, detail, entry.fields))
    chunk.accepted = kept


def _put_all(job: Import, chunk: Chunk) -> list[ImportedProduct]:
    known = {
        product.sku: product
        for product in Product.objects.filter(sku__in=[entry.row["sku"] for entry in chunk.accepted])
    }
    noted = []
    # In the order in which orders lock products, so that neither waits for the other in a circle.
    for entry in sorted(chunk.accepted, key=lambda entry: entry.row["sku"]):
        try:
            with transaction.atomic():
                noted.append(_put(job, entry, known.get(entry.row["sku"])))
        except RowRejected as error:
            chunk.rejected.append(Rejected(entry.line, error.reason, error.detail, entry.fields))
        except DomainError as error:
            chunk.rejected.append(Rejected(entry.line, Reason.REFUSED, error.detail, entry.fields))
    return noted


def _put(job: Import, entry: Accepted, product: Product | None) -> ImportedProduct:
    given = dict(entry.row)
    sku = given.pop("sku")
    if "category" in given:
        given["category"] = _category(given["category"])
    note = ImportedProduct(job=job, line=entry.line, sku=sku)
    if product is None:
        made = _create(job, sku, given)
        note.outcome, note.product_id, note.after = Outcome.NEW, made.pk, state_of(made, given)
        return note
    given.pop("kind", None)
    note.product_id, note.before = product.pk, state_of(product, given)
    note.after = state_of(update_product(actor=WORKER, product=product, **given), given)
    note.outcome = Outcome.SAME if note.before == note.after else Outcome.CHANGED
    return note


def _create(job: Import, sku: str, given: dict[str, Any]) -> Product:
    missing = [name for name in ("name", "price") if name not in given]
    if missing:
        raise RowRejected(
            Reason.REFUSED,
            f"There is no product {sku} yet, and a new one needs a {' and a '.join(missing)}.",
        )
    return create_product(actor=WORKER, sku=sku, currency=job.options["currency"], **given)


def _category(name: str) -> Category:
    found = list(Category.objects.filter(name__iexact=name)[:2])
    if len(found) > 1:
        raise RowRejected(
            Reason.CATEGORY_AMBIGUOUS, f"Several categories are called “{shown(name)}”. Rename all but one."
        )
    return found[0] if found else create_category(actor=WORKER, name=name)


def state_of(product: Product, names: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """What a product says under these names, as a note keeps it."""
    return {name: _plain(getattr(product, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, Category):
        return str(value.pk)
    return value if value is None or isinstance(value, int | str | list) else str(value)
