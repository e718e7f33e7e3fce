"""What exports of orders, their lines and customers hold, column by column."""

from typing import Any, Final

from django.db.models import Q

from tenants.exporting import Sheet

ORDER: Final[dict[str, Any]] = {
    "id": "id",
    "number": "number",
    "kind": "kind",
    "status": "status",
    "external_reference": "external_reference",
    "placed_at": "placed_at",
    "currency": "currency",
}
CUSTOMER: Final[dict[str, Any]] = {
    "customer": "customer_id",
    "customer_reference": "customer__reference",
    "customer_name": "customer__name",
    "customer_email": "customer__email",
    "customer_country": "customer__country",
}
# Whoever may see orders sees whose they are by id; the person behind it is another right.
GUARDED: Final = {name: "customers:read" for name in CUSTOMER if name != "customer"}

ORDERS: Final = Sheet(
    "orders",
    {
        **ORDER,
        **CUSTOMER,
        "payment_status": "payment_status",
        "fulfilment_status": "fulfilment_status",
        "subtotal": "subtotal",
        "discount_total": "discount_total",
        "shipping_total": "shipping_total",
        "tax_total": "tax_total",
        "total": "total",
        "paid_total": "paid_total",
        "refunded_total": "refunded_total",
        "tags": "tags",
        "note": "note",
        "source": "source",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
    guarded=GUARDED,
)
LINES: Final = Sheet(
    "lines",
    {
        **ORDER,
        **CUSTOMER,
        "position": "lines__position",
        "product": "lines__product_id",
        "sku": "lines__sku",
        "description": "lines__description",
        "quantity": "lines__quantity",
        "unit_price": "lines__unit_price",
        "line_total": "lines__total",
        "discount": "lines__discount",
        "tax_rate": "lines__tax_rate",
        "tax": "lines__tax",
    },
    guarded=GUARDED,
    then=("lines__position",),
    only=Q(lines__isnull=False),
)
CUSTOMERS: Final = Sheet(
    "customers",
    {
        "id": "id",
        "reference": "reference",
        "name": "name",
        "company": "company",
        "email": "email",
        "phone": "phone",
        "country": "country",
        "vat_id": "vat_id",
        "language": "language",
        "tags": "tags",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
