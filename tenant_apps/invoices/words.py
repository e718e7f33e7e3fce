"""What a document says besides data, in the languages that it can be printed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENGLISH: Final = "en"


@dataclass(frozen=True)
class Words:
    """The words of one language; dates and amounts are printed by its `date` and `decimal` signs."""

    invoice: str
    credit_note: str
    number: str
    date: str
    due: str
    order: str
    placed: str
    reference: str
    bill_to: str
    ship_to: str
    vat_id: str
    item: str
    quantity: str
    price: str
    amount: str
    tax: str
    subtotal: str
    discount: str
    shipping: str
    net: str
    total: str
    tax_included: str
    credits: str
    reason: str
    page: str
    of: str
    date_format: str
    point: str
    thousands: str


WORDS: Final[dict[str, Words]] = {
    "en": Words(
        invoice="Invoice", credit_note="Credit note", number="Number", date="Date", due="Due by", order="Order",
        placed="ordered on", reference="Reference", bill_to="Bill to", ship_to="Ship to", vat_id="VAT id",
        item="Item", quantity="Quantity", price="Price", amount="Amount", tax="Tax", subtotal="Subtotal",
        discount="Discount", shipping="Shipping", net="Net", total="Total", tax_included="Prices include tax.",
        credits="Credits invoice", reason="Reason", page="Page", of="of", date_format="%-d %b %Y", point=".",
        thousands=",",
    ),
    "de": Words(
        invoice="Rechnung", credit_note="Gutschrift", number="Nummer", date="Datum", due="Zahlbar bis",
        order="Bestellung", placed="bestellt am", reference="Referenz", bill_to="Rechnung an", ship_to="Lieferung an",
        vat_id="USt-IdNr.", item="Artikel", quantity="Menge", price="Preis", amount="Betrag", tax="Steuer",
        subtotal="Zwischensumme", discount="Rabatt", shipping="Versand", net="Netto", total="Gesamtbetrag",
        tax_included="Preise enthalten die Steuer.", credits="Zu Rechnung", reason="Grund", page="Seite", of="von",
        date_format="%d.%m.%Y", point=",", thousands=".",
    ),
    "fr": Words(
        invoice="Facture", credit_note="Avoir", number="Numéro", date="Date", due="À payer avant le",
        order="Commande", placed="du", reference="Référence", bill_to="Facturer à", ship_to="Livrer à",
        vat_id="N° de TVA", item="Article", quantity="Quantité", price="Prix", amount="Montant", tax="TVA",
        subtotal="Sous-total", discount="Remise", shipping="Livraison", net="Total HT", total="Total TTC",
        tax_included="Prix TTC.", credits="Concerne la facture", reason="Motif", page="Page", of="sur",
        date_format="%d/%m/%Y", point=",", thousands="\N{NARROW NO-BREAK SPACE}",
    ),
}  # fmt: skip


def language_for(wanted: str) -> str:
    """The language of a document for somebody who reads this one: English where there is no translation."""
    language = wanted.partition("-")[0]
    return language if language in WORDS else ENGLISH
