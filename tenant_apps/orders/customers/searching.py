"""How customers are searched: by name, company, e-mail, reference and country, mistyped words included."""

from typing import Final

from django.db.models import QuerySet

from tenant_apps.orders.customers.models import TYPOS, WORDS, Customer
from tenants.finding import MOST_HITS, Finder, register_finder
from tenants.searching import FEW, TextSearch, joined, plain_words

CUSTOMER_SEARCH: Final = TextSearch(words=plain_words(*WORDS), typos=joined(*TYPOS))


def _found(words: str) -> QuerySet[Customer]:
    return CUSTOMER_SEARCH.rank(Customer.objects.listed(), words, most=FEW)[:MOST_HITS]


register_finder(
    Finder(
        kind="customer",
        title="Customers",
        verb="customers:read",
        order=30,
        icon="people",
        page="orders:customer",
        listing="orders:customers",
        resource="customer-detail",
        find=_found,
        label=lambda customer: str(customer.name),
        hint=lambda customer: customer.reference or customer.company or customer.email,
    )
)
