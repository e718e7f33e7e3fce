"""What of an invoice is credited: all that is left, some of its lines, or an amount, with the tax that is in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from tenant_apps.invoices.errors import CreditTooHigh
from tenant_apps.invoices.models import Invoice
from tenant_apps.products.writing import rounded
from tenants.errors import Invalid

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class LineCredit:
    """So many pieces of a line of the invoice."""

    position: int
    quantity: int


@dataclass(slots=True)
class Left:
    """What of one tax rate has not been credited yet."""

    gross: Decimal
    tax: Decimal


def left_of(invoice: Invoice, earlier: Iterable[Invoice]) -> dict[Decimal, Left]:
    """What is left to credit, by tax rate."""
    left: dict[Decimal, Left] = {}
    for tax in invoice.snapshot["taxes"]:
        left[Decimal(tax["rate"])] = Left(Decimal(tax["net"]) + Decimal(tax["tax"]), Decimal(tax["tax"]))
    for credit in earlier:
        for tax in credit.snapshot["taxes"]:
            part = left[Decimal(tax["rate"])]
            part.gross -= Decimal(tax["net"]) + Decimal(tax["tax"])
            part.tax -= Decimal(tax["tax"])
    return left


def credit_all(invoice: Invoice, earlier: Sequence[Invoice], reason: str) -> dict[str, Any]:
    """All that is left: the invoice's own figures when nothing was credited before."""
    if earlier:
        left = left_of(invoice, earlier)
        return credit_amount(invoice, left, sum((part.gross for part in left.values()), ZERO), reason)
    names = ("lines", "subtotal", "discount", "discount_reason", "shipping", "prices_include_tax")
    return {name: invoice.snapshot[name] for name in (*names, "taxes", "net", "tax", "total")}


def credit_amount(
    invoice: Invoice, left: Mapping[Decimal, Left], amount: Decimal, reason: str
) -> dict[str, Any]:
    """An amount with tax, spread over the tax rates by what is left of each."""
    whole = sum((part.gross for part in left.values()), ZERO)
    if amount > whole:
        raise _too_high(invoice, amount, whole, "amount")
    shares = _spread(amount, {rate: part.gross for rate, part in left.items()})
    text = reason or f"Credit on {invoice.code}"
    lines = [
        _line(Row(position, text), rate, share, left[rate])
        for position, (rate, share) in enumerate(sorted(shares.items()), start=1)
    ]
    return _figures(lines)


def credit_lines(
    invoice: Invoice, earlier: Iterable[Invoice], left: Mapping[Decimal, Left], wanted: Sequence[LineCredit]
) -> dict[str, Any]:
    """Pieces of the invoice's lines; earlier credits of a line count, so that its last piece settles the cents."""
    lines = {line["position"]: line for line in invoice.snapshot["lines"]}
    taken = _taken(earlier)
    found: list[dict[str, Any]] = []
    for credit in wanted:
        line = lines.get(credit.position)
        if line is None:
            raise Invalid(f"{invoice.code} has no line {credit.position}.", field="lines")
        found.append(_credited(invoice, line, credit, taken, left))
        taken[credit.position] += credit.quantity
    return _figures(found)


def _credited(
    invoice: Invoice,
    line: dict[str, Any],
    credit: LineCredit,
    taken: Mapping[int, int],
    left: Mapping[Decimal, Left],
) -> dict[str, Any]:
    before, quantity = taken[credit.position], line["quantity"]
    if not 0 < credit.quantity <= quantity - before:
        raise CreditTooHigh(
            f"Line {credit.position} of {invoice.code} has {quantity - before} of {quantity} left to credit, "
            f"not {credit.quantity}.",
            field="lines",
        )
    gross = Decimal(line["gross"])
    share = rounded(gross * (before + credit.quantity) / quantity) - rounded(gross * before / quantity)
    rate = Decimal(line["tax_rate"])
    if share > left[rate].gross:
        raise _too_high(invoice, share, left[rate].gross, "lines")
    said = Row(credit.position, line["description"], line["sku"], credit.quantity)
    row = _line(said, rate, share, left[rate])
    left[rate].gross -= share
    left[rate].tax -= Decimal(row["tax"])
    return row


def _taken(earlier: Iterable[Invoice]) -> defaultdict[int, int]:
    """How many pieces of which line were credited before; rows without an SKU are amounts."""
    taken: defaultdict[int, int] = defaultdict(int)
    for credit in earlier:
        for line in credit.snapshot["lines"]:
            if line["sku"]:
                taken[line["position"]] += line["quantity"]
    return taken


def _spread(amount: Decimal, over: Mapping[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    """The amount in whole cents, in proportion; the cents that rounding leaves go where the most is left."""
    whole = sum(over.values(), ZERO)
    if not whole:
        return dict.fromkeys(over, ZERO)
    shares = {
        rate: (amount * part / whole).quantize(CENT, rounding=ROUND_DOWN) for rate, part in over.items()
    }
    rest = amount - sum(shares.values(), ZERO)
    for rate in sorted(over, key=lambda rate: shares[rate] - over[rate]):
        more = min(rest, over[rate] - shares[rate])
        shares[rate] += more
        rest -= more
    return {rate: share for rate, share in shares.items() if share}


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of a credit note says before its amounts; without an SKU it is an amount, not pieces."""

    position: int
    text: str
    sku: str = ""
    quantity: int = 1


def _line(row: Row, rate: Decimal, gross: Decimal, left: Left) -> dict[str, Any]:
    """One row with its amounts; what settles a rate takes the tax that is left of it, to the cent."""
    tax = left.tax if gross == left.gross else min(rounded(gross * rate / (100 + rate)), left.tax)
    return {
        "position": row.position,
        "sku": row.sku,
        "description": row.text,
        "quantity": row.quantity,
        "unit_price": str(rounded(gross / row.quantity)),
        "amount": str(gross),
        "discount": "0.00",
        "tax_rate": str(rate),
        "net": str(gross - tax),
        "tax": str(tax),
        "gross": str(gross),
    }


def _figures(lines: list[dict[str, Any]]) -> dict[str, Any]:
    sums: dict[str, list[Decimal]] = {}
    for line in lines:
        net, tax = sums.setdefault(line["tax_rate"], [ZERO, ZERO])
        sums[line["tax_rate"]] = [net + Decimal(line["net"]), tax + Decimal(line["tax"])]
    net = sum((pair[0] for pair in sums.values()), ZERO)
    tax = sum((pair[1] for pair in sums.values()), ZERO)
    taxes = [
        {"rate": rate, "net": str(pair[0]), "tax": str(pair[1])}
        for rate, pair in sorted(sums.items(), key=lambda item: Decimal(item[0]))
    ]
    return {
        "lines": lines,
        "subtotal": str(net + tax),
        "discount": "0.00",
        "discount_reason": "",
        "shipping": None,
        "prices_include_tax": True,
        "taxes": taxes,
        "net": str(net),
        "tax": str(tax),
        "total": str(net + tax),
    }


def _too_high(invoice: Invoice, wanted: Decimal, left: Decimal, field: str) -> CreditTooHigh:
    return CreditTooHigh(
        f"{left} {invoice.currency} of {invoice.code} is left to credit, not {wanted}.",
        field=field,
        left=str(left),
    )
