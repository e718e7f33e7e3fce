"""Finding customers by a few letters."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from tenant_apps.orders.customers.models import Customer


def search_customers(customers: QuerySet[Customer], words: str) -> QuerySet[Customer]:
    """Customers by reference, or by words of name, company, e-mail and country."""
    for word in words.split():
        customers = customers.filter(
            Q(name__icontains=word)
            | Q(company__icontains=word)
            | Q(email__icontains=word)
            | Q(country__icontains=word)
            | Q(reference__istartswith=word)
        )
    return customers
