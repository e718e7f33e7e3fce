"""How products are searched: by SKU, name and description, in the tenant's language, mistyped words included."""

from typing import Final

from tenants.searching import TextSearch

PRODUCTS: Final = TextSearch(code="sku", typos="name")
