"""Finding orders by a few letters."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from tenant_apps.orders.models import Order


def search_orders(orders: QuerySet[Order], words: str) -> QuerySet[Order]:
    """Orders by number, by external reference, or by words of the customer's name."""
    text = words.strip().removeprefix("#")
    if not text:
        return orders
    named = Q(external_reference__iexact=text) | Q(customer__name__icontains=text)
    if text.isdecimal() and len(text) <= 18:
        named |= Q(number=int(text)) | Q(customer__reference=text)
    return orders.filter(named)
