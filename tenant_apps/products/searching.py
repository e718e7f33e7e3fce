"""How products are searched: by SKU, name and description, in the tenant's language, mistyped words included."""

from typing import Final

from django.db.models import QuerySet

from tenant_apps.products.models import Product
from tenants.finding import MOST_HITS, Finder, register_finder
from tenants.searching import FEW, TextSearch

PRODUCTS: Final = TextSearch(code="sku", typos="name")


def _found(words: str) -> QuerySet[Product]:
    return PRODUCTS.rank(Product.objects.live(), words, most=FEW)[:MOST_HITS]


register_finder(
    Finder(
        kind="product",
        title="Products",
        verb="products:read",
        order=20,
        icon="box",
        page="products:detail",
        listing="products:list",
        resource="product-detail",
        find=_found,
        label=lambda product: str(product.name),
        hint=lambda product: str(product.sku),
    )
)
