"""Which column of a file feeds which field of an order line, a product or a customer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tenant_apps.imports.errors import InvalidMapping


@dataclass(frozen=True)
class Field:
    """One thing a row can say, and the names that shops give its column."""

    name: str
    label: str
    synonyms: str
    required: bool = True


FIELDS: Final = (
    Field(
        "invoice",
        "Invoice number",
        "invoice invoiceno invoicenumber invoiceid externalreference order orderno ordernumber orderid document "
        "documentno documentnumber rechnung rechnungsnummer",
    ),
    Field(
        "sku",
        "SKU",
        "sku stockcode productcode itemcode articlecode article articleno itemno productid itemid "
        "lineitemsku variantsku artikelnummer",
    ),
    Field("quantity", "Quantity", "quantity qty units lineitemquantity quantityordered menge anzahl"),
    Field("placed_at", "Date", "invoicedate orderdate date placedat createdat datetime timestamp datum"),
    Field("unit_price", "Unit price", "unitprice price itemprice lineitemprice priceeach einzelpreis preis"),
    Field(
        "description",
        "Description",
        "description productname product itemname item name lineitemname title beschreibung bezeichnung",
        required=False,
    ),
    Field(
        "customer",
        "Customer number",
        "customerid customerreference customer customerno customernumber clientid buyerid kundennummer",
        required=False,
    ),
    Field(
        "customer_name",
        "Customer name",
        "customername clientname buyer buyername billingname company kunde",
        required=False,
    ),
    Field(
        "country", "Country", "country customercountry billingcountry shippingcountry land", required=False
    ),
    Field("kind", "Sale or cancellation", "kind documentkind orderkind", required=False),
)
SKU: Final = next(field for field in FIELDS if field.name == "sku")
PRODUCT_FIELDS: Final = (
    SKU,
    Field(
        "name",
        "Name",
        "name title productname itemname product item bezeichnung artikelname produktname",
        required=False,
    ),
    Field(
        "description",
        "Description",
        "description body bodyhtml longdescription beschreibung",
        required=False,
    ),
    Field("price", "Price", "price unitprice salesprice saleprice variantprice preis", required=False),
    Field(
        "compare_at_price",
        "Former price",
        "compareatprice variantcompareatprice regularprice listprice rrp streichpreis",
        required=False,
    ),
    Field("cost_price", "Cost", "costprice cost costperitem purchaseprice einkaufspreis", required=False),
    Field("category", "Category", "category productcategory producttype type kategorie", required=False),
    Field("tags", "Tags", "tags labels keywords schlagworte", required=False),
    Field("status", "Status", "status state", required=False),
    Field("tax_class", "Tax class", "taxclass tax vatclass steuerklasse", required=False),
    Field("kind", "Goods or service", "kind art", required=False),
    Field(
        "low_stock_at", "Warn at", "lowstockat lowstock reorderpoint minstock meldebestand", required=False
    ),
)
CUSTOMER_FIELDS: Final = (
    Field("email", "E-mail", "email emailaddress mail customeremail emailadresse"),
    Field("name", "Name", "name customername fullname contact contactname kunde kundenname", required=False),
    Field("company", "Company", "company companyname organization organisation firma", required=False),
    Field("phone", "Phone", "phone phonenumber telephone mobile telefon", required=False),
    Field("country", "Country", "country countrycode land", required=False),
    Field("vat_id", "VAT id", "vatid vatnumber taxid ustid ustidnr", required=False),
    Field("language", "Language", "language locale sprache", required=False),
    Field("tags", "Tags", "tags labels segments schlagworte", required=False),
    Field(
        "reference",
        "Customer number",
        "reference customerid customerno customernumber number kundennummer",
        required=False,
    ),
    Field("note", "Note", "note notes comment comments bemerkung notiz", required=False),
)
FIELDS_OF: Final = {"order_lines": FIELDS, "products": PRODUCT_FIELDS, "customers": CUSTOMER_FIELDS}
LABELS: Final = {field.name: field.label for fields in FIELDS_OF.values() for field in reversed(fields)}


def match_columns(columns: Sequence[str], kind: str = "order_lines") -> dict[str, str]:
    """The mapping that the column names suggest; fields that nothing matches are left out."""
    known = {plain_name(column): column for column in reversed(columns)}
    matches = {field.name: _first(known, field.synonyms.split()) for field in FIELDS_OF[kind]}
    return {name: column for name, column in matches.items() if column is not None}


def plain_name(column: str) -> str:
    """A column name without case, spaces and punctuation, as synonyms are written."""
    return re.sub(r"[\W_]+", "", column).casefold()


def _first(known: Mapping[str, str], synonyms: Sequence[str]) -> str | None:
    return next((known[synonym] for synonym in synonyms if synonym in known), None)


def missing_fields(mapping: Mapping[str, str], kind: str = "order_lines") -> list[str]:
    """The required fields that no column feeds yet."""
    return [field.name for field in FIELDS_OF[kind] if field.required and not mapping.get(field.name)]


def check_mapping(mapping: Mapping[str, str], columns: Sequence[str], kind: str = "order_lines") -> None:
    """Refuse a mapping that names unknown fields or columns, or one column twice."""
    known = [field.name for field in FIELDS_OF[kind]]
    for name, column in mapping.items():
        if name not in known:
            raise InvalidMapping(
                f"“{name}” is no field. The fields are {_listed(known)}.",
                field="mapping",
                fields=known,
            )
        if column not in columns:
            raise InvalidMapping(
                f"The file has no column “{column}”. Its columns are {_listed(columns)}.",
                field="mapping",
                columns=list(columns),
            )
    _refuse_sharing(mapping, columns)


def _refuse_sharing(mapping: Mapping[str, str], columns: Sequence[str]) -> None:
    in_header, in_mapping = Counter(columns), Counter(mapping.values())
    for column in mapping.values():
        if in_header[column] > 1:
            raise InvalidMapping(
                f"The column “{column}” stands in the header {in_header[column]} times. Rename all but one.",
                field="mapping",
            )
        if in_mapping[column] > 1:
            raise InvalidMapping(
                f"The column “{column}” is given to two fields. Choose one.", field="mapping"
            )


def require_complete(mapping: Mapping[str, str], columns: Sequence[str], kind: str = "order_lines") -> None:
    """Refuse a mapping that leaves a required field without a column."""
    missing = missing_fields(mapping, kind)
    if missing:
        raise InvalidMapping(
            f"No column is known for {_listed(LABELS[name] for name in missing)}. The file's columns are "
            f"{_listed(columns)}. Say which column holds what in the mapping.",
            field="mapping",
            missing=missing,
            columns=list(columns),
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
