"""The PDF of a document, laid out from what was kept when it was issued."""

# mypy: disable-error-code="import-untyped"
# (WeasyPrint comes without types)

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final

from django.template.loader import render_to_string

from tenant_apps.invoices.models import Invoice
from tenant_apps.invoices.words import ENGLISH, WORDS, Words
from tenant_apps.orders.customers.countries import country_name
from tenants.formats import MINUS, NO_BREAK, SYMBOLS, WITHOUT_MINOR

ZERO: Final = Decimal(0)


def pdf_of(invoice: Invoice) -> bytes:
    """The document as a PDF for A4 paper."""
    pdf: bytes = laid_out(invoice).write_pdf()
    return pdf


def laid_out(invoice: Invoice) -> Any:
    """The document in pages, as WeasyPrint has them."""
    # Loads pango; only workers come here, and web processes do not wait for it.
    import weasyprint

    return weasyprint.HTML(string=html_of(invoice), url_fetcher=_fetcher()).render()


def html_of(invoice: Invoice) -> str:
    """The document as a page that needs nothing from outside."""
    words = WORDS[invoice.language]
    return render_to_string("invoices/document.html", {"words": words, **_shown(invoice, words)})


@cache
def _fetcher() -> Any:
    """What WeasyPrint asks for other resources: it gets what is embedded in the page, and nothing else."""
    from weasyprint.urls import URLFetcher

    # Neither hosts nor files of this machine: a text that found its way into the page unescaped could name either.
    return URLFetcher(allowed_protocols=("data",), allow_redirects=False)


def shown_in_portal(invoice: Invoice) -> dict[str, Any]:
    """What a page of the portal, which speaks English, shows of a document: all that its PDF says."""
    return _shown(invoice, WORDS[ENGLISH])


def _shown(invoice: Invoice, words: Words) -> dict[str, Any]:
    kept = invoice.snapshot
    sign = -1 if invoice.is_credit_note else 1

    def amount(text: str) -> str:
        return _amount(Decimal(text) * sign, invoice.currency, words)

    return {
        "invoice": invoice,
        "title": words.credit_note if invoice.is_credit_note else words.invoice,
        "seller": kept["seller"],
        "seller_lines": address_lines(kept["seller"], kept["seller"]["country"]),
        "buyer": kept["buyer"],
        "buyer_lines": _party(kept["buyer"], kept["seller"]["country"]),
        "ship_lines": _shipping_lines(kept),
        "issued_on": _day(kept["issued_on"], words),
        "due_on": _day(kept["due_on"], words),
        "order": {**kept["order"], "placed_on": _day(kept["order"]["placed_on"], words)},
        "credits": kept.get("credits"),
        "reason": kept.get("reason", ""),
        "lines": [_line(line, words, amount) for line in kept["lines"]],
        "sums": _sums(kept, words, amount),
        "taxes": [
            {"rate": _rate(tax["rate"], words), "net": amount(tax["net"]), "tax": amount(tax["tax"])}
            for tax in kept["taxes"]
            if Decimal(tax["tax"])
        ],
        "total": amount(kept["total"]),
        "prices_include_tax": kept["prices_include_tax"] and Decimal(kept["tax"]),
    }


def address_lines(address: dict[str, Any], home: str = "") -> list[str]:
    """An address line by line; the country stands where it is another one than `home`."""
    town = " ".join(filter(None, [address.get("postal_code"), address.get("city")]))
    country = address.get("country", "")
    abroad = country_name(country) if country != home else ""
    lines = [address.get("line1"), address.get("line2"), town, address.get("region"), abroad]
    return [line for line in lines if line]


def _party(party: dict[str, Any], home: str) -> list[str]:
    names = [name for name in (party.get("company"), party.get("name")) if name]
    return [*names, *address_lines(party, home)]


def _shipping_lines(kept: dict[str, Any]) -> list[str]:
    """Where the goods go, if that is another place."""
    home, ship_to = kept["seller"]["country"], kept["ship_to"] or {}
    lines = _party(ship_to, home) if ship_to.get("line1") else []
    return lines if lines != _party(kept["buyer"], home) else []


def _line(line: dict[str, Any], words: Words, amount: Any) -> dict[str, Any]:
    return {
        **line,
        "unit_price": amount(line["unit_price"]),
        "amount": amount(line["amount"]),
        "tax_rate": _rate(line["tax_rate"], words),
    }


def _sums(kept: dict[str, Any], words: Words, amount: Any) -> list[tuple[str, str]]:
    """The way from the lines to the total; what is zero is left out."""
    shipping = kept["shipping"] or {"description": "", "amount": "0"}
    discount = Decimal(kept["discount"])
    steps = [
        (words.subtotal, kept["subtotal"]) if discount or Decimal(shipping["amount"]) else None,
        (_told(words.discount, kept["discount_reason"]), str(-discount)) if discount else None,
        (_told(words.shipping, shipping["description"]), shipping["amount"]) if kept["shipping"] else None,
        (words.net, kept["net"]) if Decimal(kept["tax"]) else None,
        (words.tax, kept["tax"]) if Decimal(kept["tax"]) else None,
    ]
    return [(label, amount(value)) for label, value in filter(None, steps)]


def _told(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what


def _amount(amount: Decimal, currency: str, words: Words) -> str:
    places = 0 if currency in WITHOUT_MINOR else 2
    digits = f"{abs(amount):,.{places}f}".translate({ord(","): words.thousands, ord("."): words.point})
    sign = MINUS if amount < 0 else ""
    symbol = SYMBOLS.get(currency, currency)
    if words.point == ",":
        return f"{sign}{digits}{NO_BREAK}{symbol}"
    return f"{sign}{symbol}{digits}" if currency in SYMBOLS else f"{sign}{symbol}{NO_BREAK}{digits}"


def _rate(rate: str, words: Words) -> str:
    plain = f"{Decimal(rate).normalize():f}"
    return f"{plain.replace('.', words.point)}{NO_BREAK}%"


def _day(day: str | None, words: Words) -> str:
    return date.fromisoformat(day).strftime(words.date_format) if day else ""
